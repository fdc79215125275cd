"""One pool as it stands: its numbers, who has them, and what was changed and must be written down.

The verbs here keep the indexes right and note the changes; *when* they are used is the algorithm's
business (`ringpool.core`, `ringpool.sweep`). Knows nothing of databases, nodes or calls.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from ringpool.attributes import meets
from ringpool.candidates import Candidates
from ringpool.values import (
    Binding,
    Changes,
    Ended,
    EndedWhy,
    HeldNumber,
    Key,
    Left,
    PoolRules,
    Request,
    Spare,
)

__all__ = ["PoolState"]


class PoolState:
    """The numbers of one pool, who has them, and whose turn it is."""

    def __init__(
        self,
        rules: PoolRules,
        numbers: Iterable[HeldNumber] = (),
        *,
        turn: str = "",
        exhausted: bool = False,
    ) -> None:
        self.rules = rules
        self.numbers: dict[str, HeldNumber] = {}
        self.turn = turn
        """Number rebound last."""
        self.exhausted = exhausted
        """Whether the last request that needed a number got none."""
        self.due = 0.0
        """Nothing ends by time before this."""
        self._by_key: dict[Key, str] = {}
        self._free: set[str] = set()
        self._free_order: list[tuple[float, int, str]] = []
        self._last_of: dict[Key, str] = {}
        """Free numbers by who had them last."""
        self._candidates = Candidates(rules, self.numbers)
        self._start_changes()
        for held in numbers:
            self.put(held)

    def _start_changes(self) -> None:
        self._changed: dict[str, bool] = {}
        self._ended: list[Ended] = []
        self._left: dict[str, tuple[HeldNumber, Left]] = {}
        self._late_calls: Counter[str] = Counter()
        self._bound = 0
        self._overflowed = 0
        self._ran_out = False
        self._pool_changed = False

    def take_changes(self) -> Changes:
        """What was changed since this was asked last."""
        changes = Changes(
            numbers=self._changed,
            ended=tuple(self._ended),
            left=tuple(left for _, left in self._left.values()),
            late_calls=self._late_calls,
            bound=self._bound,
            overflowed=self._overflowed,
            exhausted=self._ran_out,
            pool=self._pool_changed,
        )
        self._start_changes()
        return changes

    # Questions.

    @property
    def room(self) -> int:
        """How many more numbers the pool may take from its stock."""
        rules = self.rules
        if rules.stock is None or rules.maximum_size is None:
            return 0
        return max(0, rules.maximum_size - len(self.numbers) - len(rules.fixed))

    @property
    def free(self) -> int:
        """Numbers without a binding."""
        return len(self._free)

    def returned(self, now: float) -> list[Spare]:
        """Numbers that went back to the stock since changes were taken, and may be taken again."""
        return [
            Spare(held.number, held.position, held.attributes)
            for held, left in self._left.values()
            if left.available_at <= now
        ]

    def is_over(self, now: float) -> bool:
        """Whether the pool has ended."""
        return self.rules.ends_at is not None and now >= self.rules.ends_at

    def bound_to(self, key: Key) -> HeldNumber | None:
        """The number that has a binding for this owner and these values."""
        number = self._by_key.get(key)
        return None if number is None else self.numbers[number]

    def find(self, what: str) -> HeldNumber | None:
        """A number by itself or by the id of its binding."""
        held = self.numbers.get(what)
        if held is not None:
            return held
        for held in self.numbers.values():
            if held.binding is not None and held.binding.binding_id == what:
                return held
        return None

    def free_number(self, request: Request) -> HeldNumber | None:
        """The free number that a request gets: its own of last time, else one that was never
        used, else the one free longest."""
        own = self._last_of.get(request.key)
        if own is not None and meets(self.numbers[own].attributes, request.attributes):
            return self.numbers[own]
        passed: list[tuple[float, int, str]] = []
        found = None
        while self._free_order and found is None:
            place = heapq.heappop(self._free_order)
            held = self.numbers.get(place[2])
            if held is None or held.binding is not None or _place(held) != place:
                continue  # was bound, or left, meanwhile
            passed.append(place)
            if meets(held.attributes, request.attributes):
                found = held
        for place in passed:
            heapq.heappush(self._free_order, place)
        return found

    def replaceable(self, request: Request, *, now: float) -> HeldNumber | None:
        """The number whose binding is old enough and comes first by the pool's policy."""
        if self.rules.exclusive:
            return None
        return self._candidates.next(request.attributes, now=now, turn=self.turn, draw=request.draw)

    def follow(self, rules: PoolRules) -> None:
        """Take the pool's rules as they are now."""
        if rules != self.rules:
            self.rules = rules
            self.due = 0.0
            self._candidates = Candidates(rules, self.numbers)

    # Verbs. Each notes what it changed.

    def put(self, held: HeldNumber) -> None:
        """Take in a number as it is kept, in place of what was known of it. No change."""
        self.forget(held.number)
        self.numbers[held.number] = held
        # Whoever looks for what is due works out the rest.
        self.due = min(self.due, self._may_end_at(held))
        if held.binding is not None:
            self._by_key[held.binding.key] = held.number
            self._candidates.put(held)
            return
        self._free.add(held.number)
        heapq.heappush(self._free_order, _place(held))
        if held.last_key is not None:
            self._last_of[held.last_key] = held.number

    def forget(self, number: str) -> None:
        """Drop a number that the pool no longer has. No change."""
        held = self.numbers.pop(number, None)
        if held is None:
            return
        self._free.discard(number)
        if held.binding is not None and self._by_key.get(held.binding.key) == number:
            del self._by_key[held.binding.key]
        if held.last_key is not None and self._last_of.get(held.last_key) == number:
            del self._last_of[held.last_key]

    def change(self, held: HeldNumber, *, told: bool = False) -> None:
        """Put a number that is to be written; `told`: calls are concerned."""
        self.put(held)
        self._changed[held.number] = told or self._changed.get(held.number, False)

    def bind(self, held: HeldNumber, request: Request, *, now: float) -> Binding:
        """Join a free number to the values of a request."""
        binding = Binding(
            request.binding_id, request.owner, request.publisher, request.values, now, now
        )
        self.change(replace(held, binding=binding), told=True)
        self._bound += 1
        if self.exhausted:
            self.exhausted = False
            self._pool_changed = True
        return binding

    def end(self, held: HeldNumber, *, at: float, why: EndedWhy) -> HeldNumber:
        """End a binding; the number as it is then, free."""
        binding = held.binding
        assert binding is not None
        self._ended.append(Ended(held.number, binding, at, why))
        free = replace(held, binding=None, free_since=at, last_key=binding.key)
        self.change(free, told=True)
        return free

    def leave(self, held: HeldNumber, *, now: float) -> None:
        """Give a free number back to its stock, which leaves it alone for the cooldown."""
        free_since = held.free_since
        cool = now if free_since is None else max(now, free_since + self.rules.cooldown)
        self._left[held.number] = (held, Left(held.number, cool))
        self.forget(held.number)
        self._changed.pop(held.number, None)

    def take_turn(self, number: str) -> None:
        """Note the number that is rebound."""
        self.turn = number
        self._pool_changed = True

    def overflow(self, *, exhausted: bool) -> None:
        """Note a request that got the overflow number; `exhausted`: for want of numbers."""
        self._overflowed += 1
        if exhausted and not self.exhausted:
            self.exhausted = True
            self._pool_changed = True
            self._ran_out = True

    def call_late(self, binding_id: str, calls: int) -> None:
        """Note calls that belong to a binding that is over."""
        self._late_calls[binding_id] += calls

    def _may_end_at(self, held: HeldNumber) -> float:
        """Before this time nothing about the number ends by itself; early is no harm."""
        rules = self.rules
        due = float("inf") if rules.ends_at is None else rules.ends_at
        binding = held.binding
        if rules.exclusive and rules.period is not None and binding is not None:
            due = min(due, binding.used_at + rules.period)
        if rules.idle is not None and held.stock is not None:
            unused = held.joined_at if held.free_since is None else held.free_since
            due = min(due, (unused if binding is None else binding.used_at) + rules.idle)
        return due

    def find_due(self) -> None:
        """Work out anew when something ends by time next."""
        self.due = min(map(self._may_end_at, self.numbers.values()), default=float("inf"))


def _place(held: HeldNumber) -> tuple[float, int, str]:
    """Where a free number stands in line: never used comes before any time there is."""
    free_since = float("-inf") if held.free_since is None else held.free_since
    return (free_since, held.position, held.number)
