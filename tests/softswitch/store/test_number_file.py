"""Numbers that were activated and withdrawn, over the death of the process."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import pytest

import softswitch.store.number_file as module
from config.model import Number
from softswitch.store.number_file import NumberFile

FANS = Number(
    "+18666831950", "exact", "fans", publisher="p1", parameters=MappingProxyType({"word": "fan"})
)
SHORT = Number("1234", "exact", "fans", as_is=True, refuse=480)
SALES = Number("sip:sales@example.org", "uri", "sales")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def numbers_of(folder: Path) -> list[Number]:
    file = NumberFile(folder)
    file.close()
    return list(file.numbers.numbers.values())


def test_what_was_activated_is_there_in_the_next_life_as_it_was(folder: Path) -> None:
    file = NumberFile(folder)
    for number in (FANS, SHORT, SALES):
        file.activate(number)
    # No close: the process died.
    assert numbers_of(folder) == [FANS, SHORT, SALES]


def test_what_was_taken_back_is_not(folder: Path) -> None:
    file = NumberFile(folder)
    file.activate(FANS)
    file.activate(SHORT)
    file.deactivate(FANS)
    file.withdraw("+16025550000", "direct")
    file.withdraw("+16025551111", "direct")
    file.restore("+16025550000")
    file.close()
    again = NumberFile(folder)
    assert list(again.numbers.numbers.values()) == [SHORT]
    assert again.numbers.withdrawn == {"+16025551111": "direct"}
    again.close()


def test_a_last_line_that_only_lacks_its_end_counts(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = NumberFile(folder)
    file.activate(FANS)
    file.activate(SHORT)
    file.close()
    path = folder / "numbers.jsonl"
    path.write_text(path.read_text().rstrip("\n"))
    again = NumberFile(folder)
    again.activate(SALES)
    again.close()
    assert numbers_of(folder) == [FANS, SHORT, SALES]
    assert caplog.text == ""


def test_a_torn_line_and_lines_that_say_nothing_cost_no_others(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = NumberFile(folder)
    file.activate(FANS)
    file.close()
    path = folder / "numbers.jsonl"
    pattern = {"activated": {"pattern": "+1XX", "kind": "pattern", "campaign": "c"}}
    strange = ["nonsense", "[]", '{"activated": 3}', '{"what": 1}', json.dumps(pattern)]
    path.write_text(path.read_text() + "\n".join(strange) + '\n{"activated": {"patt')
    assert numbers_of(folder) == [FANS]
    assert "3 lines of" in caplog.text
    assert caplog.text.count("is no change of a number") == 3


def test_the_file_is_made_short_when_most_of_it_is_history(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_HISTORY", 10)
    file = NumberFile(folder)
    file.withdraw("+16025551111", "direct")
    for _ in range(10):
        file.activate(FANS)
        file.deactivate(FANS)
    file.activate(SHORT)
    file.close()
    path = folder / "numbers.jsonl"
    assert len(path.read_text().splitlines()) == 22
    assert numbers_of(folder) == [SHORT]
    assert len(path.read_text().splitlines()) == 2
    again = NumberFile(folder)
    again.activate(FANS)
    again.close()
    assert numbers_of(folder) == [SHORT, FANS]
