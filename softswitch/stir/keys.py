"""What we sign with: a key, its certificate, and where others find that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from softswitch.sip.headers.identity import Identity
from softswitch.stir.credentials import read_certificates
from softswitch.stir.errors import StirUnusable
from softswitch.stir.passport import encode, header_of, signing_input

__all__ = ["SigningKey", "read_key"]

_ES256 = ec.ECDSA(hashes.SHA256())


class SigningKey:
    """Signs what a call says of its caller."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, x5u: str, ends: float) -> None:
        self._key = key
        self._x5u = x5u
        self.ends = ends
        """When its certificate ends: UTC in seconds."""

    def identity(self, payload: dict[str, Any], ppt: str = "") -> str:
        """A value of Identity, in its full form (RFC 8224 section 4)."""
        data = signing_input(header_of(self._x5u, ppt), payload)
        r, s = utils.decode_dss_signature(self._key.sign(data, _ES256))
        # RFC 7518 section 3.4: both in big-endian order, 32 octets each; not DER.
        signature = encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return str(Identity((data + b"." + signature).decode(), self._x5u, "ES256", ppt))


def read_key(key: Path, certificate: Path, x5u: str) -> SigningKey:
    """Read a key and its certificate; raises StirUnusable. What is in the key is never told."""
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise StirUnusable(f"{key}: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise StirUnusable(f"{key}: no private key (PEM, without a password)") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise StirUnusable(f"{key}: not a key of P-256, which ES256 signs with")
    try:
        leaf = read_certificates(certificate.read_bytes())[0]
        public = leaf.public_key()
    except OSError as error:
        raise StirUnusable(f"{certificate}: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise StirUnusable(f"{certificate}: no certificate (PEM)") from None
    if public != private.public_key():
        raise StirUnusable(f"{certificate}: not the certificate of {key}")
    return SigningKey(private, x5u, leaf.not_valid_after_utc.timestamp())
