"""Ring pools for tests: configurations in code, and a store and service with a clock by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from config.model import Campaign, Configuration, Number, Pool, Stock, StockNumber, Switch
from ringpool.live import LiveBindings
from ringpool.rules import holdings_of
from ringpool.service import AllocationRequest, PoolService
from softswitch.store.bindings import PostgresBindings
from softswitch.store.postgres.database import Database


class Clock:
    """A wall clock that moves when it is told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def configuration(
    pools: Sequence[Pool],
    *,
    own: Mapping[str, Sequence[str]] | None = None,
    stocks: Mapping[str, Sequence[str | StockNumber]] | None = None,
    numbers: Sequence[Number] = (),
    **switch: Any,
) -> Configuration:
    """Pools with numbers of their own (by pool), and stocks; one campaign, `sale`."""
    dynamic = [
        Number(number, "exact", pool.campaign or "sale", pool.publisher, pool.name, dynamic=True)
        for pool in pools
        for number in (own or {}).get(pool.name, ())
    ]
    return Configuration(
        switch=Switch(**switch),
        trunks={},
        numbers=(*numbers, *dynamic),
        pools={pool.name: pool for pool in pools},
        campaigns={"sale": Campaign("sale", "t", publisher="radio")},
        treatments={},
        stocks={name: Stock(name, _spares(spares)) for name, spares in (stocks or {}).items()},
    )


def _spares(spares: Sequence[str | StockNumber]) -> tuple[StockNumber, ...]:
    return tuple(
        spare if isinstance(spare, StockNumber) else StockNumber(spare) for spare in spares
    )


def numbers_from(first: int, count: int) -> list[str]:
    """Numbers in a row, in E.164."""
    return [f"+{first + i}" for i in range(count)]


class PoolNode:
    """Database, store, live table and service of one node, as the switch puts them together."""

    def __init__(
        self, configuration: Configuration, database: Database, clock: Clock | None = None
    ) -> None:
        self.database = database
        cooldowns = {pool.name: pool.cooldown_seconds for pool in configuration.pools.values()}
        self.live = LiveBindings(cooldowns)
        self.store = PostgresBindings(database, holdings_of(configuration), self.live, clock=clock)
        self.exhausted: list[tuple[str, str | None]] = []
        self.service = PoolService(
            configuration,
            self.store,
            on_exhausted=lambda pool, overflow: self.exhausted.append((pool, overflow)),
        )

    async def start(self, *, keeps_house: bool = True) -> None:
        """Connect and wait until the numbers are synchronised; `keeps_house`: by real time."""
        await self.database.start()
        await self.store.ready(within=20)
        if keeps_house:
            self.service.start()

    async def close(self) -> None:
        """Write what waits, and go."""
        await self.service.close()
        await self.store.close()
        await self.database.close()

    async def number(self, pool: str, *values: str, owner: str = "") -> str | None:
        """The number for values in the order of the pool's parameters."""
        parameters = dict(zip(("a", "b", "c"), values, strict=False))
        request = AllocationRequest(pool, parameters, owner)
        answer = await self.service.allocate(request, within=10)
        return answer.number


def changed(pool: Pool, **fields: Any) -> Pool:
    """The same pool but for some fields."""
    return replace(pool, **fields)
