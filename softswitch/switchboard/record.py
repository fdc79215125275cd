"""Folds the events of a call into its one record.

The record is a plain JSON object (one line of records.jsonl). Durations come from the monotonic
clock, times of day from UTC. A call is at any moment in one of three phases once it is answered or
dialling: `ivr`, `ring`, `talk`. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from softswitch.call.events import (
    CallAnswered,
    CallBridged,
    CallEnded,
    CallEvent,
    CallPresented,
    DigitPressed,
    LegAnswered,
    LegEnded,
    LegOriginated,
    NodeEntered,
)

__all__ = ["RECORD_VERSION", "RecordBuilder", "crash_record", "utc_text"]

RECORD_VERSION = 1

MAX_KEYS = 100
"""Keys kept in a record; a caller that leans on the keypad does not make it grow without end."""

MAX_PATH = 200
"""Nodes kept in a record's path."""


def utc_text(at: float) -> str:
    """A time of day as ISO 8601 in UTC with milliseconds."""
    seconds, milliseconds = divmod(int(at * 1000), 1000)
    return f"{_second_text(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=8)
def _second_text(seconds: int) -> str:
    """The part of a time that many events in a row share."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class RecordBuilder:
    """Collects one call's facts; `record` is complete after its CallEnded."""

    __slots__ = ("_clock", "_legs", "_phase", "_ringing", "_seconds", "_since", "record")

    def __init__(self, event: CallPresented) -> None:
        leg = _calling_leg(event)
        self._clock = self._since = event.clock
        self._phase = ""
        self._ringing: set[str] = set()
        self._seconds = {"ivr": 0.0, "ring": 0.0, "talk": 0.0}
        self._legs: dict[str, dict[str, Any]] = {event.leg: leg}
        self.record: dict[str, Any] = presented_facts(event)
        self.record["legs"] = [leg]

    def add(self, event: CallEvent) -> None:
        """Fold one event in; events that say nothing to the record pass by."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _enter(self, phase: str, clock: float) -> None:
        if self._phase:
            self._seconds[self._phase] += clock - self._since
        self._phase, self._since = phase, clock

    def _on_answered(self, event: CallAnswered) -> None:
        self.record["answered_at"] = utc_text(event.at)
        leg = self._legs[event.leg]
        leg["answered_at"] = self.record["answered_at"]
        leg["codec"] = event.codec
        if not self._phase:
            self._enter("ivr", event.clock)

    def _on_node(self, event: NodeEntered) -> None:
        path = self.record["path"]
        if len(path) < MAX_PATH:
            path.append(event.node)

    def _on_digit(self, event: DigitPressed) -> None:
        keys = self.record["keys"]
        if event.leg == "a" and self._phase != "talk" and len(keys) < MAX_KEYS:
            keys.append(event.digit)

    def _on_originated(self, event: LegOriginated) -> None:
        leg = _called_leg(event)
        self._legs[event.leg] = leg
        self.record["legs"].append(leg)
        self._ringing.add(event.leg)
        self._enter("ring", event.clock)

    def _on_leg_answered(self, event: LegAnswered) -> None:
        leg = self._legs[event.leg]
        leg["answered_at"] = utc_text(event.at)
        leg["codec"] = event.codec

    def _on_bridged(self, event: CallBridged) -> None:
        self._ringing.clear()
        self._enter("talk", event.clock)

    def _on_leg_ended(self, event: LegEnded) -> None:
        leg = self._legs[event.leg]
        leg["status"] = event.status
        leg["q850"] = event.q850
        if leg["answered_at"] and event.codec is not None:
            leg["codec"] = event.codec
        leg["packets"] = event.quality.packets
        leg["lost"] = event.quality.lost
        leg["jitter_ms"] = event.quality.jitter_ms
        if event.leg in self._ringing:
            self._ringing.discard(event.leg)
            if not self._ringing and self._phase == "ring":
                self._enter("ivr" if self.record["answered_at"] else "", event.clock)

    def _on_ended(self, event: CallEnded) -> None:
        self._enter("", event.clock)
        record = self.record
        record["ended_at"] = utc_text(event.at)
        for phase, seconds in self._seconds.items():
            record[f"{phase}_seconds"] = round(seconds, 3)
        record["total_seconds"] = round(event.clock - self._clock, 3)
        record["ended_by"] = event.ended_by
        record["cause"] = event.cause


_HANDLERS: Mapping[type, Callable[[RecordBuilder, Any], None]] = {
    CallAnswered: RecordBuilder._on_answered,
    NodeEntered: RecordBuilder._on_node,
    DigitPressed: RecordBuilder._on_digit,
    LegOriginated: RecordBuilder._on_originated,
    LegAnswered: RecordBuilder._on_leg_answered,
    CallBridged: RecordBuilder._on_bridged,
    LegEnded: RecordBuilder._on_leg_ended,
    CallEnded: RecordBuilder._on_ended,
}


def presented_facts(event: CallPresented) -> dict[str, Any]:
    """The record as far as it is known when a call is presented; all its keys, in their order."""
    return {
        "call_id": event.call_id,
        "version": RECORD_VERSION,
        "campaign": event.campaign,
        "publisher": event.publisher,
        "number": event.called_number,
        "called": event.called,
        "binding": {"pool": event.pool, "parameters": dict(event.parameters)},
        "caller": event.caller,
        "signalling": dict(event.signalling),
        "received_at": utc_text(event.at),
        "answered_at": None,
        "ended_at": None,
        "ivr_seconds": 0.0,
        "ring_seconds": 0.0,
        "talk_seconds": 0.0,
        "total_seconds": 0.0,
        "ended_by": None,
        "cause": None,
        "keys": [],
        "path": [],
        "legs": [],
        "config_version": event.config_version,
    }


def _calling_leg(event: CallPresented) -> dict[str, Any]:
    return _leg("calling", event.sip_call_id, event.trunk, event.caller, event.called, None)


def _called_leg(event: LegOriginated) -> dict[str, Any]:
    return _leg(
        "called", event.sip_call_id, event.trunk, event.from_number, event.to_number,
        utc_text(event.at),
    )  # fmt: skip


def _leg(
    side: str, sip_call_id: str, trunk: str, from_: str, to: str, originated_at: str | None
) -> dict[str, Any]:
    return {
        "side": side,
        "sip_call_id": sip_call_id,
        "trunk": trunk,
        "from": from_,
        "to": to,
        "codec": None,
        "originated_at": originated_at,
        "answered_at": None,
        "status": None,
        "q850": None,
        "packets": 0,
        "lost": 0,
        "jitter_ms": 0.0,
    }


def crash_record(facts: Mapping[str, Any], ended_at: float) -> dict[str, Any]:
    """The record of a call that was open when the switch died, as of its last sign of life.

    Its seconds are differences of times of day, to the second of that sign.
    """
    record = dict(facts)
    bridged_at = _seconds_of(record.pop("bridged_at", None))
    received = _seconds_of(record.get("received_at")) or ended_at
    ended = max(ended_at, received)
    record["legs"] = [_crashed_leg(leg) for leg in record.get("legs", [])]
    record["ended_at"] = utc_text(ended)
    originated = [_seconds_of(leg.get("originated_at")) for leg in record["legs"]]
    dialled = min([at for at in originated if at is not None], default=ended)
    answered = _seconds_of(record.get("answered_at"))
    talked = ended if bridged_at is None else bridged_at
    record["ivr_seconds"] = 0.0 if answered is None else round(max(0.0, dialled - answered), 3)
    record["ring_seconds"] = round(max(0.0, talked - dialled), 3)
    record["talk_seconds"] = round(max(0.0, ended - talked), 3)
    record["total_seconds"] = round(ended - received, 3)
    record["ended_by"] = "crash"
    record["cause"] = "crash"
    return record


def _crashed_leg(leg: Mapping[str, Any]) -> dict[str, Any]:
    """A leg as the journal knows it, without the name it has there."""
    kept = {name: value for name, value in leg.items() if name != "leg"}
    if kept.get("answered_at") is not None:
        kept["status"] = 200
    return kept


def _seconds_of(text: Any) -> float | None:
    """A time of day of the journal, None when it says none that can be read."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return None
