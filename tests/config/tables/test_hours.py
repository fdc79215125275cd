from datetime import date
from pathlib import Path

import pytest

from config.model import Hours
from config.tables import read_hours
from tests.support.tables import Entry

WORK = frozenset(range(5))


def hours(yaml: str, tmp_path: Path, **files: str) -> Hours:
    """A schedule that must be good; `days` is the content of days.csv."""
    written = {f"{name}.csv": text for name, text in files.items()}
    entry = Entry(read_hours, yaml, written, folder=tmp_path)
    assert entry.told == []
    assert isinstance(entry.value, Hours)
    assert entry.reading.zones == {entry.value.name: entry.value.time_zone}
    return entry.value


def test_text_alone_is_a_schedule(tmp_path: Path) -> None:
    found = hours("office: Mon-Fri 8:00-12:00 America/Los_Angeles", tmp_path)
    assert (found.name, found.time_zone) == ("office", "America/Los_Angeles")
    assert [(span.weekdays, span.first_minute, span.last_minute) for span in found.open] == [
        (WORK, 480, 720)
    ]
    assert found.location.column == 9


def test_the_zone_is_the_switchs_when_nobody_says_one(tmp_path: Path) -> None:
    assert hours("office: always", tmp_path).time_zone == "UTC"


def test_a_list_of_texts_is_one_schedule(tmp_path: Path) -> None:
    found = hours("office: [Mon-Fri 8-12, Sat 9-11 Europe/Paris]", tmp_path)
    assert (len(found.open), found.time_zone) == (2, "Europe/Paris")


def test_settings_say_everything(tmp_path: Path) -> None:
    found = hours(
        """
        office:
          open: Mon-Fri 8:00-12:00
          time_zone: America/New_York
          holidays: [2026-12-25, days.csv]
          special: {2026-12-24: "8-10, 11-12", 2026-12-31: never}
        """,
        tmp_path,
        days="date,name\n2026-07-03,Independence Day\n",
    )
    assert found.time_zone == "America/New_York"
    assert found.holidays == {date(2026, 12, 25), date(2026, 7, 3)}
    assert {day: len(spans) for day, spans in found.special.items()} == {
        date(2026, 12, 24): 2,
        date(2026, 12, 31): 0,
    }


def test_one_holiday_or_file_stands_without_a_list(tmp_path: Path) -> None:
    found = hours("a: {open: always, holidays: days.csv}", tmp_path, days="date\n2026-07-03\n")
    assert found.holidays == {date(2026, 7, 3)}


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("a: Mon-Fri", 'test.yaml:1:4: open: "mon-fri" has no time'),
        ("a: {time_zone: UTC}", 'test.yaml:1:4: a schedule needs "open"'),
        ("a:", 'test.yaml:1:3: "open" is empty'),
        ("a: {open: always, time_zone: Mars}", 'time_zone: there is no time zone "Mars"'),
        (
            "a: {open: always UTC, time_zone: Europe/Paris}",
            "test.yaml:1:34: time_zone: a schedule has one, not Europe/Paris and UTC",
        ),
        ("a: {open: always, holidays: [12-25]}", 'not "12-25" (each year by itself, or the name'),
        ("a: {open: always, holidays: [2026-02-30]}", "test.yaml:1:30: holidays: expected a day"),
        ("a: {open: always, holidays: gone.csv}", "gone.csv: there is no such file"),
        ("a: {open: always, holidays: bad.csv}", "bad.csv:2:1: expected a day such as"),
        ("a: {open: always, holidays: double.csv}", "double.csv:3:1: 2026-01-01 stands twice"),
        ("a: {open: always, holidays: header.csv}", 'header.csv:1:1: the column "date" is missing'),
        ("a: {open: always, special: [1]}", "special: expected a mapping from days"),
        ("a: {open: always, special: {Xmas: never}}", "test.yaml:1:29: special: expected a day"),
        ("a: {open: always, special: {2026-12-24: Mon 8-9}}", "a special day has times only"),
        ("a: {open: always, special: {2026-12-24: 25-26}}", "special 2026-12-24: there is no time"),
        ("a: {opne: always}", '"opne" is no setting of a schedule (did you mean "open"?)'),
    ],
)
def test_mistakes_are_told_at_their_place_with_a_cure(yaml: str, told: str, tmp_path: Path) -> None:
    files = {
        "bad.csv": "date\nChristmas\n",
        "double.csv": "date\n2026-01-01\n2026-01-01\n",
        "header.csv": "day\n2026-01-01\n",
    }
    entry = Entry(read_hours, yaml, files, folder=tmp_path)
    assert any(told in line for line in entry.told), entry.told
