"""RSeq (RFC 3262 section 7.1)."""

from __future__ import annotations

from softswitch.sip.grammar import parse_number

# Section 7.1: a number from 1 to 2**32 - 1.
MAX_RSEQ = 2**32 - 1


def parse_rseq(value: str) -> int:
    """Read the number of a reliable provisional response."""
    return parse_number(value, limit=MAX_RSEQ, reason="bad-rseq")
