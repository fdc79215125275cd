"""The moment a call is thought to come in, as an operator writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

__all__ = ["MomentError", "moment"]

_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}\Z")


class MomentError(ValueError):
    """A text that is no time; says what is."""


FIRST_YEAR, LAST_YEAR = 1970, 2200
"""Beyond these no telephone call is made, and clocks of other zones have no date."""


def moment(text: str, zone: str, *, now: float) -> float:
    """UTC in seconds of `2026-12-24 17:30`, `17:30` (today) or an ISO time with its own offset;
    without one it is the time of the zone. Raises MomentError."""
    place = ZoneInfo(zone)
    written = text.strip()
    if _TIME.match(written):
        today = datetime.fromtimestamp(now, UTC).astimezone(place).date()
        written = f"{today.isoformat()} {written.zfill(5)}"
    try:
        found = datetime.fromisoformat(written.replace("Z", "+00:00"))
        local = found.replace(tzinfo=place) if found.tzinfo is None else found
        if not FIRST_YEAR <= local.year <= LAST_YEAR:
            raise ValueError(local.year)
        return local.timestamp()
    except (ValueError, OverflowError):
        raise MomentError(
            f'"{text}" is no time: "2026-12-24 17:30", "17:30" or "2026-12-24T17:30-07:00"'
        ) from None
