"""Looks whether destinations stand in the order that a record's prices, distances or draws give.

Equals may stand in any order: which came first in the configuration is not in the record. Knows the
inputs as `softswitch.routing.distribution` notes them, and no configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from softswitch.routing.distribution import Served

__all__ = ["order_problem"]


def order_problem(policy: str, order: Sequence[str], inputs: Mapping[str, Any]) -> str | None:
    """Why the order is not what the inputs give; None when it is, or cannot be told."""
    if policy == "weighted":
        return _weighted_problem(order, inputs)
    known = _WORTHS.get(policy)
    if known is None:
        return None
    noted = inputs.get(known[0])
    if not isinstance(noted, Mapping) or not all(name in noted for name in order):
        return None if not order else f"the {known[0]} of some are missing"
    try:
        worths = [known[1](noted[name]) for name in order]
    except (TypeError, ValueError, InvalidOperation):
        return f"the {known[0]} cannot be read"
    for (one, worth), (other, next_worth) in pairwise(zip(order, worths, strict=True)):
        if next_worth < worth:
            return f"{other} comes before {one} by {known[0]}"
    return None


def _price(noted: Any) -> Decimal:
    return -Decimal(noted or 0)


def _conversion(noted: Any) -> float:
    conversions, calls = str(noted).split(" of ")
    return -Served(calls=int(calls), conversions=int(conversions)).rate


def _room(noted: Any) -> float:
    return float("-inf") if noted is None else -float(noted)


def _use(noted: Any) -> tuple[int, int]:
    now, since = noted
    return int(now), int(since)


# What is noted under which policy, and its place in the order: the least first.
_WORTHS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "price": ("prices", _price),
    "conversion": ("conversions", _conversion),
    "availability": ("free", _room),
    "least_used": ("calls", _use),
    "nearest": ("km", float),
}


def _weighted_problem(order: Sequence[str], inputs: Mapping[str, Any]) -> str | None:
    """Draw again with the numbers that were drawn."""
    weights, draws = inputs.get("weights"), inputs.get("draws")
    if not isinstance(weights, Mapping) or not isinstance(draws, list):
        return "the weights are missing" if order else None
    if len(weights) != len(order) or len(draws) != len(order) or _was_sorted(weights):
        # Two of one name, or a store that forgot the order: what was drawn from is not known.
        return None
    left = dict(weights)
    for name, draw in zip(order, draws, strict=True):
        try:
            drawn = _drawn(left, float(draw))
        except (TypeError, ValueError):
            return "the weights cannot be read"
        if drawn != name:
            return f"{draw} drew {drawn}, not {name}"
        del left[name]
    return None


def _drawn(left: Mapping[str, Any], draw: float) -> str:
    point = draw * sum(int(weight) for weight in left.values())
    for name, weight in left.items():
        point -= int(weight)
        if point < 0:
            return name
    return [*left][-1]


def _was_sorted(weights: Mapping[str, Any]) -> bool:
    """Whether the keys stand as PostgreSQL's jsonb puts them: shorter first, then by bytes."""
    keys = [*weights]
    return keys == sorted(keys, key=lambda key: (len(key.encode()), key.encode()))
