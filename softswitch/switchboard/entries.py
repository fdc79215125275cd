"""How what happened on a call stands in the lists of its record, and in its journal."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from softswitch.call.events import (
    CallRated,
    FaxHeard,
    KeywordHeard,
    RecordingSaved,
    TransferAwaited,
    TransferEnded,
    TransferReceived,
    TransferRefused,
    TransferRequested,
)

__all__ = [
    "TransferBegun",
    "end_transfer",
    "fax_entry",
    "keyword_entry",
    "rating_entry",
    "saved_entry",
    "transfer_entry",
    "utc_text",
    "without",
]


@lru_cache(maxsize=64)
def utc_text(at: float) -> str:
    """A time of day as ISO 8601 in UTC with milliseconds; an event's is asked for several times."""
    seconds, milliseconds = divmod(int(at * 1000), 1000)
    return f"{_second_text(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=8)
def _second_text(seconds: int) -> str:
    """The part of a time that many events in a row share."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def keyword_entry(event: KeywordHeard) -> dict[str, Any]:
    """A keyword that was heard."""
    return without(event.facts(), "engine", "mode", "weight", "phrases")


def fax_entry(event: FaxHeard) -> dict[str, Any]:
    """A fax tone."""
    return {**event.facts(), "at": utc_text(event.at)}


def rating_entry(event: CallRated) -> dict[str, Any]:
    """What the rating became, and by which rule."""
    now = {"rating": event.rating, "score": event.score}
    return {"at": utc_text(event.at), **now, "rule": event.rule}


def saved_entry(event: RecordingSaved) -> dict[str, Any]:
    """A recording that is whole."""
    return without(event.facts(), "size")


TransferBegun = TransferRequested | TransferAwaited | TransferReceived | TransferRefused


def transfer_entry(event: TransferBegun) -> dict[str, Any]:
    """A transfer that begins, or is refused; its end is told later."""
    refused = isinstance(event, TransferRefused)
    attended = isinstance(event, TransferAwaited)
    if isinstance(event, TransferRequested | TransferReceived):
        attended = event.attended
    return {
        "at": utc_text(event.at),
        "leg": event.leg,
        "asked_by": _ASKED_BY.get(type(event), "leg"),
        "to": event.to,
        "attended": attended,
        "other_call": None if isinstance(event, TransferRefused) else event.other_call,
        "ok": False if refused else None,
        "status": event.status if isinstance(event, TransferRefused) else None,
        "why": event.why if isinstance(event, TransferRefused) else "",
    }


# `other_call`: a leg of another call is sent to this one.
_ASKED_BY = {TransferRequested: "switch", TransferAwaited: "other_call"}


def end_transfer(transfers: list[dict[str, Any]], event: TransferEnded) -> None:
    """Note the end of a leg's transfer that goes on."""
    for entry in transfers:
        if entry["leg"] == event.leg and entry["ok"] is None:
            entry.update(ok=event.ok, status=event.status, why=event.why)


def without(facts: dict[str, Any], *names: str) -> dict[str, Any]:
    """The facts of an event but for some."""
    for name in names:
        del facts[name]
    return facts
