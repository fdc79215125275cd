"""A crash at any byte of the journal: each presented call has exactly one record afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from softswitch.store import journal as journal_module
from softswitch.store.journal import CallJournal
from softswitch.store.lines import encode_line
from softswitch.store.lock import DataFolderError, DataFolderLock
from softswitch.store.records import RecordFile
from softswitch.store.recovery import recover
from softswitch.switchboard.crash import crash_record
from softswitch.switchboard.protocols import WriteError

END = datetime(2026, 11, 21, 10, 1, tzinfo=UTC).timestamp()


def now(function: Callable[[], None]) -> None:
    function()


def facts(call_id: str) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "received_at": "2026-11-21T10:00:00.000Z",
        "answered_at": None,
        "legs": [{"side": "calling", "codec": None, "originated_at": None, "answered_at": None}],
    }


class Store:
    """Journal and records of one folder, as the switch holds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = RecordFile(folder)
        self.recovery = recover(folder, self.records, crash_record=crash_record)
        self.journal = CallJournal(folder, records_size=lambda: self.records.file.size, soon=now)

    def finish(self, call_id: str) -> None:
        self.records.write({"call_id": call_id}, done=self.journal.close_call)

    def die(self) -> None:
        """What kill -9 leaves: descriptors closed, nothing flushed."""
        self.records.file.close()
        self.journal._file.close()


def recorded(folder: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_bytes().splitlines()]


def test_open_calls_get_their_record_after_a_crash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("one", "two", "three"):
        store.journal.open_call(name, facts(name))
    store.finish("two")
    store.die()

    again = Store(tmp_path)

    assert again.recovery.records == 2
    found = {record["call_id"]: record.get("ended_by") for record in recorded(tmp_path)}
    assert found == {"two": None, "one": "crash", "three": "crash"}
    again.die()


def test_a_second_crash_writes_nothing_twice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.journal.open_call("one", facts("one"))
    store.die()
    for _ in range(3):
        Store(tmp_path).die()
    assert [record["call_id"] for record in recorded(tmp_path)] == ["one"]


def test_a_crash_between_record_and_close_writes_no_second_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.journal.open_call("one", facts("one"))
    store.records.write({"call_id": "one"})  # and the close never got there
    store.die()
    assert Store(tmp_path).recovery.records == 0
    assert len(recorded(tmp_path)) == 1


def test_a_journal_cut_at_any_byte_loses_no_whole_open_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    lines = []
    for name in ("one", "two", "three"):
        store.journal.open_call(name, facts(name))
        lines.append(store.journal._file.size)
    store.die()
    whole = (tmp_path / "journal.jsonl").read_bytes()
    for length in range(len(whole) + 1):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(whole[:length])
        Store(folder).die()
        assert len(recorded(folder)) == sum(end <= length for end in lines)


def test_notes_tell_the_crash_record_what_was_known(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.journal.open_call("one", facts("one"))
    store.journal.note("one", {"answered_at": "2026-11-21T10:00:01.000Z", "codec": "PCMU"})
    originated = {"originated_at": "2026-11-21T10:00:02.000Z", "to": "+1"}
    store.journal.note("one", {"leg": "b1", "trunk": "carrier", **originated})
    store.journal.note("one", {"leg": "b1", "answered_at": "2026-11-21T10:00:05.000Z"})
    store.journal.note("one", {"bridged_at": "2026-11-21T10:00:05.000Z"})
    store.die()
    os.utime(tmp_path / "journal.jsonl", (END, END))
    Store(tmp_path).die()

    (record,) = recorded(tmp_path)

    assert record["answered_at"] == "2026-11-21T10:00:01.000Z"
    assert [leg["side"] for leg in record["legs"]] == ["calling", "called"]
    assert record["legs"][0]["codec"] == "PCMU"
    assert record["legs"][1]["answered_at"] == "2026-11-21T10:00:05.000Z"
    assert record["legs"][1]["status"] == 200
    seconds = [record[f"{name}_seconds"] for name in ("ivr", "ring", "talk", "total")]
    assert seconds == [1.0, 3.0, 55.0, 60.0]
    assert "bridged_at" not in record
    assert "leg" not in record["legs"][1]


def test_the_journal_is_written_anew_when_it_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "COMPACT_BYTES", 2000)
    store = Store(tmp_path)
    store.journal.open_call("stays", facts("stays"))
    for n in range(100):
        store.journal.open_call(f"call-{n}", facts(f"call-{n}"))
        store.finish(f"call-{n}")
    assert (tmp_path / "journal.jsonl").stat().st_size < 3000
    store.die()
    assert Store(tmp_path).recovery.call_ids == ["stays"]
    assert len(recorded(tmp_path)) == 101


def test_a_call_that_cannot_be_journalled_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)

    def refuse(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.journal._file, "append", refuse)
    with pytest.raises(WriteError, match="No space left"):
        store.journal.open_call("one", facts("one"))
    assert store.journal.open_calls == 0
    store.die()


