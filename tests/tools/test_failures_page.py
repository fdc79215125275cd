"""docs/failures.md: each row names a test that is there, and events that exist."""

from __future__ import annotations

import re
from pathlib import Path

from softswitch.call import events
from softswitch.call.event import CallEvent

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/failures.md"
COLUMNS = 5


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def test_each_row_says_everything_and_names_a_test_that_is_there() -> None:
    assert len(rows()) > 15
    for row in rows():
        assert len(row) == COLUMNS, row
        assert all(row), row
        file = ROOT / "tests/scenarios" / row[-1].strip("`")
        assert "\ndef test_" in file.read_text(), row


def test_each_file_of_faults_has_a_row() -> None:
    named = {row[-1].strip("`") for row in rows()}
    assert {path.name for path in (ROOT / "tests/scenarios").glob("test_faults_*.py")} <= named


def test_the_events_it_tells_of_exist() -> None:
    kinds = {
        one.kind
        for one in vars(events).values()
        if isinstance(one, type) and issubclass(one, CallEvent)
    }
    told = {word for row in rows() for word in re.findall(r"`([a-z]+\.[a-z]+)`", row[2])}
    assert {"disk.failed", "clock.stepped", "certificate.expiring"} <= told
    assert told <= kinds
