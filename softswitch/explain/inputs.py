"""Looks whether the inputs of a record's decisions are what the record itself says.

A decision that comes out right on inputs that are not the call's own is not right. Knows which fact
stands where in a record, and no rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from softswitch.campaign.evaluate import value_of
from softswitch.explain.decisions import Decided

__all__ = ["input_problems"]

TOLERANCE = Decimal(1)
"""Seconds by which a duration may differ: rules are asked a moment before the record is closed."""

BINDING = "binding."
_FIELDS = {
    "caller.number": "caller",
    "called.number": "number",
    "called.as_dialled": "called",
    "publisher": "publisher",
    "overflow": "overflow",
    "late": "late",
    "ended_by": "ended_by",
    "cause": "cause",
}
_SECONDS = ("talk_seconds", "ivr_seconds", "ring_seconds", "total_seconds")


def input_problems(record: Mapping[str, Any], decisions: Sequence[Decided]) -> Iterator[str]:
    """Every input that contradicts its record, once."""
    seen: set[tuple[str, str]] = set()
    for one in decisions:
        for name, noted in one.inputs.items():
            if (name, repr(noted)) not in seen and _contradicts(record, name, noted):
                seen.add((name, repr(noted)))
                yield f"{one.about} {one.rule} rests on {name} = {noted}, the record says otherwise"


def _contradicts(record: Mapping[str, Any], name: str, noted: Any) -> bool:
    value = value_of(name, noted)
    if value is None:
        return False
    if name in _SECONDS:
        kept = record.get(name)
        if not isinstance(kept, int | float) or not isinstance(value, Decimal):
            return False
        return abs(Decimal(str(float(kept))) - value) > TOLERANCE
    if name in _FIELDS:
        kept = record.get(_FIELDS[name])
        return kept is not None and kept != value
    if name.startswith(BINDING):
        kept = _parameters(record).get(name.removeprefix(BINDING))
        return kept is not None and kept != value
    return False


def _parameters(record: Mapping[str, Any]) -> Mapping[str, Any]:
    binding = record.get("binding")
    parameters = binding.get("parameters") if isinstance(binding, Mapping) else None
    return parameters if isinstance(parameters, Mapping) else {}
