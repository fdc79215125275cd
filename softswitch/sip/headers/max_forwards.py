"""Max-Forwards (RFC 3261 section 20.22)."""

from __future__ import annotations

from softswitch.sip.grammar import parse_number

# 20.22: "The Max-Forwards value is an integer in the range 0-255".
MAX_MAX_FORWARDS = 255


def parse_max_forwards(value: str) -> int:
    """Read how many more elements may forward the request."""
    return parse_number(value, limit=MAX_MAX_FORWARDS, reason="bad-max-forwards")
