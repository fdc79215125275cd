"""Whose numbers a certificate is for: the extension TNAuthList (RFC 8226 section 9), read from DER.

Only what that extension is made of: sequences, explicit tags, IA5 strings, small integers.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

__all__ = ["TN_AUTH_LIST", "MalformedList", "TnAuthList", "parse_tn_auth_list"]

TN_AUTH_LIST = "1.3.6.1.5.5.7.1.26"

MAX_ENTRIES = 1000
"""Ranges of one certificate; larger holdings are named by a service provider code."""
MAX_BYTES = 32_768
"""Of the whole extension."""
MAX_NUMBER = 32
"""Characters of a number or a code."""

_SEQUENCE, _INTEGER, _IA5_STRING = 0x30, 0x02, 0x16
_CODE, _RANGE, _ONE = 0xA0, 0xA1, 0xA2


class MalformedList(ValueError):
    """It is none, by its bytes."""


class TnAuthList(msgspec.Struct, frozen=True):
    """Service provider codes, and numbers as ranges: the first, and how many."""

    codes: tuple[str, ...] = ()
    ranges: tuple[tuple[str, int], ...] = ()

    def covers(self, number: str) -> bool:
        """Whether a number (digits) may be signed for: with a code, that is between the provider
        and its regulator; else it must stand in a range."""
        return bool(self.codes) or any(_holds(first, count, number) for first, count in self.ranges)


def parse_tn_auth_list(der: bytes) -> TnAuthList:
    """Read the extension; raises MalformedList."""
    if len(der) > MAX_BYTES:
        raise MalformedList("too long")
    tag, content, rest = _element(der)
    if tag != _SEQUENCE or rest or not content:
        raise MalformedList("not a sequence of entries")
    codes: list[str] = []
    ranges: list[tuple[str, int]] = []
    for count, (kind, entry) in enumerate(_elements(content)):
        if count == MAX_ENTRIES:
            raise MalformedList("too many entries")
        if kind == _CODE:
            codes.append(_text(entry))
        elif kind == _ONE:
            ranges.append((_number(_text(entry)), 1))
        elif kind == _RANGE:
            ranges.append(_range(entry))
        else:
            raise MalformedList("an entry of another kind")
    return TnAuthList(tuple(codes), tuple(ranges))


def _holds(first: str, count: int, number: str) -> bool:
    if not number.isdigit() or len(number) != len(first):
        return False
    return 0 <= int(number) - int(first) < count


def _range(entry: bytes) -> tuple[str, int]:
    tag, content, rest = _element(entry)
    parts = list(_elements(content)) if tag == _SEQUENCE and not rest else []
    if [kind for kind, _ in parts] != [_IA5_STRING, _INTEGER]:
        raise MalformedList("not a range of numbers")
    count = int.from_bytes(parts[1][1], "big", signed=True) if len(parts[1][1]) <= 8 else 0
    if count < 2:
        raise MalformedList("a range of less than two")
    return _number(parts[0][1].decode("ascii", "replace")), count


def _number(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER):
        raise MalformedList("no telephone number")
    return text


def _text(entry: bytes) -> str:
    tag, content, rest = _element(entry)
    text = content.decode("ascii", "replace")
    if tag != _IA5_STRING or rest or not 0 < len(text) <= MAX_NUMBER or not text.isprintable():
        raise MalformedList("not a text")
    return text


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        tag, element, content = _element(content)
        yield tag, element


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element: its tag, its content, what is behind it."""
    if len(data) < 2:
        raise MalformedList("cut off")
    length, start = data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 3 or len(data) < 2 + size:
            raise MalformedList("a length that cannot be")
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) < start + length:
        raise MalformedList("cut off")
    return data[0], data[start : start + length], data[start + length :]
