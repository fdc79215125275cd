"""PASSporTs: what is signed of a call, as bytes (RFC 8225, the extensions of RFC 8588 and 8946).

A token is three parts in base64url: a header, a payload, a signature. In the compact form the first
two are left out, and made again of what the request says. Knows neither keys nor requests.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Literal, TypeVar

import msgspec

__all__ = [
    "Claims",
    "Header",
    "MalformedPassport",
    "Party",
    "Token",
    "canonical",
    "encode",
    "header_of",
    "number_party",
    "payload_of",
    "read_token",
    "signing_input",
    "uri_party",
]

T = TypeVar("T")

MAX_TOKEN = 8192
"""Characters: a line of a SIP message has no more."""

MAX_DESTINATIONS = 16
"""Numbers of `dest`: a call goes to one; a conference of many is not signed as one call."""

MAX_TEXT = 512
"""Characters of a number, a URI or an id."""

MAX_IAT = 2**40
"""Seconds: some ten thousand years, and exact as a float."""

SIGNATURE_BYTES = 64
"""RFC 7518 section 3.4: R and S of P-256, 32 bytes each."""

_PART = re.compile(r"[A-Za-z0-9_-]*={0,2}\Z")
_NUMBER = re.compile(r"[0-9*#]{1,32}\Z")


class MalformedPassport(ValueError):
    """It is none, by its letters."""


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 8225 section 4, RFC 7515 section 4.1.11 (`crit`)."""

    alg: str
    typ: str = ""
    x5u: str = ""
    ppt: str = ""
    crit: list[str] = []


class _One(msgspec.Struct, frozen=True):
    tn: str | None = None
    uri: str | None = None


class _Many(msgspec.Struct, frozen=True):
    tn: list[str] | str | None = None
    uri: list[str] | str | None = None


class _Payload(msgspec.Struct, frozen=True):
    iat: int | float
    orig: _One
    dest: _Many
    attest: str | None = None
    origid: str | None = None
    div: _One | None = None


class Party(msgspec.Struct, frozen=True):
    """One identity: a telephone number or a URI."""

    kind: Literal["tn", "uri"]
    text: str
    """A number without `+` and separators (RFC 8224 section 8.3), or a URI as it is compared."""


class Claims(msgspec.Struct, frozen=True):
    """What a token says."""

    iat: float
    orig: Party
    dest: tuple[Party, ...]
    attest: str = ""
    origid: str = ""
    div: Party | None = None


class Token(msgspec.Struct, frozen=True):
    """A token in its full form, taken apart; nothing of it is verified."""

    header: Header
    claims: Claims
    signed: bytes
    """What the signature is of."""
    signature: bytes


def read_token(digest: str) -> Token | bytes:
    """A token in its full form, or the signature of a compact one; raises MalformedPassport."""
    if len(digest) > MAX_TOKEN or not digest.isascii():
        raise MalformedPassport("too long")
    parts = digest.split(".")
    if len(parts) != 3:
        raise MalformedPassport("not three parts")
    signature = _decoded(parts[2])
    if len(signature) != SIGNATURE_BYTES:
        raise MalformedPassport("a signature of another length")
    if not parts[0] and not parts[1]:
        return signature
    header = _read(_decoded(parts[0]), Header)
    claims = _claims(_read(_decoded(parts[1]), _Payload))
    return Token(header, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def canonical(value: dict[str, Any]) -> bytes:
    """JSON as it is signed: no white space, keys in order (RFC 8225 section 9)."""
    return msgspec.json.encode(value, order="sorted")


def signing_input(header: dict[str, Any], payload: dict[str, Any]) -> bytes:
    """What a signature is made of (RFC 7515 section 5.1)."""
    return encode(canonical(header)) + b"." + encode(canonical(payload))


def encode(data: bytes) -> bytes:
    """Base64url without its padding."""
    return urlsafe_b64encode(data).rstrip(b"=")


def header_of(x5u: str, ppt: str = "") -> dict[str, Any]:
    """The header of a token."""
    header = {"alg": "ES256", "typ": "passport", "x5u": x5u}
    return {**header, "ppt": ppt} if ppt else header


def payload_of(orig: Party, dest: Party, iat: int) -> dict[str, Any]:
    """The payload of a token without extensions."""
    return {"dest": {dest.kind: [dest.text]}, "iat": iat, "orig": {orig.kind: orig.text}}


# Identities.


def number_party(text: str) -> Party:
    """A number as it is compared; raises MalformedPassport when it is none."""
    # RFC 8225 section 5.2.1 has it without; others write it all the same.
    number = text.removeprefix("+")
    if not _NUMBER.match(number):
        raise MalformedPassport("no telephone number")
    return Party("tn", number)


def uri_party(text: str) -> Party:
    """A URI as it is compared: scheme and host without case, no parameters."""
    bounded = _bounded(text)
    scheme, _, rest = bounded.partition(":")
    user, at, host = rest.partition(";")[0].rpartition("@")
    return Party("uri", f"{scheme.lower()}:{user}{at}{host.lower()}")


# Reading.


def _decoded(part: str) -> bytes:
    if not part or not _PART.match(part):
        raise MalformedPassport("not base64url")
    bare = part.rstrip("=")
    try:
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        raise MalformedPassport("not base64url") from None


def _read(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise MalformedPassport("not what a token holds") from None


def _claims(payload: _Payload) -> Claims:
    if not 0 <= payload.iat <= MAX_IAT:
        raise MalformedPassport("iat is no time")
    if payload.attest not in (None, "A", "B", "C"):
        raise MalformedPassport("attest is none of A, B, C")
    return Claims(
        float(payload.iat),
        _party(payload.orig),
        _parties(payload.dest),
        payload.attest or "",
        _bounded(payload.origid or ""),
        None if payload.div is None else _party(payload.div),
    )


def _party(one: _One) -> Party:
    if (one.tn is None) is (one.uri is None):
        raise MalformedPassport("neither a number nor a URI, or both")
    return number_party(one.tn) if one.tn is not None else uri_party(one.uri or "")


def _parties(many: _Many) -> tuple[Party, ...]:
    numbers, uris = (_texts(one) for one in (many.tn, many.uri))
    if not 0 < len(numbers) + len(uris) <= MAX_DESTINATIONS:
        raise MalformedPassport("no destination, or too many")
    return (*map(number_party, numbers), *map(uri_party, uris))


def _texts(value: list[str] | str | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT or not text.isprintable():
        raise MalformedPassport("a text that is too long, or cannot be shown")
    return text
