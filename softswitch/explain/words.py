"""An explanation in words for people, and as one object for programs.

Whatever a peer put into a record is shown on one line and without control characters. Knows no
rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from softswitch.campaign.evaluate import plain, value_of
from softswitch.explain.decisions import Decided
from softswitch.explain.explanation import Explanation
from softswitch.explain.parts import entries_of, names_of

__all__ = ["as_dict", "lines"]

MAX_SHOWN = 300
"""Characters of a value."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FACTS = (
    ("campaign", "campaign"),
    ("distributed from", "distributed_from"),
    ("publisher", "publisher"),
    ("number", "number"),
    ("called", "called"),
    ("caller", "caller"),
    ("received", "received_at"),
    ("answered", "answered_at"),
    ("ended", "ended_at"),
)

_VALUES = (
    ("attribute", "attributes"),
    ("answer", "answers"),
    ("var", "variables"),
    ("result", "results"),
)


def lines(explanation: Explanation) -> Iterator[str]:
    """The explanation, a fact a line."""
    record = explanation.record
    yield f"call {_text(record.get('call_id'))}, version {_text(record.get('version'))}"
    yield from _facts(record)
    yield from _steps(record)
    yield from _decisions(explanation)
    yield from _rating(record)
    yield from _payout(record)
    for remark in explanation.remarks:
        yield f"remark: {_text(remark)}"
    yield from _verdict(explanation)


def _facts(record: Mapping[str, Any]) -> Iterator[str]:
    for title, name in _FACTS:
        if record.get(name) is not None:
            yield _line(title, record[name])
    yield _line("ended by", f"{record.get('ended_by')}, {record.get('cause')}")
    seconds = (f"{phase} {record.get(f'{phase}_seconds')}" for phase in ("ivr", "ring", "talk"))
    yield _line("seconds", ", ".join(seconds))
    yield from _binding(record)
    syndicated = record.get("syndicated")
    if isinstance(syndicated, Mapping):
        yield _line(
            "syndicated by", f"{syndicated.get('campaign')} of {syndicated.get('publisher')}"
        )


def _binding(record: Mapping[str, Any]) -> Iterator[str]:
    binding = record.get("binding")
    binding = binding if isinstance(binding, Mapping) else {}
    if binding.get("pool") is not None:
        overflow = ", its overflow number" if record.get("overflow") is True else ""
        late = ", a late call of an earlier binding" if record.get("late") is True else ""
        yield _line("pool", f"{binding['pool']}{overflow}{late}")
    yield from _mapping("binding", binding.get("parameters"))


def _steps(record: Mapping[str, Any]) -> Iterator[str]:
    for name, between in (("path", " > "), ("keys", " ")):
        if names := names_of(record, name):
            yield _line(name, between.join(names))
    for title, name in _VALUES:
        yield from _mapping(title, record.get(name))
    for one in entries_of(record, "lookups"):
        why = f", {one.get('why')}" if one.get("why") else ""
        kept = ", kept from before" if one.get("cached") is True else ""
        state = "answered" if one.get("ok") is True else "failed"
        yield _line("look-up", f"{one.get('node')} {state} in {one.get('seconds')} s{kept}{why}")
        yield from _mapping("", one.get("fields"))
    for one in entries_of(record, "destinations"):
        order = ", ".join(names_of(one, "destinations")) or "none"
        yield _line("destinations", f"{one.get('node')} by {one.get('policy')}: {order}")
        yield from _mapping("", one.get("inputs"))
    for one in entries_of(record, "caps"):
        yield _line("cap", ", ".join(f"{name} {value}" for name, value in one.items() if value))


def _mapping(title: str, values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield _line(title, f"{name} = {_value(value)}")


def _decisions(explanation: Explanation) -> Iterator[str]:
    for place, one in enumerate(explanation.decisions, 1):
        result = _value(one.recorded)
        mark = {"secret": "  (secret)", "noted": "  (as noted)"}.get(one.state, "")
        yield _text(f"{place:3}. {one.about} {one.rule}: {one.expression} -> {result}{mark}")
        for name, value in one.inputs.items():
            yield _text(f"       {name} = {_input(name, value)}")
        if one.state == "differs":
            yield _text(f"  !!   DIFFERS: decided again it is {_value(plain('', one.again))}")


def _rating(record: Mapping[str, Any]) -> Iterator[str]:
    rating = record.get("rating")
    if isinstance(rating, Mapping):
        for one in entries_of(rating, "history"):
            yield _line("rated", f"{one.get('rating')} ({one.get('score')}) by {one.get('rule')}")
        yield _line("rating", f"{rating.get('rating')} ({rating.get('score')})")
    else:
        yield _line("rating", "none")


def _payout(record: Mapping[str, Any]) -> Iterator[str]:
    payout = record.get("payout")
    if not isinstance(payout, Mapping):
        yield _line("payout", "none")
        return
    for one in entries_of(payout, "rules"):
        when = f", because {one['when']}" if one.get("when") else ""
        yield _line("earned", f"{one.get('amount')} by {one.get('name')}{when}")
    yield _line("payout", f"{payout.get('amount')} {payout.get('currency')}")


def _verdict(explanation: Explanation) -> Iterator[str]:
    for problem in explanation.problems:
        yield f"DIFFERS: {_text(problem)}"
    again = sum(one.state == "same" for one in explanation.decisions)
    if explanation.differs:
        yield f"the record does NOT agree with its own inputs: {len(explanation.problems)} differ"
    else:
        yield f"the record agrees with its inputs; {again} decisions were made again"


def _line(title: str, value: Any) -> str:
    colon = f"{title}:" if title else ""
    return f"{colon:<18}{_text(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "secret" in value:
        return "(secret)"
    if isinstance(value, Mapping) and [*value] == ["number"]:
        return str(value["number"])
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False, default=str)


def _input(name: str, noted: Any) -> str:
    """A noted input; numbers are texts in a record, and shown as numbers."""
    value = value_of(name.partition("(")[0], noted)
    return format(value, "f") if isinstance(value, Decimal) else _value(noted)


def _text(value: Any) -> str:
    text = _CONTROL.sub(" ", str(value))
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


# For programs.


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """One object for JSON."""
    record = explanation.record
    return {
        "call_id": record.get("call_id"),
        "version": record.get("version"),
        "agrees": not explanation.differs,
        "problems": list(explanation.problems),
        "remarks": list(explanation.remarks),
        "decisions": [_decided(one) for one in explanation.decisions],
        "destinations": record.get("destinations") or [],
        "path": record.get("path") or [],
        "rating": record.get("rating"),
        "payout": record.get("payout"),
    }


def _decided(one: Decided) -> dict[str, Any]:
    return {
        "about": one.about,
        "rule": one.rule,
        "expression": one.expression,
        "inputs": dict(one.inputs),
        "recorded": one.recorded,
        "again": plain("", one.again),
        "state": one.state,
    }
