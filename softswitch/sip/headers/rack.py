"""RAck (RFC 3262 section 7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.cseq import CSeq
from softswitch.sip.headers.rseq import parse_rseq


@dataclass(frozen=True, slots=True)
class RAck:
    """Which provisional response a PRACK acknowledges: its RSeq, and the CSeq it belonged to."""

    response_number: int
    cseq: CSeq

    @classmethod
    def parse(cls, value: str) -> RAck:
        """Read `776656 1 INVITE`."""
        number, _, cseq = value.partition(" ")
        try:
            return cls(parse_rseq(number), CSeq.parse(cseq))
        except ParseError as error:
            raise ParseError("bad-rack", detail=f"{value[:60]!r}") from error

    def __str__(self) -> str:
        return f"{self.response_number} {self.cseq}"
