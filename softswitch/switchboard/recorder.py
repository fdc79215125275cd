"""Journal and record of every call, as a subscriber of the event stream.

`call.presented` is in the journal before any subscriber hears of it (`open`). The record is
written when the call has ended, and `call.record` follows it on the stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from softswitch.call.events import (
    BeepHeard,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallEvent,
    CallPresented,
    CallRated,
    CallRecorded,
    ClipSaved,
    FaxHeard,
    KeywordHeard,
    LegAnswered,
    LegOriginated,
    MachineJudged,
    RecordingDiscarded,
    RecordingFailed,
    RecordingSaved,
    RecordingStarted,
)
from softswitch.call.stream import EventStream
from softswitch.switchboard.entries import (
    fax_entry,
    keyword_entry,
    rating_entry,
    saved_entry,
    utc_text,
)
from softswitch.switchboard.protocols import Journal, RecordSink
from softswitch.switchboard.record import RECORDED, RecordBuilder

__all__ = ["Recorder"]

MAX_KEPT_NOTES = 200
"""Entries of lists that the journal keeps of a call (a crash record then knows less): a call on
which the same word is said for hours does not make the journal grow without end."""


class Recorder:
    """Writes exactly one record for each call that was presented."""

    def __init__(self, stream: EventStream, journal: Journal, records: RecordSink) -> None:
        self._stream = stream
        self._journal = journal
        self._records = records
        self._open: dict[str, RecordBuilder] = {}
        self._kept: Counter[str] = Counter()
        """Entries of lists in the journal, by call."""
        self.written = 0
        stream.subscribe(self.receive, kinds=RECORDED | _NOTES.keys())

    @property
    def open_calls(self) -> int:
        """Calls presented and not yet recorded."""
        return len(self._open)

    def so_far(self, call_id: str) -> Mapping[str, Any]:
        """The record of a call as far as it is known; empty when the call has its record."""
        builder = self._open.get(call_id)
        return {} if builder is None else builder.record

    def open(self, event: CallPresented) -> None:
        """Put a call into the journal, before the event is published; raises WriteError."""
        builder = RecordBuilder(event)
        self._journal.open_call(event.call_id, builder.record)
        self._open[event.call_id] = builder

    def receive(self, event: CallEvent) -> None:
        """Take one event of the stream."""
        builder = self._open.get(event.call_id)
        if builder is None:
            return
        builder.add(event)
        self._note(event)
        if isinstance(event, CallEnded):
            del self._open[event.call_id]
            self._kept.pop(event.call_id, None)
            self._finish(event, builder)

    def _note(self, event: CallEvent) -> None:
        write_note = _NOTES.get(type(event))
        if write_note is None:
            return
        note = write_note(event)
        if not note:
            return
        if "keep" in note:
            if self._kept[event.call_id] >= MAX_KEPT_NOTES:
                return
            self._kept[event.call_id] += 1
        self._journal.note(event.call_id, note)

    def _finish(self, event: CallEnded, builder: RecordBuilder) -> None:
        record = builder.record

        def written(call_id: str) -> None:
            """The record is safe, at once or when the disk takes it again."""
            self._journal.close_call(call_id)
            self.written += 1
            self._stream.publish(
                CallRecorded(
                    call_id=call_id,
                    number=event.number + 1,
                    at=event.at,
                    clock=event.clock,
                    record=record,
                )
            )

        self._records.write(record, done=written)


def _note_answered(event: CallAnswered) -> dict[str, Any]:
    return {"answered_at": utc_text(event.at), "codec": event.codec}


def _note_originated(event: LegOriginated) -> dict[str, Any]:
    return {
        "leg": event.leg,
        "trunk": event.trunk,
        "sip_call_id": event.sip_call_id,
        "from": event.from_number,
        "to": event.to_number,
        "originated_at": utc_text(event.at),
    }


def _note_leg_answered(event: LegAnswered) -> dict[str, Any]:
    return {"leg": event.leg, "answered_at": utc_text(event.at), "codec": event.codec}


def _note_bridged(event: CallBridged) -> dict[str, Any]:
    return {"bridged_at": utc_text(event.at)}


# `keep` adds an entry to a list of the record, `set` says what a key of it is.


def _note_rated(event: CallRated) -> dict[str, Any]:
    return {"keep": {"ratings": rating_entry(event)}}


def _note_keyword(event: KeywordHeard) -> dict[str, Any]:
    return {"keep": {"keywords": keyword_entry(event)}}


def _note_clip(event: ClipSaved) -> dict[str, Any]:
    return {"keep": {"clips": event.path}} if event.ok else {}


def _note_fax(event: FaxHeard) -> dict[str, Any]:
    return {"keep": {"fax": fax_entry(event)}}


def _note_machine(event: MachineJudged) -> dict[str, Any]:
    return {"set": {"machine": event.facts()}}


def _note_beep(event: BeepHeard) -> dict[str, Any]:
    return {"keep": {"beeps": event.leg}}


def _note_taped(event: RecordingStarted) -> dict[str, Any]:
    return {"set": {"taped": event.path}}


def _note_discarded(event: RecordingDiscarded) -> dict[str, Any]:
    return {"set": {"taped": None}}


def _note_saved(event: RecordingSaved) -> dict[str, Any]:
    return {"keep": {"recordings": saved_entry(event)}}


def _note_failed(event: RecordingFailed) -> dict[str, Any]:
    return {"keep": {"recordings": event.facts()}}


_NOTES: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    CallAnswered: _note_answered,
    LegOriginated: _note_originated,
    LegAnswered: _note_leg_answered,
    CallBridged: _note_bridged,
    CallRated: _note_rated,
    KeywordHeard: _note_keyword,
    ClipSaved: _note_clip,
    FaxHeard: _note_fax,
    MachineJudged: _note_machine,
    BeepHeard: _note_beep,
    RecordingStarted: _note_taped,
    RecordingDiscarded: _note_discarded,
    RecordingSaved: _note_saved,
    RecordingFailed: _note_failed,
}
"""What a crash record should know beyond the presented facts."""
