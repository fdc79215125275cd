"""Which binding is replaced when a pool has no other number left: the recycling policies.

Candidates are numbers with a binding old enough; a policy orders them, and the first is taken. Ties
end the same way on every node: the one unused longest, then the one bound first, then by number.

- `least_active`: fewest calls. `most_active`: most calls.
- `oldest`, `newest`: bound first, bound last.
- `round_robin`: the next number after the one rebound last, in the order of the numbers.
- `weighted`: by chance; a binding with n calls has weight 1 / (n + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.model import RecyclingPolicy
from ringpool.values import Binding, HeldNumber

__all__ = ["ORDERED", "choose", "order"]

ORDERED: frozenset[RecyclingPolicy] = frozenset({"least_active", "most_active", "oldest", "newest"})
"""Policies under which a binding's place depends on nothing but itself."""


def choose(
    policy: RecyclingPolicy, candidates: Sequence[HeldNumber], *, turn: str, draw: float
) -> HeldNumber | None:
    """The number whose binding is replaced; `turn` is the number rebound last, `draw` 0 to 1."""
    if not candidates:
        return None
    if policy == "weighted":
        return _weighted(candidates, draw)
    if policy == "round_robin":
        return min(candidates, key=lambda held: (held.number <= turn, held.number))
    return min(candidates, key=lambda held: order(policy, held))


def order(policy: RecyclingPolicy, held: HeldNumber) -> tuple[Any, ...]:
    """Where a bound number stands under one of the policies that are ORDERED: lowest first."""
    binding = _binding(held)
    tie = (binding.used_at, binding.bound_at, held.number)
    if policy == "oldest":
        return (binding.bound_at, *tie)
    if policy == "newest":
        return (-binding.bound_at, *tie)
    return (-binding.calls if policy == "most_active" else binding.calls, *tie)


def _weighted(candidates: Sequence[HeldNumber], draw: float) -> HeldNumber:
    ordered = sorted(candidates, key=lambda held: held.number)
    weights = [1 / (_binding(held).calls + 1) for held in ordered]
    left = draw * sum(weights)
    for held, weight in zip(ordered, weights, strict=True):
        left -= weight
        if left < 0:
            return held
    return ordered[-1]


def _binding(held: HeldNumber) -> Binding:
    assert held.binding is not None, "candidates are bound"
    return held.binding
