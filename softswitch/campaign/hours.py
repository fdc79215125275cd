"""Schedules: whether one is open at an instant, and when it opens next.

A schedule says minutes of the wall clock of its zone, so an instant is put on that clock and looked
up: an hour that daylight saving time skips never comes, one that it repeats is judged alike both
times. A span that ends on the next day belongs to the day it began on. A holiday is closed from
midnight to midnight; a special day has spans of its own, and what began the evening before runs
out. A special day that is also a holiday is special.

Instants are UTC in seconds since the epoch.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from config.model import Hours, OpenTime

__all__ = ["is_holiday", "is_open", "local_time", "next_opening"]

MAX_DAYS = 400
"""Days looked ahead for the next opening: more than a year of holidays is for ever."""

_DAY = timedelta(days=1)


def local_time(time_zone: str, at: float) -> datetime:
    """An instant on the wall clock of a zone."""
    return datetime.fromtimestamp(at, ZoneInfo(time_zone))


def is_holiday(hours: Hours, at: float) -> bool:
    """Whether it is a holiday of this schedule."""
    return local_time(hours.time_zone, at).date() in hours.holidays


def is_open(hours: Hours, at: float) -> bool:
    """Whether a schedule is open."""
    now = local_time(hours.time_zone, at)
    today, minute = now.date(), now.hour * 60 + now.minute
    if today in hours.holidays and today not in hours.special:
        return False
    for span in _spans(hours, today):
        overnight = span.last_minute <= span.first_minute
        if span.first_minute <= minute and (overnight or minute < span.last_minute):
            return True
    return any(
        span.last_minute <= span.first_minute and minute < span.last_minute
        for span in _spans(hours, today - _DAY)
    )


def _spans(hours: Hours, day: date) -> Iterator[OpenTime]:
    """The spans that begin on a day."""
    special = hours.special.get(day)
    if special is not None:
        yield from special
    elif day not in hours.holidays:
        yield from (span for span in hours.open if day.weekday() in span.weekdays)


def next_opening(hours: Hours, at: float) -> float | None:
    """When a schedule opens next: the instant itself when it is open; None when it never does."""
    if is_open(hours, at):
        return at
    day = local_time(hours.time_zone, at).date()
    for _ in range(MAX_DAYS):
        instants = sorted(instant for instant in _candidates(hours, day) if instant > at)
        for instant in instants:
            if is_open(hours, instant):
                return instant
        day += _DAY
    return None


def _candidates(hours: Hours, day: date) -> Iterator[float]:
    """Instants of a day at which a schedule may become open: midnight, where a span begins, and
    where the clock jumps."""
    zone = ZoneInfo(hours.time_zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    minutes = {0, *(span.first_minute for span in _spans(hours, day))}
    for minute in minutes:
        moment = midnight.replace(hour=minute // 60, minute=minute % 60)
        yield moment.timestamp()
        yield moment.replace(fold=1).timestamp()
    jump = _clock_jump(zone, midnight)
    if jump is not None:
        yield jump


def _clock_jump(zone: ZoneInfo, midnight: datetime) -> float | None:
    """The second at which the offset of a zone changes on a day or in the night before it."""
    first = int(midnight.timestamp()) - 7200
    last = first + 100_800
    if _offset(zone, first) == _offset(zone, last):
        return None
    while last - first > 1:
        middle = (first + last) // 2
        if _offset(zone, middle) == _offset(zone, first):
            first = middle
        else:
            last = middle
    return float(last)


def _offset(zone: ZoneInfo, at: int) -> timedelta | None:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
