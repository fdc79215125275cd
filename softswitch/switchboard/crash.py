"""The record of a call that was open when the switch died, from what its journal knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from softswitch.switchboard.entries import utc_text

__all__ = ["CUT_OFF", "crash_record"]

CUT_OFF = "cut off by a crash"
"""Why a recording has no hash in its record: the next start mends it, and tells the hash beside
it."""


def crash_record(facts: Mapping[str, Any], ended_at: float) -> dict[str, Any]:
    """The record as of the last sign of life.

    Its seconds are differences of times of day, to the second of that sign.
    """
    record = dict(facts)
    bridged_at = _seconds_of(record.pop("bridged_at", None))
    received = _seconds_of(record.get("received_at")) or ended_at
    ended = max(ended_at, received)
    record["legs"] = [_crashed_leg(leg) for leg in record.get("legs", [])]
    record["ended_at"] = utc_text(ended)
    originated = [_seconds_of(leg.get("originated_at")) for leg in record["legs"][1:]]
    dialled = min([at for at in originated if at is not None], default=ended)
    answered = _seconds_of(record.get("answered_at"))
    talked = ended if bridged_at is None else bridged_at
    record["ivr_seconds"] = 0.0 if answered is None else round(max(0.0, dialled - answered), 3)
    record["ring_seconds"] = round(max(0.0, talked - dialled), 3)
    record["talk_seconds"] = round(max(0.0, ended - talked), 3)
    record["total_seconds"] = round(ended - received, 3)
    record["ended_by"] = "crash"
    record["cause"] = "crash"
    _fold_heard(record)
    return record


def _fold_heard(record: dict[str, Any]) -> None:
    """Give what was heard and recorded the form that it has in every record."""
    clips = record.pop("clips", [])
    keywords = [
        {**keyword, "clip": keyword["clip"] if keyword["clip"] in clips else None}
        for keyword in record.get("keywords", [])
    ]
    record["keywords"] = sorted(keywords, key=lambda keyword: float(keyword["start"]))
    beeps, machine = record.pop("beeps", []), record.get("machine")
    if machine is not None:
        record["machine"] = {**machine, "beep": machine["leg"] in beeps}
    ratings = record.pop("ratings", [])
    if ratings:
        last = ratings[-1]
        record["rating"] = {**_rating(last), "history": ratings}
    path = record.pop("taped", None)
    recordings = record.setdefault("recordings", [])
    if path is not None and path not in [recording["path"] for recording in recordings]:
        recordings.append({"path": path, "sha256": None, "seconds": None, "why": CUT_OFF})


def _rating(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"rating": entry["rating"], "score": entry["score"]}


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
