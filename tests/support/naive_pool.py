"""A ring pool as naively as it can be written: lists, loops, and the sentences of the product.

Nothing is indexed, cached or due; what time ends is looked for before anything else is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringpool.values import PoolRules


@dataclass
class NaiveBinding:
    owner: str
    values: tuple[str, ...]
    bound_at: float
    seen_at: float
    called_at: float = float("-inf")
    calls: int = 0

    @property
    def used_at(self) -> float:
        return max(self.seen_at, self.called_at)


@dataclass
class NaiveNumber:
    number: str
    position: int
    attributes: Mapping[str, str]
    from_stock: bool = False
    joined_at: float = 0.0
    available_at: float = 0.0
    binding: NaiveBinding | None = None
    last: NaiveBinding | None = None
    free_since: float | None = None
    day_start: float = 0.0
    day_calls: int = 0


@dataclass
class NaivePool:
    rules: PoolRules
    numbers: list[NaiveNumber]
    stock: list[NaiveNumber] = field(default_factory=list)
    turn: str = ""
    exhausted: bool = False
    exhaustions: int = 0
    last_of: dict[tuple[str, tuple[str, ...]], NaiveNumber] = field(default_factory=dict)
    """The free number that somebody had last."""

    def find(self, number: str) -> NaiveNumber | None:
        return next((one for one in self.numbers if one.number == number), None)

    # The five steps.

    def allocate(
        self,
        owner: str,
        values: tuple[str, ...],
        attributes: Mapping[str, str],
        *,
        draw: float,
        now: float,
    ) -> tuple[str, str | None]:
        self.pass_time(now)
        rules = self.rules
        if rules.ends_at is not None and now >= rules.ends_at:
            return "overflow", rules.overflow
        if values in rules.fixed:
            return "fixed", rules.fixed[values]
        for one in self.numbers:
            if one.binding and (one.binding.owner, one.binding.values) == (owner, values):
                if now - one.binding.seen_at >= 1:
                    one.binding.seen_at = now
                return "same", one.number
        step, taken = self._take(owner, values, attributes, draw, now)
        if taken is None:
            if not self.exhausted:
                self.exhaustions += 1
            self.exhausted = True
            return "overflow", rules.overflow
        self.exhausted = False
        self._forget_last(taken)
        taken.binding = NaiveBinding(owner, values, now, now)
        return step, taken.number

    def _take(
        self,
        owner: str,
        values: tuple[str, ...],
        attributes: Mapping[str, str],
        draw: float,
        now: float,
    ) -> tuple[str, NaiveNumber | None]:
        rules = self.rules
        fit = [one for one in self.numbers if _has(one, attributes)]
        free = [one for one in fit if one.binding is None]
        own = self.last_of.get((owner, values))
        if own in free:
            return "free", own
        if free:
            unused = [one for one in free if one.free_since is None]
            if unused:
                return "free", min(unused, key=lambda one: (one.position, one.number))
            return "free", min(
                free, key=lambda one: (one.free_since or 0, one.position, one.number)
            )
        size = len(self.numbers) + len(rules.fixed)
        if rules.stock and rules.maximum_size is not None and size < rules.maximum_size:
            needed = {**rules.attributes, **attributes}
            spares = [s for s in self.stock if s.available_at <= now and _has(s, needed)]
            if spares:
                spare = min(spares, key=lambda one: (one.position, one.number))
                self.stock.remove(spare)
                spare.joined_at, spare.from_stock = now, True
                self.numbers.append(spare)
                return "grown", spare
        old = [
            one
            for one in fit
            if one.binding and now - one.binding.bound_at >= (rules.minimum_lifetime or 0)
        ]
        if rules.kind == "exclusive" or not old:
            return "overflow", None
        chosen = self._choose(old, draw)
        self.turn = chosen.number
        self._end(chosen, now)
        return "rebound", chosen

    def _choose(self, old: list[NaiveNumber], draw: float) -> NaiveNumber:
        policy = self.rules.policy
        old = sorted(old, key=lambda one: one.number)
        if policy == "round_robin":
            behind = [one for one in old if one.number > self.turn]
            return (behind or old)[0]
        if policy == "weighted":
            return _drawn(old, draw)
        # Python's sort is stable: the last criterion first.
        old.sort(key=lambda one: _binding(one).bound_at)
        old.sort(key=lambda one: _binding(one).used_at)
        if policy == "least_active":
            old.sort(key=lambda one: _binding(one).calls)
        elif policy == "most_active":
            old.sort(key=lambda one: _binding(one).calls, reverse=True)
        elif policy == "oldest":
            old.sort(key=lambda one: _binding(one).bound_at)
        else:
            old.sort(key=lambda one: _binding(one).bound_at, reverse=True)
        return old[0]

    # What else happens.

    def _forget_last(self, one: NaiveNumber) -> None:
        for key in [key for key, other in self.last_of.items() if other is one]:
            del self.last_of[key]

    def _end(self, one: NaiveNumber, at: float) -> None:
        one.last, one.binding, one.free_since = one.binding, None, at
        assert one.last is not None
        self.last_of[one.last.owner, one.last.values] = one

    def release(self, number: str, *, now: float) -> bool:
        self.pass_time(now)
        one = self.find(number)
        if one is None or one.binding is None:
            return False
        self._end(one, now)
        return True

    def call(self, number: str, *, now: float) -> None:
        """A call that belongs to whatever binding the number has before time is looked at."""
        one = self.find(number)
        if one is None:
            return
        if one.binding is not None:
            one.binding.calls += 1
            one.binding.called_at = max(one.binding.called_at, now)
        elif one.from_stock and self.rules.ends_at is not None and now >= self.rules.ends_at:
            one.day_calls += 1

    def pass_time(self, now: float) -> None:
        rules = self.rules
        if rules.ends_at is not None and now >= rules.ends_at:
            self._after_the_end(rules.ends_at, now)
            return
        for one in list(self.numbers):
            period = rules.period if rules.kind == "exclusive" else None
            if period is not None and one.binding and now >= one.binding.used_at + period:
                self._end(one, one.binding.used_at + period)
            if rules.idle is None or not one.from_stock:
                continue
            if one.binding is None:
                since = one.joined_at if one.free_since is None else one.free_since
                if now >= since + rules.idle:
                    self._leave(one, now)
            elif rules.kind != "exclusive" and now >= one.binding.used_at + rules.idle:
                self._end(one, one.binding.used_at + rules.idle)
                self._leave(one, now)

    def _after_the_end(self, ends_at: float, now: float) -> None:
        rules = self.rules
        for one in list(self.numbers):
            if one.binding:
                self._end(one, ends_at)
            if not one.from_stock:
                continue
            start = max(one.day_start, ends_at)
            if rules.reserve is None or now >= ends_at + rules.reserve:
                self._leave(one, now)
            elif rules.reserve_below is not None and now - start >= 86400:
                if one.day_calls < rules.reserve_below:
                    self._leave(one, now)
                else:
                    one.day_start = start + 86400 * int((now - start) // 86400)
                    one.day_calls = 0

    def _leave(self, one: NaiveNumber, now: float) -> None:
        self._forget_last(one)
        self.numbers.remove(one)
        cool = now
        if one.free_since is not None:
            cool = max(now, one.free_since + self.rules.cooldown)
        self.stock.append(NaiveNumber(one.number, one.position, one.attributes, available_at=cool))


def _has(one: NaiveNumber, wanted: Mapping[str, str]) -> bool:
    return all(one.attributes.get(name) == value for name, value in wanted.items())


def _binding(one: NaiveNumber) -> NaiveBinding:
    assert one.binding is not None
    return one.binding


def _drawn(old: list[NaiveNumber], draw: float) -> NaiveNumber:
    """Chance by weight: 1 for no call, 1/2 for one, 1/3 for two."""
    at = draw * sum(1 / (1 + _binding(one).calls) for one in old)
    for one in old:
        at -= 1 / (1 + _binding(one).calls)
        if at < 0:
            return one
    return old[-1]
