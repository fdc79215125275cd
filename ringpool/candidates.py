"""Which binding would be replaced next, found without looking at all of them.

Bindings ripen: those younger than the minimum lifetime wait in the order in which they were made,
the others stand in a heap in the order of the policy. An entry whose binding has been called, seen
or replaced since is out of date and thrown away when it comes up; its successor is in the heap too.
So a pool of ten thousand numbers replaces one as quickly as a pool of ten.

Round robin and chance have no such order and look at all (`ringpool.policies`).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from ringpool.attributes import meets
from ringpool.policies import ORDERED, choose, order
from ringpool.values import HeldNumber, PoolRules

__all__ = ["Candidates"]

SPARE_ENTRIES = 64
"""Entries out of date that do not matter, however small the pool."""


class Candidates:
    """The bound numbers of a pool, those old enough to be replaced in the order of its policy."""

    def __init__(self, rules: PoolRules, numbers: Mapping[str, HeldNumber]) -> None:
        """`numbers` is the pool's own table, which is looked at and never changed."""
        self._policy = rules.policy
        self._lifetime = rules.minimum_lifetime or 0.0
        self._numbers = numbers
        self._young: list[tuple[float, str, str]] = []
        self._ripe: list[tuple[tuple[Any, ...], str]] = []
        self._ripe_ids: dict[str, str] = {}
        """Binding by number, of the ripe ones."""
        for held in numbers.values():
            self.put(held)

    @property
    def entries(self) -> int:
        """Entries in memory, out of date or not."""
        return len(self._young) + len(self._ripe)

    def put(self, held: HeldNumber) -> None:
        """Take note of a number whose binding is new, or was called or seen."""
        binding = held.binding
        if binding is None or self._policy not in ORDERED:
            return
        if self._ripe_ids.get(held.number) == binding.binding_id:
            heapq.heappush(self._ripe, (order(self._policy, held), held.number))
        else:
            heapq.heappush(self._young, (binding.bound_at, held.number, binding.binding_id))
        if self.entries > 4 * len(self._numbers) + SPARE_ENTRIES:
            self._clear_out()

    def _clear_out(self) -> None:
        """Leave one entry for each binding."""
        self._young, self._ripe = [], []
        for held in self._numbers.values():
            binding = held.binding
            if binding is None:
                continue
            if self._ripe_ids.get(held.number) == binding.binding_id:
                self._ripe.append((order(self._policy, held), held.number))
            else:
                self._young.append((binding.bound_at, held.number, binding.binding_id))
        heapq.heapify(self._young)
        heapq.heapify(self._ripe)
        bound = {number for _, number in self._ripe}
        self._ripe_ids = {n: one for n, one in self._ripe_ids.items() if n in bound}

    def next(
        self, wanted: Mapping[str, str], *, now: float, turn: str, draw: float
    ) -> HeldNumber | None:
        """The number to be rebound, which has what is wanted of it; None when there is none."""
        if self._policy not in ORDERED:
            return self._chosen(wanted, now, turn, draw)
        self._ripen(now)
        passed: list[tuple[tuple[Any, ...], str]] = []
        found = None
        while self._ripe and found is None:
            entry = heapq.heappop(self._ripe)
            held = self._numbers.get(entry[1])
            if held is None or not self._is_ripe(held) or order(self._policy, held) != entry[0]:
                continue
            passed.append(entry)
            if meets(held.attributes, wanted):
                found = held
        for entry in passed:
            heapq.heappush(self._ripe, entry)
        return found

    def _ripen(self, now: float) -> None:
        while self._young and now - self._young[0][0] >= self._lifetime:
            _, number, binding_id = heapq.heappop(self._young)
            held = self._numbers.get(number)
            if held is None or held.binding is None or held.binding.binding_id != binding_id:
                continue
            if self._ripe_ids.get(number) != binding_id:
                self._ripe_ids[number] = binding_id
                heapq.heappush(self._ripe, (order(self._policy, held), number))

    def _is_ripe(self, held: HeldNumber) -> bool:
        binding = held.binding
        return binding is not None and self._ripe_ids.get(held.number) == binding.binding_id

    def _chosen(
        self, wanted: Mapping[str, str], now: float, turn: str, draw: float
    ) -> HeldNumber | None:
        old_enough = [
            held
            for held in self._numbers.values()
            if held.binding is not None
            and now - held.binding.bound_at >= self._lifetime
            and meets(held.attributes, wanted)
        ]
        return choose(self._policy, old_enough, turn=turn, draw=draw)
