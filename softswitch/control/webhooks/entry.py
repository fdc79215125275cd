"""One thing to be told: an event or a record, as it stands in the spool and as it is sent.

Its id is the same however often it is sent, in whichever life of the switch: a receiver that has
seen it need not look again. `CALL.NUMBER` is an event of a call by its place in it, `CALL.record`
its record, `CALL.result.VERSION` what was posted of it later, `EPOCH.SEQUENCE` an event of no call.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from softswitch.call.events import ResultPosted
from softswitch.control.history import Kept
from softswitch.control.rpc import json_bytes
from softswitch.control.subscriptions import event_object
from softswitch.switchboard.entries import utc_text

__all__ = ["RECORD_KIND", "Entry", "entry_of_event", "entry_of_record", "line_of"]

RECORD_KIND = "call.record"


class Entry(msgspec.Struct, frozen=True):
    """One line of the spool."""

    id: str
    kind: str
    campaign: str
    """Empty: of no campaign."""
    call: str
    """Empty: of no call."""
    at: float
    """When it happened."""
    body: msgspec.Raw
    """The JSON object that is sent."""


class _RecordHead(msgspec.Struct):
    """What must be known of a record before it is sent as it is."""

    call_id: str
    campaign: str | None = None
    ended_at: str | None = None


def line_of(entry: Entry) -> bytes:
    """The line of the spool."""
    return msgspec.json.encode(entry) + b"\n"


def entry_of_event(kept: Kept, epoch: str) -> Entry:
    """What an event becomes."""
    event = kept.event
    identity = _identity(kept, epoch)
    told = event_object(kept)
    del told["sequence"]
    body = json_bytes({"id": identity, **told})
    return Entry(
        _clean(identity),
        event.kind,
        _clean(kept.campaign),
        _clean(event.call_id),
        event.at,
        msgspec.Raw(body),
    )


def _identity(kept: Kept, epoch: str) -> str:
    event = kept.event
    if not event.call_id:
        return f"{epoch}.{kept.sequence}"
    if isinstance(event, ResultPosted):
        return f"{event.call_id}.result.{event.version}"
    return f"{event.call_id}.{event.number}"


def entry_of_record(line: bytes, now: float) -> Entry | None:
    """What a line of records.jsonl becomes; None when it holds no record.

    The record itself is passed on byte by byte. `now` stands for an end that cannot be read.
    """
    try:
        head = msgspec.json.decode(line, type=_RecordHead)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    at = _moment(head.ended_at, now)
    identity = f"{head.call_id}.record"
    told = {
        "id": identity,
        "kind": RECORD_KIND,
        "call": head.call_id,
        "campaign": head.campaign,
        "at": utc_text(at),
        "number": None,
        "facts": {"record": msgspec.Raw(line)},
    }
    body = msgspec.json.encode(told)
    return Entry(identity, RECORD_KIND, head.campaign or "", head.call_id, at, msgspec.Raw(body))


def _clean(text: str) -> str:
    """Text that UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


def _moment(text: str | None, now: float) -> float:
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return now
