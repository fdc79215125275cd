from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Hours, OpenTime
from config.tables.schedule import parse_schedule
from softswitch.campaign.hours import is_holiday, is_open, local_time, next_opening

NEW_YORK = "America/New_York"
# A week around each change of the clock in 2026, in zones that change at different hours, one of
# them by half an hour, one never.
ZONES = (NEW_YORK, "Europe/London", "Australia/Lord_Howe", "America/Phoenix", "America/Havana")


def hours(text: str, zone: str = NEW_YORK, **more: object) -> Hours:
    return Hours("office", zone, parse_schedule(text).spans, **more)  # type: ignore[arg-type]


def at(text: str, zone: str = NEW_YORK, *, fold: int = 0) -> float:
    """A wall clock time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("Mon-Fri 8:00-12:00", "2026-11-20 07:59:59", False),
        ("Mon-Fri 8:00-12:00", "2026-11-20 08:00", True),
        ("Mon-Fri 8:00-12:00", "2026-11-20 11:59:59.9", True),
        ("Mon-Fri 8:00-12:00", "2026-11-20 12:00", False),
        ("Mon-Fri 8:00-12:00", "2026-11-21 09:00", False),
        ("always", "2026-11-21 00:00", True),
        ("never", "2026-11-21 09:00", False),
        ("Fri 22-6", "2026-11-20 23:00", True),
        ("Fri 22-6", "2026-11-21 05:59", True),
        ("Fri 22-6", "2026-11-21 06:00", False),
        ("Fri 22-6", "2026-11-20 05:00", False),
        ("Sun 22-6", "2026-11-23 01:00", True),
    ],
)
def test_a_schedule_is_open_by_its_own_clock(text: str, moment: str, expected: bool) -> None:
    assert is_open(hours(text), at(moment)) is expected


def test_a_span_that_ends_where_it_begins_lasts_until_then_on_the_next_day() -> None:
    whole = Hours("h", NEW_YORK, (OpenTime(frozenset({4}), 480, 480),))
    assert not is_open(whole, at("2026-11-20 07:59"))
    assert is_open(whole, at("2026-11-20 08:00"))
    assert is_open(whole, at("2026-11-21 07:59"))
    assert not is_open(whole, at("2026-11-21 08:00"))


def test_the_zone_decides() -> None:
    nine_in_new_york = at("2026-11-20 09:00")
    assert is_open(hours("8-12"), nine_in_new_york)
    assert not is_open(hours("8-12", "America/Los_Angeles"), nine_in_new_york)


def test_a_holiday_is_closed_from_midnight_to_midnight() -> None:
    closed = hours("daily 22-6", holidays=frozenset({date(2026, 12, 25)}))
    assert is_open(closed, at("2026-12-24 23:00"))
    assert not is_open(closed, at("2026-12-25 01:00"))
    assert not is_open(closed, at("2026-12-25 23:00"))
    assert not is_open(closed, at("2026-12-26 01:00"))
    assert is_open(closed, at("2026-12-26 22:00"))
    assert is_holiday(closed, at("2026-12-25 00:00"))
    assert not is_holiday(closed, at("2026-12-26 00:00"))


def test_a_special_day_has_its_own_times_and_the_evening_before_runs_out() -> None:
    day = date(2026, 12, 24)
    special = hours(
        "daily 22-6",
        special={day: parse_schedule("8-10").spans, date(2026, 12, 26): ()},
        holidays=frozenset({day}),
    )
    assert is_open(special, at("2026-12-24 05:00"))
    assert is_open(special, at("2026-12-24 09:00"))
    assert not is_open(special, at("2026-12-24 23:00"))
    assert not is_open(special, at("2026-12-26 23:00"))
    assert is_holiday(special, at("2026-12-24 09:00"))


def test_an_hour_that_comes_twice_is_open_both_times_and_one_that_is_skipped_never() -> None:
    office = hours("1-2")
    assert is_open(office, at("2026-11-01 01:30"))
    assert is_open(office, at("2026-11-01 01:30", fold=1))
    skipped = hours("2-3")
    spring = at("2026-03-08 00:00")
    assert not any(is_open(skipped, spring + minute * 60) for minute in range(23 * 60))


def test_the_next_opening_is_found() -> None:
    office = hours("Mon-Fri 8-12", holidays=frozenset({date(2026, 11, 23)}))
    assert next_opening(office, at("2026-11-20 09:00")) == at("2026-11-20 09:00")
    assert next_opening(office, at("2026-11-20 07:00")) == at("2026-11-20 08:00")
    assert next_opening(office, at("2026-11-20 12:00")) == at("2026-11-24 08:00")
    assert next_opening(hours("never"), at("2026-11-20 12:00")) is None


def test_what_opens_in_a_skipped_hour_opens_when_the_clock_has_jumped() -> None:
    office = hours("Sun 2:30-5")
    assert next_opening(office, at("2026-03-08 00:00")) == at("2026-03-08 03:00")


def test_local_time_is_that_of_the_zone() -> None:
    assert local_time("Asia/Kolkata", 0.0).isoformat() == "1970-01-01T05:30:00+05:30"


# Against a model that looks at every minute.


@st.composite
def schedules(draw: st.DrawFn) -> Hours:
    days = st.dates(date(2026, 3, 1), date(2026, 11, 12))
    span = st.builds(
        OpenTime,
        st.frozensets(st.integers(0, 6), min_size=1),
        st.integers(0, 47).map(lambda half: half * 30),
        st.integers(1, 48).map(lambda half: half * 30),
    )
    several = st.lists(span, max_size=3).map(tuple)
    return Hours(
        "office",
        draw(st.sampled_from(ZONES)),
        draw(several),
        frozenset(draw(st.lists(days, max_size=2))),
        draw(st.dictionaries(days, several, max_size=2)),
    )


def open_minutes(schedule: Hours, day: date) -> set[tuple[date, int]]:
    """The minutes of wall clocks that a day's own spans open, day by day."""
    spans = schedule.special.get(day)
    if spans is None:
        if day in schedule.holidays:
            return set()
        spans = tuple(span for span in schedule.open if day.weekday() in span.weekdays)
    minutes: set[tuple[date, int]] = set()
    for span in spans:
        length = (span.last_minute - span.first_minute) % 1440 or 1440
        for minute in range(span.first_minute, span.first_minute + length):
            minutes.add((day + timedelta(days=minute // 1440), minute % 1440))
    return minutes


def model_is_open(schedule: Hours, moment: float) -> bool:
    """Closed all of a holiday, unless it is special; else what this day or the last one opened."""
    clock = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(schedule.time_zone))
    today = clock.date()
    if today in schedule.holidays and today not in schedule.special:
        return False
    wanted = (today, clock.hour * 60 + clock.minute)
    return any(wanted in open_minutes(schedule, day) for day in (today, today - timedelta(days=1)))


def between(first: str, last: str) -> st.SearchStrategy[float]:
    """Instants between two days."""
    return st.floats(at(f"{first} 00:00", "UTC"), at(f"{last} 00:00", "UTC"))


MOMENTS = st.one_of(
    between("2026-03-01", "2026-11-12"),
    # The nights when clocks change.
    between("2026-03-07", "2026-03-09"),
    between("2026-10-31", "2026-11-02"),
    between("2026-04-04", "2026-04-06"),
)


@given(schedules(), MOMENTS)
def test_it_is_open_when_a_model_that_counts_minutes_says_so(
    schedule: Hours, moment: float
) -> None:
    assert is_open(schedule, moment) == model_is_open(schedule, moment)


@given(schedules(), MOMENTS)
def test_the_next_opening_is_the_first_minute_that_is_open(schedule: Hours, moment: float) -> None:
    found = next_opening(schedule, moment)
    if is_open(schedule, moment):
        assert found == moment
        return
    # Clocks change by whole and half hours, and spans begin at them.
    half_hour = 1800.0
    first = moment // half_hour * half_hour + half_hour
    week = [first + step * half_hour for step in range(7 * 48)]
    expected = next((tick for tick in week if is_open(schedule, tick)), None)
    assert found == expected or (expected is None and (found is None or found > week[-1]))
