"""Date: when a message was sent first (RFC 3261 section 20.17)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from softswitch.sip.errors import ParseError

__all__ = ["format_date", "parse_date"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_DATE = re.compile(
    r"[A-Za-z]{3}, ([0-9]{1,2}) ([A-Za-z]{3}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT",
    re.IGNORECASE,
)


def parse_date(value: str) -> int:
    """Read `Sat, 13 Nov 2010 23:29:00 GMT` as UTC in seconds; raises ParseError.

    25.1: "Date [...] MUST be GMT".
    """
    matched = _DATE.fullmatch(value.strip())
    if matched is None:
        raise ParseError("bad-date", detail=f"{value[:60]!r} is no date")
    day, month, *rest = matched.groups()
    try:
        number = _MONTHS.index(month.title()) + 1
        year, hour, minute, second = map(int, rest)
        # RFC 1123 knows leap seconds; our clock does not.
        moment = datetime(year, number, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        raise ParseError("bad-date", detail=f"{value[:60]!r} is no date") from None
    return int(moment.timestamp())


def format_date(at: float) -> str:
    """Write UTC in seconds."""
    moment = datetime.fromtimestamp(int(at), UTC)
    month = _MONTHS[moment.month - 1]
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {month} {moment.year:04} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"
    )
