"""Opening hours as people write them: `Mon-Fri 8:00-12:00, 13-17; Sat 9-12 America/Denver`.

Spans are separated by `;` or `,`. A span has days (`Mon`, `Mon-Fri`, `daily`, `weekdays`,
`weekends`) and a time (`8-17`, `8:00-17:30`, `8am-5pm`, `22-6` into the next day). Days without a
time share the next one's, a time without days is for the days before it, or for every day. A time
zone may stand at the end. `always` and `never` stand alone. Knows neither YAML nor holidays.
"""

import re
from dataclasses import dataclass

from config.model import OpenTime
from config.time_zones import is_loose, zone_problem

MAX_LENGTH = 1000
"""Characters of a schedule."""
MAX_SPANS = 50
"""Spans of a schedule: seven days with seven breaks each."""

EVERY_DAY = frozenset(range(7))
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {
    "daily": EVERY_DAY,
    "everyday": EVERY_DAY,
    "weekdays": frozenset(range(5)),
    "weekends": frozenset((5, 6)),
}
_TIME = r"([0-9]{1,2})(?::([0-9]{2}))?(am|pm)?"
_TIMES = re.compile(rf"{_TIME}-{_TIME}\Z")
_ZONE = re.compile(r"(?:[A-Za-z_]+/[A-Za-z0-9_+/-]+|[A-Z]{3,4}|[A-Z]{3}[0-9][A-Z]{3})\Z")
_DASHES = re.compile(r"\s*[-\u2013\u2014]\s*")
_HALVES = re.compile(r"(?<=[0-9])\s+(?=[ap]m\b)")


class ScheduleError(ValueError):
    """What cannot be understood, with a cure where there is one."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Schedule:
    """Spans of the week, and the time zone if the text named one."""

    spans: tuple[OpenTime, ...]
    time_zone: str | None = None


def parse_schedule(text: str) -> Schedule:
    """The schedule of a text; raises ScheduleError."""
    if len(text) > MAX_LENGTH:
        raise ScheduleError(f"longer than {MAX_LENGTH} characters")
    words = text.split()
    zone = words.pop() if words and _is_zone(words[-1]) else None
    rest = " ".join(words)
    word = rest.lower()
    if word in ("always", "never", "closed"):
        everything = (OpenTime(EVERY_DAY, 0, 1440),)
        return Schedule(everything if word == "always" else (), _checked(zone))
    spans = _spans(_HALVES.sub("", _DASHES.sub("-", word)))
    return Schedule(spans, _checked(zone))


def _is_zone(word: str) -> bool:
    if is_loose(word):
        return True
    return bool(_ZONE.match(word)) and _days(word.lower()) is None


def _checked(zone: str | None) -> str | None:
    if zone is None:
        return None
    problem = zone_problem(zone)
    if problem is not None:
        raise ScheduleError(*problem)
    return zone


def _spans(text: str) -> tuple[OpenTime, ...]:
    spans: list[OpenTime] = []
    days: frozenset[int] = frozenset()
    waiting = False
    for piece in re.split("[;,]", text):
        if not piece.strip():
            raise ScheduleError(
                "expected days and times" if not text.strip() else "a span is empty",
                'such as "Mon-Fri 8:00-17:00", always or never',
            )
        named, times = _piece(piece.split())
        if named:
            days = days | named if waiting else named
        waiting = times is None
        if times is not None:
            spans.append(OpenTime(days or EVERY_DAY, *times))
    if waiting:
        hint = f'"{piece.strip()} 00:00-24:00" is all day'
        raise ScheduleError(f'"{piece.strip()}" has no time', hint)
    if len(spans) > MAX_SPANS:
        raise ScheduleError(f"more than {MAX_SPANS} spans")
    return tuple(spans)


def _piece(words: list[str]) -> tuple[frozenset[int], tuple[int, int] | None]:
    """Days and times of one span."""
    days: frozenset[int] = frozenset()
    for index, word in enumerate(words):
        found = _days(word)
        if found is not None:
            days |= found
            continue
        times = _times(word)
        if index + 1 < len(words):
            raise ScheduleError(
                f'"{words[index + 1]}" stands behind a time', "spans are separated by ; or ,"
            )
        return days, times
    return days, None


def _days(text: str) -> frozenset[int] | None:
    """`mon`, `monday`, `mon-fri`, `weekdays`; None when it is none of these."""
    group = _GROUPS.get(text)
    if group is not None:
        return group
    first, dash, last = text.partition("-")
    begin = _day(first)
    end = _day(last) if dash else begin
    if begin is None or end is None:
        return None
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _day(text: str) -> int | None:
    if len(text) < 2:
        return None
    return next((index for index, name in enumerate(_DAYS) if name.startswith(text)), None)


def _times(text: str) -> tuple[int, int]:
    """First and last minute of `8-17`."""
    match = _TIMES.match(text)
    if match is None:
        hint = 'days are written Mon or Mon-Fri, times "8:00-17:30"'
        raise ScheduleError(f'"{text}" is neither days nor a time', hint)
    if match[3] and not match[6]:
        hint = f'"{text}am" or "{text}pm"'
        raise ScheduleError(f'"{text}" says {match[3]} of its beginning only', hint)
    first, last = _minute(*match.group(1, 2, 3)), _minute(*match.group(4, 5, 6))
    if first == 1440:
        raise ScheduleError(f'"{text}" begins at the end of the day', "the next day begins at 0:00")
    if first == last:
        raise ScheduleError(f'"{text}" has no length', "all day is 00:00-24:00")
    # Until midnight is until the end of the day.
    return first, last or 1440


def _minute(hour_text: str, minute_text: str | None, half: str | None) -> int:
    hour, minute = int(hour_text), int(minute_text or 0)
    shown = f"{hour_text}{f':{minute_text}' if minute_text else ''}{half or ''}"
    if half:
        if not 1 <= hour <= 12:
            raise ScheduleError(f'there is no hour "{shown}"', "1am to 12pm")
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise ScheduleError(f'there is no time "{shown}"', "0:00 to 24:00")
    return hour * 60 + minute
