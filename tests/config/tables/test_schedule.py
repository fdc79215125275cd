import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import OpenTime
from config.tables.schedule import MAX_LENGTH, MAX_SPANS, ScheduleError, parse_schedule

WEEK = frozenset(range(7))
WORK = frozenset(range(5))


def spans(text: str) -> list[tuple[str, str]]:
    """Days (0 is Monday) and times of each span: ("01234", "08:00-17:30")."""
    return [
        (
            "".join(map(str, sorted(span.weekdays))),
            f"{clock(span.first_minute)}-{clock(span.last_minute)}",
        )
        for span in parse_schedule(text).spans
    ]


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon-Fri 8:00-12:00", [("01234", "08:00-12:00")]),
        ("mon-fri 8-12", [("01234", "08:00-12:00")]),
        ("Monday - Friday 08:00 - 12:30", [("01234", "08:00-12:30")]),
        ("Mo-Fr 8\u201312", [("01234", "08:00-12:00")]),
        ("Mon 8-12", [("0", "08:00-12:00")]),
        ("Mon, Wed, Fri 8-17", [("024", "08:00-17:00")]),
        ("Mon Wed 8-17", [("02", "08:00-17:00")]),
        ("Mon-Fri 8-12, 13-17", [("01234", "08:00-12:00"), ("01234", "13:00-17:00")]),
        ("Mon-Fri 8-17; Sat 9-12", [("01234", "08:00-17:00"), ("5", "09:00-12:00")]),
        ("Fri-Mon 8-17", [("0456", "08:00-17:00")]),
        ("8-17", [("0123456", "08:00-17:00")]),
        ("daily 22-6", [("0123456", "22:00-06:00")]),
        ("weekdays 18-24; weekends 0-24", [("01234", "18:00-24:00"), ("56", "00:00-24:00")]),
        ("Sat 18:00-00:00", [("5", "18:00-24:00")]),
        ("Mon 8am-5:30pm", [("0", "08:00-17:30")]),
        ("Mon 12am-12 pm", [("0", "00:00-12:00")]),
        ("always", [("0123456", "00:00-24:00")]),
        ("Never", []),
    ],
)
def test_a_schedule_is_read_as_people_write_it(text: str, expected: list[tuple[str, str]]) -> None:
    assert spans(text) == expected


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Mon-Fri 8-12 America/Los_Angeles", "America/Los_Angeles"),
        ("Mon-Fri 8-12 UTC", "UTC"),
        ("always Europe/Berlin", "Europe/Berlin"),
        ("Mon 8-12 America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Mon 8-12 Etc/GMT+5", "Etc/GMT+5"),
        ("Mon-Fri 8-12", None),
        ("SUN 8-12", None),
    ],
)
def test_a_time_zone_may_stand_at_the_end(text: str, zone: str | None) -> None:
    assert parse_schedule(text).time_zone == zone
    assert len(parse_schedule(text).spans) == 1


@pytest.mark.parametrize(
    ("text", "told", "cure"),
    [
        ("", "expected days and times", "Mon-Fri 8:00-17:00"),
        ("Mon-Fri 8-12,,", "a span is empty", "such as"),
        ("Mon-Fri", '"mon-fri" has no time', "00:00-24:00"),
        ("Mon-Fri 8-17, Sat", '"sat" has no time', '"sat 00:00-24:00" is all day'),
        ("Mon-Fri 8-8", '"8-8" has no length', "00:00-24:00"),
        ("Mon-Fri 25-8", 'there is no time "25"', "0:00 to 24:00"),
        ("Mon-Fri 8:60-9", 'there is no time "8:60"', "0:00 to 24:00"),
        ("Mon-Fri 24-8", "begins at the end of the day", "0:00"),
        ("Mon 13pm-14pm", 'there is no hour "13pm"', "1am to 12pm"),
        ("Mon-Fir 8-12", '"mon-fir" is neither days nor a time', "Mon-Fri"),
        ("Mon 8:00", '"8:00" is neither days nor a time', "8:00-17:30"),
        ("Mon 8-12 13-17", '"13-17" stands behind a time', "separated by ; or ,"),
        ("Mon 8-12 America/Los_Angles", "there is no time zone", "America/Los_Angeles"),
        ("Mon-Fri 8:00-12:00 Pacific", '"Pacific" does not say whose', "America/Los_Angeles"),
        ("Mon-Fri 8:00-12:00 EST", '"EST" does not say whose', "write America/New_York"),
        ("Mon 8-12 ../../etc/passwd", "stands behind a time", ""),
        ("x" * (MAX_LENGTH + 1), "longer than", ""),
        ("Mon 8-9," * MAX_SPANS + "Mon 8-9", "more than", ""),
    ],
)
def test_what_cannot_be_understood_is_told_with_a_cure(text: str, told: str, cure: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert told in str(caught.value)
    assert cure in (caught.value.suggestion or "")


@given(st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(1, 1440))
def test_a_span_that_is_written_down_is_read_alike(
    days: frozenset[int], first: int, last: int
) -> None:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    if first == last:
        last = 1440
    text = f"{' '.join(names[day] for day in sorted(days))} {clock(first)}-{clock(last)}"
    assert parse_schedule(text).spans == (OpenTime(days, first, last),)


@given(st.text("MonFri8-12:;, amp/UTC", max_size=30))
def test_any_text_is_a_schedule_or_told(text: str) -> None:
    try:
        found = parse_schedule(text).spans
    except ScheduleError:
        return
    assert all(0 <= span.first_minute < 1440 and 1 <= span.last_minute <= 1440 for span in found)
