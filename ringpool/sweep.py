"""What time ends in a pool: periods of exclusive bindings, idle numbers, the pool, its reserve.

`sweep` may be called at any time and as often as one likes: what it ends has ended when it was due,
not when somebody looked. Numbers that came from a stock go back to it; a pool's own stay.
"""

from __future__ import annotations

from dataclasses import replace

from ringpool.state import PoolState
from ringpool.values import HeldNumber

__all__ = ["sweep"]

DAY_SECONDS = 86400.0


def sweep(state: PoolState, *, now: float) -> None:
    """Let go what is over by now."""
    if now < state.due:
        return
    rules = state.rules
    if state.is_over(now):
        _end_pool(state, now)
        return
    if rules.exclusive and rules.period is not None:
        _end_periods(state, rules.period, now)
    if rules.idle is not None:
        _return_idle(state, rules.idle, now)
    state.find_due()


def _end_periods(state: PoolState, period: float, now: float) -> None:
    for held in list(state.numbers.values()):
        binding = held.binding
        if binding is not None and now >= binding.used_at + period:
            state.end(held, at=binding.used_at + period, why="inactive")


def _return_idle(state: PoolState, idle: float, now: float) -> None:
    for held in list(state.numbers.values()):
        if held.stock is None:
            continue
        binding = held.binding
        if binding is None:
            unused = held.joined_at if held.free_since is None else held.free_since
            if now >= unused + idle:
                state.leave(held, now=now)
        elif not state.rules.exclusive and now >= binding.used_at + idle:
            free = state.end(held, at=binding.used_at + idle, why="idle")
            state.leave(free, now=now)


def _end_pool(state: PoolState, now: float) -> None:
    ends_at = state.rules.ends_at
    assert ends_at is not None
    for held in list(state.numbers.values()):
        free = held
        if held.binding is not None:
            free = state.end(held, at=ends_at, why="pool ended")
        if free.stock is not None:
            _end_reserve(state, free, ends_at, now)


def _end_reserve(state: PoolState, held: HeldNumber, ends_at: float, now: float) -> None:
    """Give a number back when its reserve is over, or when a whole day brought few calls."""
    rules = state.rules
    if rules.reserve is None or now >= ends_at + rules.reserve:
        state.leave(held, now=now)
        return
    below = rules.reserve_below
    start = max(held.day_start, ends_at)
    days = int((now - start) // DAY_SECONDS)
    if below is None or days <= 0:
        return
    # Calls are counted from the first of these days on; if nobody looked for several days, the
    # last of them had at most as many.
    if held.day_calls < below:
        state.leave(held, now=now)
    else:
        state.change(replace(held, day_start=start + days * DAY_SECONDS, day_calls=0))
