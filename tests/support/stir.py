"""Authorities, certificates and signatures of callers, made by tests."""

from __future__ import annotations

import datetime as dt
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey

X5U = "https://certs.example.org/carrier.pem"


def code_list(code: str) -> bytes:
    """A TNAuthList with one service provider code."""
    text = code.encode()
    inner = bytes((0xA0, len(text) + 2, 0x16, len(text))) + text
    return bytes((0x30, len(inner))) + inner


def number_list(number: str) -> bytes:
    """A TNAuthList with one number."""
    text = number.encode()
    inner = bytes((0xA2, len(text) + 2, 0x16, len(text))) + text
    return bytes((0x30, len(inner))) + inner


@dataclass
class Signer:
    """A key with its chain of certificates."""

    key: Key
    chain: list[x509.Certificate]

    @property
    def pem(self) -> bytes:
        """The chain, the certificate first."""
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in self.chain)

    @property
    def key_pem(self) -> bytes:
        """The private key."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign(self, data: bytes) -> bytes:
        """R and S."""
        r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(
        self, payload: dict[str, Any], *, ppt: str = "shaken", x5u: str = X5U, **header: Any
    ) -> str:
        """A token in its full form; `header` overrides."""
        head = {"alg": "ES256", "ppt": ppt, "typ": "passport", "x5u": x5u, **header}
        if not head["ppt"]:
            del head["ppt"]
        data = encoded(dumped(head)) + b"." + encoded(dumped(payload))
        return (data + b"." + encoded(self.sign(data))).decode()

    def identity(
        self, payload: dict[str, Any], *, ppt: str = "shaken", x5u: str = X5U, **header: Any
    ) -> str:
        """A value of Identity."""
        token = self.token(payload, ppt=ppt, x5u=x5u, **header)
        return f"{token};info=<{x5u}>;alg=ES256" + (f";ppt={ppt}" if ppt else "")


@dataclass
class Authority:
    """Makes certificates."""

    name: str = "Test Authority"
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    above: Authority | None = None

    def __post_init__(self) -> None:
        self.certificate = self._make(self.name, self.key.public_key(), is_authority=True)

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def authority(self, name: str) -> Authority:
        """One below it."""
        return Authority(name, above=self)

    def signer(
        self,
        name: str = "Carrier SHAKEN",
        *,
        days: tuple[float, float] = (-1, 30),
        numbers: bytes | None = None,
        key: Key | None = None,
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ) -> Signer:
        """A certificate that may sign calls: valid from and to so many days from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        if numbers is not None:
            oid = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26")
            extensions = (*extensions, (x509.UnrecognizedExtension(oid, numbers), False))
        leaf = Authority._signed_by(self, name, key.public_key(), days, extensions)
        chain, one = [leaf], self
        while one.above is not None:
            chain.append(one.certificate)
            one = one.above
        return Signer(key, chain)

    def _make(self, name: str, key: Any, *, is_authority: bool) -> x509.Certificate:
        signer = self.above or self
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            (x509.BasicConstraints(ca=is_authority, path_length=None), True),
        )
        return signer._signed_by(name, key, (-400, 400), extensions)

    def _signed_by(
        self,
        name: str,
        key: Any,
        days: tuple[float, float],
        extensions: tuple[tuple[x509.ExtensionType, bool], ...],
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=days[0]))
            .not_valid_after(now + dt.timedelta(days=days[1]))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def shaken(
    orig: str = "12155551212",
    dest: str = "12155551213",
    *,
    iat: int,
    attest: str = "A",
    origid: str = "123e4567-e89b-12d3-a456-426655440000",
) -> dict[str, Any]:
    """The payload of a SHAKEN token."""
    return {
        "attest": attest, "dest": {"tn": [dest]}, "iat": iat, "orig": {"tn": orig},
        "origid": origid,
    }  # fmt: skip


def encoded(data: bytes) -> bytes:
    """Base64url without padding, written apart from the code under test."""
    return urlsafe_b64encode(data).rstrip(b"=")


def dumped(value: dict[str, Any]) -> bytes:
    """Canonical JSON, likewise."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def lay_out(folder: Path, root: Authority, signer: Signer, url: str = X5U) -> tuple[Path, Path]:
    """A file of authorities and a folder of certificates, as the configuration names them."""
    folder.mkdir(parents=True, exist_ok=True)
    authorities = folder / "authorities.pem"
    authorities.write_bytes(root.pem)
    certificates = folder / "certificates"
    place = certificates / url.removeprefix("https://")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(signer.pem)
    return authorities, certificates
