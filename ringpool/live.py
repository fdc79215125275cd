"""Who has which number now, in memory, for calls: never asks a database.

A call belongs to the binding in force when its INVITE was received. For the pool's cooldown after a
binding has ended, calls still go to it and are marked late: the visitor saw the number before that.
Nobody can tell them from visitors who saw the new binding, so the cooldown is none unless the
operator sets it. A binding that was freed as spam gets no late calls.

Filled by whoever follows the store (`softswitch.store.bindings`) and by the allocations of this
node. Bounded by the numbers there are; at most MAX_ENDED earlier bindings each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ringpool.values import Binding, Ended, EndedWhy, LiveChange

__all__ = ["Attribution", "LiveBindings"]

MAX_ENDED = 4
"""Earlier bindings kept for a number: for calls received before a change and for late ones."""

NO_LATE_CALLS: frozenset[EndedWhy] = frozenset({"spam", "pool ended", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose a call to a number of a pool is."""

    pool: str
    binding: Binding | None
    """None: the number is the pool's, and nobody has it."""
    late: bool = False
    """Whether the binding is over, and the call within the cooldown."""


@dataclass(frozen=True, slots=True)
class _Live:
    pool: str
    binding: Binding | None
    ended: tuple[Ended, ...]
    version: int
    """Of the pool, when this was told."""


class LiveBindings:
    """The numbers of all pools with their bindings, as far as this node has heard."""

    def __init__(self, cooldowns: Mapping[str, float]) -> None:
        """`cooldowns`: seconds, by pool."""
        self.cooldowns = cooldowns
        self.versions: dict[str, int] = {}
        """Up to which change each pool is known: a number missed shows here."""
        self.offset = 0.0
        """The store's clock minus ours, in seconds."""
        self.on_bound: Callable[[str, str, Binding], None] | None = None
        """Told pool, number and binding when a number is somebody else's."""
        self._numbers: dict[str, _Live] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    # What is heard.

    def apply(self, changes: Iterable[LiveChange]) -> None:
        """Take in what has changed; told twice is told once."""
        for change in changes:
            if change.version < self.versions.get(change.pool, 0):
                continue  # told late: what came after it is known
            known = self._numbers.get(change.number)
            if known is not None and known.pool != change.pool:
                known = None
            if known is not None and change.version < known.version:
                continue  # loaded before this node wrote, and told after
            if not change.member:
                if known is not None:
                    del self._numbers[change.number]
                continue
            earlier = () if known is None else known.ended
            ended = _joined(earlier, change.ended)
            self._numbers[change.number] = _Live(change.pool, change.binding, ended, change.version)
            before = None if known is None else known.binding
            if self.on_bound is not None and _differs(change.binding, before):
                assert change.binding is not None
                self.on_bound(change.pool, change.number, change.binding)

    def replace_pool(self, pool: str, changes: Iterable[LiveChange], *, version: int) -> None:
        """Take in everything there is of a pool at a version."""
        changes = list(changes)
        stay = {change.number for change in changes if change.member}
        for number, live in list(self._numbers.items()):
            if live.pool == pool and live.version <= version and number not in stay:
                del self._numbers[number]
        self.apply(changes)

    def tell_bound(self) -> None:
        """Tell `on_bound` of all bindings in force."""
        for number, live in self._numbers.items():
            if self.on_bound is not None and live.binding is not None:
                self.on_bound(live.pool, number, live.binding)

    # What calls ask.

    def find(self, number: str, *, at: float | None = None) -> Attribution | None:
        """Whose a call received `at` (our clock; None: now) is; None: in no pool."""
        live = self._numbers.get(number)
        if live is None:
            return None
        binding = live.binding
        if at is None:
            return Attribution(live.pool, binding)
        at += self.offset
        if not live.ended:
            return Attribution(live.pool, binding)
        if binding is None or at < binding.bound_at:
            for ended in reversed(live.ended):
                if ended.binding.bound_at <= at < ended.ended_at:
                    return Attribution(live.pool, ended.binding)
        last = live.ended[-1]
        cooldown = self.cooldowns.get(live.pool, 0.0)
        if last.why not in NO_LATE_CALLS and last.ended_at <= at < last.ended_at + cooldown:
            return Attribution(live.pool, last.binding, late=True)
        return Attribution(live.pool, binding)


def _differs(now: Binding | None, before: Binding | None) -> bool:
    return now is not None and (before is None or before.binding_id != now.binding_id)


def _joined(known: tuple[Ended, ...], more: tuple[Ended, ...]) -> tuple[Ended, ...]:
    """Earlier bindings of both, each once, the latest last."""
    if not more:
        return known
    by_id = {ended.binding.binding_id: ended for ended in (*known, *more)}
    ordered = sorted(by_id.values(), key=lambda ended: ended.ended_at)
    return tuple(ordered[-MAX_ENDED:])
