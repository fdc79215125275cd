"""Who has opted out stays out, whatever happens to the process."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import softswitch.store.opt_outs as module
from softswitch.store.opt_outs import OptOutFile

PARTY, OTHER = "+16025551111", "+16025552222"


def opened(folder: Path) -> OptOutFile:
    return OptOutFile(folder, wall_clock=lambda: 1000.0)


def test_who_has_opted_out_is_out_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.add(PARTY, by="list spring")
    first.add(PARTY, by="list spring")
    assert first.has(PARTY)
    # Not closed: the process was killed.
    again = opened(tmp_path)
    assert again.has(PARTY)
    assert not again.has(OTHER)
    (line,) = (tmp_path / "opt-outs.jsonl").read_text().splitlines()
    assert json.loads(line) == {"party": PARTY, "out": True, "by": "list spring", "at": 1000.0}
    first.close()
    again.close()


def test_who_may_be_called_again_is(tmp_path: Path) -> None:
    book = opened(tmp_path)
    book.add(PARTY, by="x")
    assert book.remove(PARTY, by="crm")
    assert not book.remove(PARTY, by="crm")
    book.close()
    again = opened(tmp_path)
    assert not again.has(PARTY)
    assert len(again) == 0
    again.close()


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "opt-outs.jsonl"
    whole = json.dumps({"party": PARTY, "out": True})
    path.write_text(f'{{"party": 5, "out": true}}\nnonsense\n{whole}\n{{"par')
    book = opened(tmp_path)
    assert book.has(PARTY)
    assert len(book) == 1
    book.close()


def test_lines_that_cannot_be_read_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = json.dumps({"party": PARTY, "out": True})
    lines = ('{"party": 5, "out": true}', "nonsense", "[" * 100_000, whole, '{"par')
    (tmp_path / "opt-outs.jsonl").write_text("\n".join(lines))
    book = opened(tmp_path)
    assert book.has(PARTY)
    assert f"4 lines of {tmp_path}/opt-outs.jsonl cannot be read" in caplog.text
    book.close()
    caplog.clear()
    (tmp_path / "opt-outs.jsonl").write_text(f"{whole}\n")
    opened(tmp_path).close()
    assert caplog.text == ""


def test_a_last_line_that_only_lacks_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "opt-outs.jsonl"
    path.write_text(json.dumps({"party": PARTY, "out": True}))
    book = opened(tmp_path)
    assert book.has(PARTY)
    book.add(OTHER, by="x")
    book.close()
    again = opened(tmp_path)
    assert again.has(PARTY)
    assert again.has(OTHER)
    assert len(path.read_text().splitlines()) == 2
    again.close()


class FullDisk:
    """A file that takes nothing, and what is to be done in a while."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.later: list[Callable[[], None]] = []
        self.book = OptOutFile(folder, wall_clock=lambda: 1000.0, later=self.later.append)
        self._patch = monkeypatch

    def fill(self) -> None:
        def refuse(_fd: int, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        self._patch.setattr(os, "write", refuse)

    def free(self) -> None:
        self._patch.undo()

    def in_a_while(self) -> None:
        due, self.later[:] = list(self.later), []
        for one in due:
            one()

    @property
    def kept(self) -> list[str]:
        lines = (self.folder / "opt-outs.jsonl").read_text().splitlines()
        return [f"{'+' if line['out'] else '-'}{line['party']}" for line in map(json.loads, lines)]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(tmp_path, monkeypatch)


def test_an_opt_out_on_a_full_disk_holds_and_is_written_when_there_is_room(
    disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.fill()
    for party in (PARTY, OTHER):
        with pytest.raises(OSError, match="No space left on device"):
            disk.book.add(party, by="x")
        assert disk.book.has(party)
        assert f"{party} is not written down: No space" in caplog.text
    disk.in_a_while()
    disk.in_a_while()
    assert disk.kept == []
    disk.free()
    disk.in_a_while()
    assert disk.kept == [f"+{PARTY}", f"+{OTHER}"]
    assert disk.later == []
    assert "2 that waited are written down" in caplog.text
    disk.book.close()
    assert disk.kept == [f"+{PARTY}", f"+{OTHER}"]


def test_who_asks_again_has_it_written(disk: FullDisk) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space"):
        disk.book.add(PARTY, by="x")
    with pytest.raises(OSError, match="No space"):
        disk.book.add(PARTY, by="x")
    assert len(disk.later) == 1
    disk.free()
    disk.book.add(PARTY, by="x")
    assert disk.kept == [f"+{PARTY}"]
    disk.book.close()


def test_what_waits_is_written_before_what_comes_behind(disk: FullDisk) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space"):
        disk.book.add(PARTY, by="x")
    with pytest.raises(OSError, match="No space"):
        disk.book.remove(PARTY, by="x")
    assert disk.book.has(PARTY)
    disk.free()
    assert disk.book.remove(PARTY, by="x")
    assert disk.kept == [f"+{PARTY}", f"-{PARTY}"]
    disk.in_a_while()
    disk.book.close()
    assert disk.kept == [f"+{PARTY}", f"-{PARTY}"]


def test_the_end_of_the_switch_is_a_last_try(
    disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space"):
        disk.book.add(PARTY, by="x")
    disk.free()
    disk.book.close()
    assert disk.kept == [f"+{PARTY}"]
    assert "lost" not in caplog.text
    disk.in_a_while()


def test_what_is_lost_at_the_end_is_named(disk: FullDisk, caplog: pytest.LogCaptureFixture) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space"):
        disk.book.add(PARTY, by="x")
    disk.book.close()
    assert f"1 opt-outs are lost: No space left on device: {PARTY}" in caplog.text


def test_beyond_the_most_that_wait_nothing_is_taken(
    disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.fill()
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    with pytest.raises(OSError, match="No space"):
        disk.book.add(PARTY, by="x")
    with pytest.raises(OSError, match="no more opt-outs are kept"):
        disk.book.add(OTHER, by="x")
    assert not disk.book.has(OTHER)
    disk.free()
    disk.book.close()


@pytest.mark.parametrize("kind", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_named(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    kind(tmp_path / "opt-outs.jsonl")
    with pytest.raises(OSError, match=r"opt-outs\.jsonl"):
        opened(tmp_path)
