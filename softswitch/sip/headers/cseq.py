"""CSeq (RFC 3261 section 20.16)."""

from __future__ import annotations

import msgspec

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import USUAL_METHODS, is_token, parse_number

# 8.1.1.5: "The sequence number value MUST be expressible as a 32-bit unsigned integer and MUST be
# less than 2**31."
MAX_CSEQ = 2**31 - 1


class CSeq(msgspec.Struct, frozen=True):
    """The number that orders requests in a dialog, and the request's method."""

    number: int
    method: str

    @classmethod
    def parse(cls, value: str) -> CSeq:
        """Read `4711 INVITE`."""
        digits, _, method = value.partition(" ")
        if method in USUAL_METHODS and len(digits) < 10 and digits.isascii() and digits.isdigit():
            return cls(int(digits), method)
        words = value.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if len(words) != 2 or not is_token(words[1]):
            raise ParseError("bad-cseq", detail=f"{value[:60]!r}")
        return cls(parse_number(words[0], limit=MAX_CSEQ, reason="bad-cseq"), words[1])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
