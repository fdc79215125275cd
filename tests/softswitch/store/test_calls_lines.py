"""A growing file of lines, read by bites from places that know their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from softswitch.store import calls_lines
from softswitch.store.calls_lines import BEGINNING, LinesReader


def all_lines(path: Path, **limits: int) -> list[bytes]:
    reader = LinesReader(path)
    place, lines = BEGINNING, []
    while (
        bite := reader.read(place, **{"max_bytes": 100, "max_lines": 10, **limits})
    ).end != place:
        lines += [line.text for line in bite.lines]
        place = bite.end
    reader.close()
    return lines


@pytest.mark.parametrize("limits", [{"max_lines": 1}, {"max_bytes": 1}, {"max_bytes": 10_000}])
def test_bites_of_any_size_hold_every_whole_line_once(
    tmp_path: Path, limits: dict[str, int]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(b"%d\n" % n for n in range(57)) + b"torn")
    assert all_lines(path, **limits) == [b"%d" % n for n in range(57)]


def test_a_line_knows_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\n")
    reader = LinesReader(path)
    bite = reader.read(BEGINNING, max_bytes=100, max_lines=10)
    assert [line.offset for line in bite.lines] == [0, 4]
    assert bite.end.offset == 8
    reader.close()


def test_a_line_too_long_is_passed_over_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_lines, "MAX_LINE", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n" + b"x" * 5000 + b"\ntwo\n")
    assert [line for line in all_lines(path) if not line.startswith(b"x")] == [b"one", b"two"]


def test_a_place_is_only_of_the_file_it_was_noted_in(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\nthree\n")
    reader = LinesReader(path)
    place = reader.read(BEGINNING, max_bytes=100, max_lines=2).end
    assert reader.holds(place)
    path.write_bytes(b"one\n")  # truncated
    assert not reader.holds(place)
    path.write_bytes(b"one\ntwX\nthree\nfour\n")  # another one, and longer
    assert not reader.holds(place)
    path.write_bytes(b"one\ntwo\nfour\n")
    assert reader.holds(place)
    assert reader.holds(BEGINNING)
    reader.close()


def test_a_file_that_was_moved_away_is_noticed_and_read_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n")
    reader = LinesReader(path)
    assert not reader.moved()
    path.rename(tmp_path / "a.jsonl.1")
    assert reader.moved()
    path.write_bytes(b"new\n")
    assert reader.moved()
    assert reader.read(BEGINNING, max_bytes=9, max_lines=9).lines[0].text == b"one"
    reader.close()
