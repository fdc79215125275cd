"""Rows of the ring pool tables, to and from the values of `ringpool`. Knows columns, no queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import asyncpg
import msgspec

from ringpool.values import (
    Binding,
    Changes,
    Ended,
    EndedWhy,
    HeldNumber,
    LiveChange,
    Spare,
)

__all__ = [
    "HISTORY_COLUMNS",
    "NUMBER_COLUMNS",
    "ended_of",
    "held_of",
    "history_rows",
    "json_text",
    "live_changes",
    "number_rows",
    "spare_of",
]

NUMBER_COLUMNS = """number, position, stock, attributes, joined_at, free_since, last_owner,
    last_values, day_start, day_calls, binding_id, owner, publisher, "values", bound_at, seen_at,
    called_at, calls"""

HISTORY_COLUMNS = """binding_id, number, owner, publisher, "values", bound_at, seen_at, called_at,
    calls, ended_at, why"""

Row = Mapping[str, Any]

_texts = msgspec.json.Decoder(tuple[str, ...])
_attributes = msgspec.json.Decoder(dict[str, str])


def json_text(value: Any) -> str:
    """JSON for a parameter of a statement."""
    return msgspec.json.encode(value).decode()


def held_of(row: asyncpg.Record) -> HeldNumber:
    """A number of a pool."""
    last_key = None
    if row["last_owner"] is not None and row["last_values"] is not None:
        last_key = (str(row["last_owner"]), _texts.decode(row["last_values"]))
    return HeldNumber(
        number=row["number"],
        position=row["position"],
        stock=row["stock"],
        attributes=_attributes.decode(row["attributes"]),
        joined_at=row["joined_at"],
        free_since=row["free_since"],
        last_key=last_key,
        binding=None if row["binding_id"] is None else _binding_of(row),
        day_start=row["day_start"],
        day_calls=row["day_calls"],
    )


def _binding_of(row: asyncpg.Record) -> Binding:
    return Binding(
        binding_id=row["binding_id"],
        owner=row["owner"],
        publisher=row["publisher"],
        values=_texts.decode(row["values"]),
        bound_at=row["bound_at"],
        seen_at=row["seen_at"],
        called_at=row["called_at"],
        calls=row["calls"],
    )


def ended_of(row: asyncpg.Record) -> Ended:
    """A binding of the history."""
    why = cast("EndedWhy", row["why"])
    return Ended(row["number"], _binding_of(row), row["ended_at"], why)


def spare_of(row: asyncpg.Record) -> Spare:
    """A number of a stock."""
    return Spare(row["number"], row["position"], _attributes.decode(row["attributes"]))


def number_rows(numbers: Mapping[str, HeldNumber], told: Mapping[str, bool]) -> list[Row]:
    """The numbers to write, `told` says which and whether calls are concerned."""
    return [_number_row(numbers[number], tell) for number, tell in told.items()]


def _number_row(held: HeldNumber, told: bool) -> Row:
    row: dict[str, Any] = {
        "number": held.number,
        "tell": told,
        "joined_at": held.joined_at,
        "free_since": held.free_since,
        "last_owner": None if held.last_key is None else held.last_key[0],
        "last_values": None if held.last_key is None else held.last_key[1],
        "day_start": held.day_start,
        "day_calls": held.day_calls,
        "calls": 0,
    }
    if held.binding is not None:
        row |= _binding_row(held.binding)
    return row


def _binding_row(binding: Binding) -> dict[str, Any]:
    return {
        "binding_id": binding.binding_id,
        "owner": binding.owner,
        "publisher": binding.publisher,
        "values": binding.values,
        "bound_at": binding.bound_at,
        "seen_at": binding.seen_at,
        "called_at": binding.called_at,
        "calls": binding.calls,
    }


def history_rows(changes: Changes) -> list[Row]:
    """The bindings that are over."""
    return [
        _binding_row(ended.binding)
        | {"number": ended.number, "ended_at": ended.ended_at, "why": ended.why}
        for ended in changes.ended
    ]


def live_changes(
    pool: str, numbers: Mapping[str, HeldNumber], changes: Changes, version: int
) -> list[LiveChange]:
    """What calls must know of the changes."""
    ended: dict[str, tuple[Ended, ...]] = {}
    for one in changes.ended:
        ended[one.number] = (*ended.get(one.number, ()), one)
    found = [
        LiveChange(pool, number, True, numbers[number].binding, ended.get(number, ()), version)
        for number, told in changes.numbers.items()
        if told
    ]
    found += [
        LiveChange(pool, left.number, False, None, (), version)
        for left in changes.left
        if left.number not in numbers
    ]
    return found
