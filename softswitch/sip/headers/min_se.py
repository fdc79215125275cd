"""Min-SE (RFC 4028 section 5)."""

from __future__ import annotations

from softswitch.sip.grammar import WHITE_SPACE, parse_number
from softswitch.sip.headers.retry_after import MAX_DELTA_SECONDS

# Section 5: "The minimum value MUST NOT be less than 90 seconds", which is also the default.
DEFAULT_MIN_SE = 90


def parse_min_se(value: str) -> int:
    """Read the shortest session interval the sender allows; parameters mean nothing yet."""
    seconds = value.partition(";")[0].strip(WHITE_SPACE)
    return parse_number(seconds, limit=MAX_DELTA_SECONDS, reason="bad-min-se")
