"""The recorder: what was told of a call is in its record, even when the switch dies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from softswitch.call.events import (
    BeepHeard,
    CallEvent,
    CallPresented,
    CallRated,
    ClipSaved,
    FaxHeard,
    KeywordHeard,
    MachineJudged,
    RecordingDiscarded,
    RecordingFailed,
    RecordingSaved,
    RecordingStarted,
)
from softswitch.call.stream import EventStream
from softswitch.store.journal import CallJournal
from softswitch.store.records import RecordFile
from softswitch.store.recovery import recover
from softswitch.switchboard.crash import crash_record
from softswitch.switchboard.recorder import MAX_KEPT_NOTES, Recorder

AT = 1_800_000_000.0


def at_once(function: Callable[[], None]) -> None:
    function()


class Died:
    """A recorder with a real journal, whose switch dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream = EventStream()
        self._records = RecordFile(folder)
        self._journal = CallJournal(folder, records_size=lambda: 0, soon=at_once)
        recorder = Recorder(self._stream, self._journal, self._records)
        opened = CallPresented(
            call_id="c1", number=1, at=AT, clock=0.0, leg="a", trunk="carrier", sip_call_id="a@x",
            source="127.0.0.1:5080", called="18666831950", called_number="+18666831950",
            caller="+16025550100", signalling={}, campaign="fans", publisher="p1", pool="ads",
            parameters={}, config_version="abc",
        )  # fmt: skip
        recorder.open(opened)

    def tell(self, kind: type[CallEvent], **facts: Any) -> None:
        self._stream.publish(kind(call_id="c1", number=2, at=AT + 1, clock=1.0, **facts))

    def record(self) -> dict[str, Any]:
        """What the next start writes."""
        self._records.file.close()
        self._journal._file.close()
        records = RecordFile(self._folder)
        recover(self._folder, records, crash_record=crash_record)
        records.file.close()
        (line,) = (self._folder / "records.jsonl").read_text().splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def keyword(self, start: float, clip: str | None = None) -> None:
        self.tell(
            KeywordHeard, leg="a", side="caller", rule="friend", text="friend", start=start,
            end=start + 0.5, confidence=0.9, weight=1, mode="rolling", engine="x", clip=clip,
        )  # fmt: skip


def test_what_was_told_as_heard_is_in_the_record_of_a_crash(tmp_path: Path) -> None:
    died = Died(tmp_path)
    died.keyword(5.0, "kept.wav")
    died.keyword(3.0, "lost.wav")
    died.tell(ClipSaved, leg="a", rule="friend", path="kept.wav", ok=True)
    died.tell(ClipSaved, leg="a", rule="friend", path="lost.wav", ok=False, why="disk full")
    died.tell(FaxHeard, leg="a", tone="cng")
    died.tell(MachineJudged, leg="b1", verdict="human", seconds=1.0, why="short greeting")
    died.tell(BeepHeard, leg="b1")
    died.tell(CallRated, rating="high", score=90, rule="r1")
    record = died.record()
    assert [(one["start"], one["clip"]) for one in record["keywords"]] == [
        (3.0, None),
        (5.0, "kept.wav"),
    ]
    assert record["keywords"][0].keys() == {
        "leg", "side", "rule", "text", "start", "end", "confidence", "clip"
    }  # fmt: skip
    assert record["fax"] == [{"leg": "a", "tone": "cng", "at": "2027-01-15T08:00:01.000Z"}]
    assert (record["machine"]["verdict"], record["machine"]["beep"]) == ("human", True)
    assert record["rating"]["history"][0]["rule"] == "r1"


def test_a_crash_record_names_the_recording_that_was_being_written(tmp_path: Path) -> None:
    died = Died(tmp_path)
    died.tell(RecordingStarted, path="day/c1.wav")
    (recording,) = died.record()["recordings"]
    assert recording["path"] == "day/c1.wav"
    assert recording["sha256"] is None
    assert recording["why"] == "cut off by a crash"


def test_a_recording_that_ended_before_the_crash_is_as_it_was_told(tmp_path: Path) -> None:
    for name, kind, facts in (
        ("saved", RecordingSaved, {"sha256": "ab", "seconds": 3.0, "size": 9}),
        ("failed", RecordingFailed, {"why": "disk full", "sha256": "cd", "seconds": 1.0}),
        ("discarded", RecordingDiscarded, {"seconds": 0.2}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        died = Died(folder)
        died.tell(RecordingStarted, path="day/c1.wav")
        died.tell(kind, path="day/c1.wav", **facts)
        facts.pop("size", None)
        kept = [] if name == "discarded" else [{"path": "day/c1.wav", **facts}]
        assert died.record()["recordings"] == kept


def test_a_word_that_is_said_all_day_does_not_fill_the_journal(tmp_path: Path) -> None:
    died = Died(tmp_path)
    for n in range(MAX_KEPT_NOTES + 50):
        died.keyword(float(n))
    died.tell(MachineJudged, leg="b1", verdict="human", seconds=1.0, why="short greeting")
    record = died.record()
    assert len(record["keywords"]) == MAX_KEPT_NOTES
    assert record["machine"] is not None
