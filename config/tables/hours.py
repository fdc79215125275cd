"""The section hours: schedules, when something is open."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from config import hints
from config.document import Scalar, Sequence, Table, Tree
from config.kinds import DAY, TIME_ZONE, list_of
from config.model import Hours, OpenTime
from config.reading import (
    Fields,
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    refuse_all,
    shorten,
)
from config.rows import open_rows
from config.tables.schedule import EVERY_DAY, Schedule, ScheduleError, parse_schedule

MAX_SPECIAL = 1000
"""Days with times of their own."""
MAX_HOLIDAYS = 1000
"""Holidays, and files of them, in a list."""
_FILE = ".csv"


def _read_schedule(tree: Tree, _reading: Reading) -> Schedule:
    if not isinstance(tree, Scalar) or tree.absent:
        raise RefusedError(f"expected {SCHEDULE.says}, {describe(tree)}")
    try:
        return parse_schedule(tree.text)
    except ScheduleError as error:
        raise RefusedError(str(error), suggestion=error.suggestion) from None


SCHEDULE = Kind(
    'days and times such as "Mon-Fri 8:00-17:00; Sat 9-12", always or never',
    _read_schedule,
    hints.SCALAR,
)


def _read_special(tree: Tree, reading: Reading) -> Mapping[date, tuple[OpenTime, ...]]:
    if not isinstance(tree, Table):
        raise RefusedError(f"expected {SPECIAL.says}, {describe(tree)}")
    if len(tree.entries) > MAX_SPECIAL:
        raise RefusedError(f"expected up to {MAX_SPECIAL} days, not {len(tree.entries)}")
    days: dict[date, tuple[OpenTime, ...]] = {}
    for text, written in tree.entries.items():
        try:
            day = DAY.read(tree.keys[text], reading)
        except RefusedError as error:
            note(reading, error, tree.keys[text], "special")
            continue
        try:
            days[day] = _special_times(written, reading)
        except RefusedError as error:
            note(reading, error, written, f"special {text}")
    return MappingProxyType(days)


def _special_times(tree: Tree, reading: Reading) -> tuple[OpenTime, ...]:
    schedule = SCHEDULE.read(tree, reading)
    if schedule.time_zone or any(span.weekdays != EVERY_DAY for span in schedule.spans):
        raise RefusedError(
            "a special day has times only, no weekdays and no time zone",
            suggestion='such as "8:00-12:00" or never',
        )
    return schedule.spans


SPECIAL = Kind("a mapping from days (2026-12-24) to times, always or never", _read_special)


def _read_holidays(tree: Tree, reading: Reading) -> frozenset[date]:
    items = tree.items if isinstance(tree, Sequence) else [tree]
    if len(items) > MAX_HOLIDAYS:
        raise RefusedError(f"expected up to {MAX_HOLIDAYS} entries, not {len(items)}")
    days: set[date] = set()
    errors: list[RefusedError] = []
    for item in items:
        try:
            if isinstance(item, Scalar) and item.text.lower().endswith(_FILE):
                days |= _holiday_file(item.text, reading)
            else:
                days.add(_holiday(item, reading))
        except RefusedError as error:
            error.location = error.location or item.location
            errors.append(error)
    refuse_all(errors)
    return frozenset(days)


def _holiday(tree: Tree, reading: Reading) -> date:
    try:
        return DAY.read(tree, reading)
    except RefusedError as error:
        error.suggestion = f"each year by itself, or the name of a {_FILE} file"
        raise


def _holiday_file(name: str, reading: Reading) -> set[date]:
    """Days of a CSV file with the column date; a mistake in it stands at its place."""
    rows = open_rows(name, reading)
    days: set[date] = set()
    if not rows.check_columns(("date", "name"), ("date",), free=True):
        return days
    column = rows.columns.index("date")
    for line, fields in rows:
        try:
            day = date.fromisoformat(fields[column].strip())
        except ValueError:
            message = f'expected {DAY.says}, not "{shorten(fields[column])}"'
            rows.refuse(line, column, message)
            continue
        if day in days:
            rows.refuse(line, column, f"{day} stands twice")
        days.add(day)
    return days


HOLIDAYS = Kind(
    f"a list of days (2026-12-25) and of {_FILE} files with a column date", _read_holidays
)


class HoursKeys:
    """Keys of a schedule."""

    OPEN = Key(
        "open",
        list_of(SCHEDULE, most=50),
        "When it is open, by its own clock. `22-6` ends on the next day.",
        required=True,
        example="${NEWS_HOURS:-Mon-Fri 8:00-12:00}",
    )
    TIME_ZONE = Key(
        "time_zone",
        TIME_ZONE,
        "Its clock; daylight saving time is the zone's.",
        otherwise="that in `open`, else the switch's",
        example="America/Los_Angeles",
    )
    HOLIDAYS = Key(
        "holidays",
        HOLIDAYS,
        "Days it is closed, from midnight to midnight.",
        otherwise="none",
        example="[2026-12-25, holidays.csv]",
    )
    SPECIAL = Key(
        "special",
        SPECIAL,
        "Days with times of their own, whatever weekday or holiday they are.",
        otherwise="none",
        example='{2026-12-24: "8:00-12:00", 2026-12-31: never}',
    )


HOURS = Section(
    "a schedule",
    "When something is open. Spans are separated by `;` or `,`; a span has days (`Mon`, `Mon-Fri`, "
    "`daily`, `weekdays`, `weekends`) and a time (`8-17`, `8:00-17:30`, `8am-5pm`). Days without a "
    "time share the next one's, a time without days is for those before it, or for every day.",
    keys_of(HoursKeys),
    short="the text of `open` alone, with a time zone at its end",
    short_schema=hints.list_of(hints.SCALAR, 50, doubles=False),
    example="hours:\n  office: Mon-Fri 8:00-12:00, 13-17; Sat 9-12 America/Los_Angeles\n"
    "  night: {open: daily 22-6, time_zone: America/New_York, holidays: [2026-12-25]}\n"
    "  hotline: always",
)


def read_hours(name: str, tree: Tree, reading: Reading) -> Hours | None:
    """One schedule: its settings, or its text alone."""
    keys = HoursKeys
    if not isinstance(tree, Table):
        tree = Table(tree.file, tree.mark, {keys.OPEN.name: tree})
    try:
        fields = read_fields(tree, HOURS, reading)
        schedules = fields[keys.OPEN]
        zone = _zone(schedules, fields, reading)
    except MissingError:
        return None
    reading.zones[name] = zone
    return Hours(
        name=name,
        time_zone=zone,
        open=tuple(span for schedule in schedules for span in schedule.spans),
        holidays=fields.get(keys.HOLIDAYS) or frozenset(),
        special=fields.get(keys.SPECIAL) or MappingProxyType({}),
        location=tree.location,
    )


def _zone(schedules: tuple[Schedule, ...], fields: Fields, reading: Reading) -> str:
    """The zone that was written somewhere, which must be one."""
    key = HoursKeys.TIME_ZONE
    written = {schedule.time_zone for schedule in schedules} - {None}
    written |= {fields.get(key)} - {None}
    if len(written) > 1:
        names = " and ".join(sorted(str(zone) for zone in written))
        reading.problems.add(fields.place(key), f"time_zone: a schedule has one, not {names}")
    return next(iter(sorted(zone for zone in written if zone)), reading.time_zone)
