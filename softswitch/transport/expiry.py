"""Until when certificates are good: their `notAfter` (RFC 5280 section 4.1.2.5), out of the file.

Python's own TLS tells the date of a peer's certificate only, so the few bytes before it are walked
here (X.690). Verifies nothing and knows no clock.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

__all__ = ["ends_of"]

MAX_CERTIFICATES = 100
"""Of one file: a chain has three; a file of authorities is not looked at."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _UTC_TIME, _VERSION = 0x30, 0x17, 0xA0

FIELDS_BEFORE_VALIDITY = 3
"""Serial number, signature algorithm, issuer; the version before them may be left out."""


def ends_of(pem: bytes) -> list[float]:
    """The end of each certificate of a PEM file, as Unix seconds; what cannot be read is left
    out."""
    ends = []
    for found, _ in zip(_PEM.finditer(pem), range(MAX_CERTIFICATES), strict=False):
        try:
            der = ssl.PEM_cert_to_DER_cert(found.group().decode("ascii"))
            ends.append(_not_after(der))
        except (ValueError, IndexError, StopIteration):
            continue
    return ends


def _not_after(der: bytes) -> float:
    """Certificate -> tbsCertificate -> validity -> notAfter; raises ValueError, IndexError,
    StopIteration."""
    _, certificate = next(_elements(der))
    _, signed = next(_elements(certificate))
    fields = _elements(signed)
    tag, _ = next(fields)
    for _ in range(FIELDS_BEFORE_VALIDITY - (tag != _VERSION)):
        next(fields)
    tag, validity = next(fields)
    if tag != _SEQUENCE:
        raise ValueError("no validity")
    times = _elements(validity)
    next(times)
    return _seconds(*next(times))


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what stands one behind the other."""
    place = 0
    while place < len(data):
        tag, length = data[place], data[place + 1]
        place += 2
        if length >= 0x80:
            octets = length - 0x80
            length = int.from_bytes(data[place : place + octets])
            place += octets
        yield tag, data[place : place + length]
        place += length


def _seconds(tag: int, text: bytes) -> float:
    """RFC 5280 section 4.1.2.5.1: years of two digits are those from 1950 to 2049."""
    digits = text.decode("ascii")
    if tag == _UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
