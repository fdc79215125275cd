"""The ring pool algorithm: which number stands for which values. Pure: told the time and by what.

A request, in this order:

1. the same owner and the same values get the same number;
2. else a free number of the pool: one that was never used, else the one free longest;
3. else, below the maximum size, one more from the shared stock;
4. else, of the bindings at least as old as the minimum lifetime, one is replaced: by default the
   one with the least call activity (`ringpool.policies`). By then every number that would do has
   been used. Exclusive bindings are never replaced;
5. else the overflow number.

What refreshes what:

- the **age** of a binding counts from when it was made; neither calls nor requests make it younger;
- its **activity** is the number of calls while it was in force; requests do not count;
- its **use** is its last request or call, whichever was later: that is what the period of an
  exclusive binding and the idle time of a number count from, and what decides between bindings with
  equally many calls. Requests less than REFRESH_SECONDS apart count as one.

A request that asks for attributes gets a number that has them in steps 2 to 4, or the overflow
number. Somebody whose binding has ended gets the same number again while it is free.

`PoolState` is one pool; what the functions here change of it is noted there. Knows nothing of
databases, nodes or calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ringpool.attributes import meets, merged
from ringpool.state import PoolState
from ringpool.sweep import sweep
from ringpool.values import (
    Answer,
    Binding,
    EndedWhy,
    HeldNumber,
    PoolRules,
    Request,
    Spare,
    Wanted,
)

__all__ = ["CallCount", "allocate", "count_calls", "fixed_answer", "release", "wanted"]

REFRESH_SECONDS = 1.0
"""Requests for one binding closer together than this are one: a page asked for a hundred times a
second is not a hundred writes."""


@dataclass(frozen=True, slots=True)
class CallCount:
    """Calls to a number since they were counted last."""

    number: str
    binding_id: str | None
    """Binding the calls belong to; None: to no binding."""
    calls: int
    at: float
    """Receipt of the last one."""


def wanted(state: PoolState, requests: Sequence[Request], *, now: float) -> list[Wanted]:
    """What the requests may need from the stock, at most; time has been looked at before."""
    room = state.room
    if room <= 0 or state.is_over(now):
        return []
    new = [
        request
        for request in requests
        if state.bound_to(request.key) is None and request.values not in state.rules.fixed
    ]
    visitors = len({request.key for request in new})
    asked = any(request.attributes for request in new)
    if not new or (not asked and state.free >= visitors):
        return []
    defaults = state.rules.attributes
    sets = {tuple(sorted(merged(defaults, one.attributes).items())) for one in new}
    # Whoever comes first may take a number that would have done for others.
    count = min(visitors, room) if len(sets) == 1 else visitors
    return [Wanted(dict(one), count) for one in sorted(sets)]


def allocate(state: PoolState, request: Request, spares: list[Spare], *, now: float) -> Answer:
    """Answer one request; what it takes from the stock leaves `spares`."""
    rules = state.rules
    sweep(state, now=now)
    if state.is_over(now):
        state.overflow(exhausted=False)
        return Answer("overflow", rules.overflow, why="ended")
    fixed = fixed_answer(rules, request)
    if fixed is not None:
        return fixed
    held = state.bound_to(request.key)
    if held is not None:
        return Answer("same", held.number, *_seen(state, held, now))
    if (held := state.free_number(request)) is not None:
        return Answer("free", held.number, *_bound(state, held, request, now))
    if (held := _grown(state, request, spares, now)) is not None:
        return Answer("grown", held.number, *_bound(state, held, request, now))
    if (held := state.replaceable(request, now=now)) is not None:
        state.take_turn(held.number)
        free = state.end(held, at=now, why="rebound")
        return Answer("rebound", held.number, *_bound(state, free, request, now))
    state.overflow(exhausted=True)
    return Answer("overflow", rules.overflow, why="exhausted")


def fixed_answer(rules: PoolRules, request: Request) -> Answer | None:
    """The number that the configuration binds to the values, whoever asks; needs no state."""
    number = rules.fixed.get(request.values)
    return None if number is None else Answer("fixed", number, expires_at=rules.ends_at)


def _seen(state: PoolState, held: HeldNumber, now: float) -> tuple[Binding, float | None]:
    binding = held.binding
    assert binding is not None
    if now - binding.seen_at >= REFRESH_SECONDS:
        binding = replace(binding, seen_at=now)
        state.change(replace(held, binding=binding))
    return binding, _expires(state.rules, binding, now)


def _bound(
    state: PoolState, held: HeldNumber, request: Request, now: float
) -> tuple[Binding, float | None]:
    binding = state.bind(held, request, now=now)
    return binding, _expires(state.rules, binding, now)


def _grown(
    state: PoolState, request: Request, spares: list[Spare], now: float
) -> HeldNumber | None:
    if state.room <= 0:
        return None
    needed = merged(state.rules.attributes, request.attributes)
    fit = [spare for spare in spares if meets(spare.attributes, needed)]
    if not fit:
        return None
    spare = min(fit, key=lambda one: (one.position, one.number))
    spares.remove(spare)
    return HeldNumber(spare.number, spare.position, state.rules.stock, spare.attributes, now)


def _expires(rules: PoolRules, binding: Binding, now: float) -> float | None:
    if not rules.exclusive:
        until = max(now, binding.bound_at + (rules.minimum_lifetime or 0.0))
    elif rules.period is None:
        return rules.ends_at
    else:
        until = binding.used_at + rules.period
    return until if rules.ends_at is None else min(until, rules.ends_at)


def release(state: PoolState, what: str, *, why: EndedWhy, now: float) -> Answer | None:
    """End the binding with this id, or on this number; None when there is none."""
    sweep(state, now=now)
    held = state.find(what)
    if held is None or held.binding is None:
        return None
    state.end(held, at=now, why=why)
    return Answer("free", held.number, held.binding)


def count_calls(state: PoolState, counts: Iterable[CallCount]) -> None:
    """Add calls to the bindings they belong to, in force or over."""
    for count in counts:
        held = state.numbers.get(count.number)
        binding = None if held is None else held.binding
        if held is not None and binding and binding.binding_id == count.binding_id:
            at = count.at if binding.called_at is None else max(binding.called_at, count.at)
            binding = replace(binding, calls=binding.calls + count.calls, called_at=at)
            state.change(replace(held, binding=binding))
            continue
        if count.binding_id is not None:
            state.call_late(count.binding_id, count.calls)
        if held is not None and held.stock is not None and state.is_over(count.at):
            state.change(replace(held, day_calls=held.day_calls + count.calls))