def test_records_that_the_disk_refuses_wait_and_keep_their_call_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.journal.open_call("one", facts("one"))

    def refuse(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.records.file, "append", refuse)
    store.finish("one")
    assert (store.records.waiting, store.journal.open_calls) == (1, 1)
    assert not store.records.retry()
    monkeypatch.undo()
    assert store.records.retry()
    assert (store.records.waiting, store.journal.open_calls) == (0, 0)
    store.die()
    assert [record["call_id"] for record in recorded(tmp_path)] == ["one"]


def test_what_the_journal_could_not_write_is_told_once_and_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    store.journal.open_call("one", facts("one"))

    def refuse(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.journal._file, "append", refuse)
    store.finish("one")
    for _ in range(3):
        store.journal.flush()
    assert store.journal.failing == "No space left on device"
    assert len(caplog.records) == 1
    monkeypatch.undo()
    store.journal.flush()
    assert store.journal.failing == ""
    store.die()
    assert Store(tmp_path).recovery.records == 0


def test_a_disk_that_refused_a_call_is_asked_again_though_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)

    def refuse(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.journal._file, "append", refuse)
    with pytest.raises(WriteError):
        store.journal.open_call("one", facts("one"))
    store.journal.flush()
    assert store.journal.failing
    monkeypatch.undo()
    store.journal.flush()
    assert store.journal.failing == ""
    store.die()
    assert (Store(tmp_path).recovery.records, Store(tmp_path).recovery.unreadable) == (0, 0)


def test_records_that_wait_are_written_in_portions_and_told_when_the_switch_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)

    def refuse(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.records.file, "append", refuse)
    for name in ("one", "two", "three"):
        store.journal.open_call(name, facts(name))
        store.finish(name)
    monkeypatch.undo()
    assert not store.records.retry(at_most=2)
    assert store.records.waiting == 1
    monkeypatch.setattr(store.records.file, "append", refuse)
    caplog.clear()
    store.records.close()
    assert [record.getMessage() for record in caplog.records] == [
        "1 records are in the log alone: No space left on device",
        'record: {"call_id":"three"}',
    ]
    store.journal.close()
    assert Store(tmp_path).recovery.call_ids == ["three"]


def test_a_foreign_journal_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(
        encode_line({"journal": 1, "records_size": "much"})
        + encode_line({"open": 7, "facts": "none"})
        + encode_line({"note": [], "facts": 3})
        + encode_line({"close": None})
        + b"\xff\xfe\n"
    )
    recovery = Store(tmp_path).recovery
    assert (recovery.records, recovery.unreadable) == (0, 1)


def test_one_switch_a_folder(tmp_path: Path) -> None:
    first = DataFolderLock(tmp_path / "data")
    with pytest.raises(DataFolderError, match="in use by another switch"):
        DataFolderLock(tmp_path / "data")
    first.close()
    DataFolderLock(tmp_path / "data").close()


def test_a_data_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="data folder"):
        DataFolderLock(tmp_path / "file" / "data")


def heard_facts() -> dict[str, Any]:
    return {**facts("one"), "keywords": [], "fax": [], "machine": None, "recordings": []}


def test_what_was_heard_before_a_crash_is_in_the_crash_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.journal.open_call("one", heard_facts())
    for start, clip in ((7.0, "lost.wav"), (2.0, "kept.wav")):
        keyword = {"rule": "friend", "start": start, "clip": clip}
        store.journal.note("one", {"keep": {"keywords": keyword}})
    store.journal.note("one", {"keep": {"clips": "kept.wav"}})
    store.journal.note("one", {"keep": {"fax": {"leg": "a", "tone": "cng"}}})
    store.journal.note("one", {"set": {"machine": {"leg": "b1", "verdict": "human"}}})
    for score, rating in ((10, "low"), (90, "high")):
        rated = {"at": "then", "rating": rating, "score": score, "rule": "one"}
        store.journal.note("one", {"keep": {"ratings": rated}})
    store.die()
    Store(tmp_path).die()

    (record,) = recorded(tmp_path)

    assert [(one["start"], one["clip"]) for one in record["keywords"]] == [
        (2.0, "kept.wav"),
        (7.0, None),
    ]
    assert record["fax"] == [{"leg": "a", "tone": "cng"}]
    assert record["machine"] == {"leg": "b1", "verdict": "human", "beep": False}
    assert (record["rating"]["rating"], record["rating"]["score"]) == ("high", 90)
    assert [one["rating"] for one in record["rating"]["history"]] == ["low", "high"]
    assert not {"clips", "ratings", "keep", "set", "taped"} & record.keys()


def test_a_recording_that_a_crash_cut_off_is_named_and_one_that_is_whole_is_not_named_twice(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    for call_id in ("one", "two", "three"):
        store.journal.open_call(call_id, {**heard_facts(), "call_id": call_id})
        store.journal.note(call_id, {"set": {"taped": f"{call_id}.wav"}})
    saved = {"path": "two.wav", "sha256": "ab", "seconds": 2.0}
    store.journal.note("two", {"keep": {"recordings": saved}})
    store.journal.note("three", {"set": {"taped": None}})  # it was too short to be kept
    store.die()
    Store(tmp_path).die()

    found = {record["call_id"]: record["recordings"] for record in recorded(tmp_path)}

    cut_off = {"path": "one.wav", "sha256": None, "seconds": None, "why": "cut off by a crash"}
    assert found == {"one": [cut_off], "two": [saved], "three": []}
