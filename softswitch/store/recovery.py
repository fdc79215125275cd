"""After a crash: each call that was open gets its one record.

Read the journal that was left, take away what records.jsonl already has, and write a record with
`ended_by` crash for the rest. Doing it twice, or being killed in the middle of it, writes nothing
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from softswitch.store.lines import LineFile
from softswitch.store.records import RecordFile

__all__ = ["Recovery", "recover"]

FIRST_LEG = "a"
"""The leg that is in the facts from the beginning; where it is ours, its INVITE is noted."""


@dataclass(slots=True)
class Recovery:
    """What a recovery found and did."""

    records: int = 0
    """Crash records written."""
    cut_bytes: int = 0
    """Bytes of torn last lines cut from journal and records."""
    unreadable: int = 0
    """Whole lines of the journal that could not be read: what they said is lost."""
    call_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Left:
    records_size: int = 0
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)


def recover(
    folder: Path,
    records: RecordFile,
    *,
    crash_record: Callable[[Mapping[str, Any], float], Mapping[str, Any]],
) -> Recovery:
    """Write the records of calls that a dead switch left open; raises OSError when the disk
    refuses."""
    path = folder / "journal.jsonl"
    result = Recovery(cut_bytes=records.file.cut_bytes)
    if not path.exists():
        return result
    ended_at = path.stat().st_mtime  # the last sign of life, before a torn line is cut
    journal = LineFile(path)
    try:
        result.cut_bytes += journal.cut_bytes
        left = _read(journal)
        result.unreadable = journal.unreadable
    finally:
        journal.close()
    if not left.calls:
        return result
    recorded = _recorded(records, left.records_size)
    for call_id, facts in left.calls.items():
        if call_id not in recorded:
            if not records.write(crash_record(facts, ended_at)):
                raise OSError(f"{records.file.path} cannot be written")
            result.records += 1
            result.call_ids.append(call_id)
    return result


def _read(journal: LineFile) -> _Left:
    left = _Left()
    for line in journal.lines():
        if "open" in line and isinstance(line.get("facts"), dict):
            left.calls[str(line["open"])] = line["facts"]
        elif "note" in line:
            _note(left.calls.get(str(line["note"])), line.get("facts"))
        elif "close" in line:
            left.calls.pop(str(line["close"]), None)
        elif "journal" in line:
            size = line.get("records_size")
            left.records_size = size if isinstance(size, int) else 0
    return left


def _note(facts: dict[str, Any] | None, note: Any) -> None:
    """Fold a note into the facts of its call: an answer, an outbound leg, its answer, what was
    heard."""
    if facts is None or not isinstance(note, dict):
        return
    if "keep" in note or "set" in note:
        for name, entry in _of(note, "keep").items():
            facts.setdefault(name, []).append(entry)
        facts.update(_of(note, "set"))
        return
    legs = facts.get("legs", [])
    leg_id = note.pop("leg", None)
    if leg_id is None:
        if "bridged_at" in note:
            facts["bridged_at"] = note["bridged_at"]
        elif "answered_at" in note:
            facts["answered_at"] = note["answered_at"]
            if legs:
                legs[0].update(answered_at=note["answered_at"], codec=note.get("codec"))
        return
    known = next((leg for leg in legs if leg.get("leg") == leg_id), None)
    if known is None and legs and leg_id == FIRST_LEG:
        known = legs[0]
    if known is None:
        template = dict.fromkeys(legs[0]) if legs else {}
        known = {**template, "side": "called", "packets": 0, "lost": 0, "jitter_ms": 0.0}
        known["leg"] = leg_id
        legs.append(known)
    known.update(note)


def _of(note: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = note.get(name)
    return part if isinstance(part, dict) else {}


def _recorded(records: RecordFile, start: int) -> set[str]:
    """Call ids in records.jsonl from an offset on; from its beginning when the offset is not in
    it."""
    if start > records.file.size:
        start = 0
    return {str(record.get("call_id")) for record in records.file.lines(start)}
