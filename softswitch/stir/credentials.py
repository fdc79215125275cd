"""Certificates of those who sign: whether an authority of ours stands behind one, and for how long.

RFC 8226. Paths are validated by `cryptography` (RFC 5280); a certificate is judged once, only its
time is looked at again. The one module, with `keys`, that needs that package: whoever imports it
has found out whether it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from softswitch.stir.tn_auth_list import (
    TN_AUTH_LIST,
    MalformedList,
    TnAuthList,
    parse_tn_auth_list,
)

__all__ = ["MAX_AUTHORITIES", "UNUSABLE", "Authorities", "Credential", "read_certificates"]

MAX_CERTIFICATES = 10
"""Of one chain: two or three are usual."""
MAX_AUTHORITIES = 1000
"""Believed; there are some tens of them in a country."""
MAX_SIGNER = 100
"""Characters of a name that are told."""

_ES256 = ec.ECDSA(hashes.SHA256())


class Credential(msgspec.Struct, frozen=True):
    """One certificate that signs, judged."""

    problem: str
    """Why it is worth nothing, a key of `verdict.STATUSES`; empty: it is good."""
    key: ec.EllipticCurvePublicKey | None = None
    begins: float = 0.0
    """When the certificates of its path are all valid: UTC in seconds."""
    ends: float = 0.0
    numbers: TnAuthList | None = None
    """Whose numbers it is for, where it says so."""
    signer: str = ""

    def problem_at(self, now: float) -> str:
        """Why it is worth nothing now; empty: it is good."""
        if self.problem:
            return self.problem
        return "" if self.begins <= now <= self.ends else "expired-certificate"

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        """Whether these 64 bytes are its signature of the data (RFC 7518 section 3.4)."""
        if self.key is None:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            self.key.verify(utils.encode_dss_signature(r, s), data, _ES256)
        except InvalidSignature:
            return False
        return True


UNUSABLE = Credential("unusable-certificate")


class Authorities:
    """Whom we believe."""

    def __init__(self, roots: list[x509.Certificate]) -> None:
        self._builder = PolicyBuilder().store(Store(roots)).extension_policies(
            # The library's own policies are those of web servers, which have names of hosts.
            ca_policy=ExtensionPolicy.permit_all().require_present(
                x509.BasicConstraints, Criticality.AGNOSTIC, None
            ),
            ee_policy=ExtensionPolicy.permit_all(),
        )  # fmt: skip

    def judge(self, chain: Sequence[x509.Certificate], now: float) -> Credential:
        """What a certificate with those above it is worth; one that is expired is judged by the
        time when it was not, so that it is told as that."""
        try:
            return self._judge(chain, now)
        except (
            MalformedList, ValueError, UnsupportedAlgorithm, x509.DuplicateExtension,
            x509.UnsupportedGeneralNameType,
        ):  # fmt: skip
            return UNUSABLE

    def _judge(self, chain: Sequence[x509.Certificate], now: float) -> Credential:
        leaf, *above = chain
        key = leaf.public_key()
        # RFC 8225 section 8: ES256 is the one algorithm there is.
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            return UNUSABLE
        numbers = _numbers_of(leaf)
        if not _may_sign(leaf):
            return UNUSABLE
        path = self._path(leaf, above, now)
        if path is None:
            return Credential("untrusted-certificate", signer=_signer_of(leaf, numbers))
        begins = max(one.not_valid_before_utc for one in path).timestamp()
        ends = min(one.not_valid_after_utc for one in path).timestamp()
        return Credential("", key, begins, ends, numbers, _signer_of(leaf, numbers))

    def _path(
        self, leaf: x509.Certificate, above: list[x509.Certificate], now: float
    ) -> list[x509.Certificate] | None:
        """The way from a certificate to an authority, at a time when both are valid."""
        for moment in _moments(leaf, now):
            verifier = self._builder.time(moment).build_client_verifier()
            try:
                return list(verifier.verify(leaf, above).chain)
            except VerificationError:
                continue
        return None


def _moments(leaf: x509.Certificate, now: float) -> list[datetime]:
    moment = datetime.fromtimestamp(now, UTC)
    # An authority may have ended before the certificate has: there is no time for them then.
    return [moment, leaf.not_valid_before_utc, leaf.not_valid_after_utc]


def _may_sign(leaf: x509.Certificate) -> bool:
    """Whether it is there to sign calls: no authority, and no key for something else alone."""
    for kind, allows in (
        (x509.BasicConstraints, lambda value: not value.ca),
        (x509.KeyUsage, lambda value: value.digital_signature),
    ):
        try:
            if not allows(leaf.extensions.get_extension_for_class(kind).value):
                return False
        except x509.ExtensionNotFound:
            continue
    return True


def _numbers_of(leaf: x509.Certificate) -> TnAuthList | None:
    for extension in leaf.extensions:
        value = extension.value
        if extension.oid.dotted_string == TN_AUTH_LIST and isinstance(
            value, x509.UnrecognizedExtension
        ):
            return parse_tn_auth_list(value.value)
    return None


def _signer_of(leaf: x509.Certificate, numbers: TnAuthList | None) -> str:
    if numbers is not None and numbers.codes:
        return numbers.codes[0]
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(names[0].value) if names else leaf.subject.rfc4514_string()
    return "".join(c for c in text if c.isprintable())[:MAX_SIGNER]


def read_certificates(data: bytes, *, most: int = MAX_CERTIFICATES) -> list[x509.Certificate]:
    """The certificates of a file, PEM or one in DER; raises ValueError."""
    if b"-----BEGIN" not in data:
        return [x509.load_der_x509_certificate(data)]
    certificates = x509.load_pem_x509_certificates(data)
    if not 0 < len(certificates) <= most:
        raise ValueError(f"{len(certificates)} certificates")
    return certificates
