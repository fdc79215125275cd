"""What the pools need from whoever keeps them: implemented by `softswitch.store.bindings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from config.model import NOTHING
from ringpool.state import PoolState
from ringpool.values import Answer, PoolRules, Spare, Wanted

__all__ = ["BindingStore", "Holding", "Holdings", "PoolUse", "StoreAway", "Work"]


class StoreAway(Exception):
    """The store cannot be reached, or not within the time given."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A number of the configuration: of a stock, or of a pool's own."""

    number: str
    position: int
    stock: str | None = None
    pool: str | None = None
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything the configuration says that the store must agree with."""

    pools: Mapping[str, str | None]
    """The stock of each, if it has one."""
    numbers: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What a pool was asked for in its busiest hour, and how long its bindings were needed."""

    hours: int
    """Hours looked at that saw any request."""
    busiest: int
    """New bindings and overflows of the busiest hour."""
    overflowed: int
    """Overflows of all these hours."""
    asked: int
    """New bindings and overflows of all these hours."""
    dwell: float
    """Mean seconds from a binding to its last use."""
    size: int
    """Numbers it has now."""
    in_use: int


class Work(Protocol):
    """What is to be done to one pool, under its lock."""

    def prepare(self, state: PoolState, now: float) -> Sequence[Wanted]:
        """Do what comes before the requests; what the stock may be asked for then."""

    def run(self, state: PoolState, spares: list[Spare], now: float) -> Sequence[Answer | None]:
        """Run the core; what it changed is taken from the state."""


class BindingStore(Protocol):
    """Keeps pools. Everything here is done to one pool at a time, under a lock of all nodes."""

    @property
    def up(self) -> bool:
        """Whether there is any use in asking."""

    async def work(
        self, rules: PoolRules, work: Work, *, within: float
    ) -> tuple[Sequence[Answer | None], bool]:
        """Lock the pool, load it, do the work, write, tell; raises StoreAway.

        The answers, and whether the pool has just run out. Work may be run again, on a fresh state,
        when transactions got in each other's way.
        """

    async def use(self, pool: str, *, within: float) -> PoolUse:
        """Measured use of a pool; raises StoreAway."""
