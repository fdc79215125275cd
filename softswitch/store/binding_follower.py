"""Keeps the live table of bindings up to date with what other nodes and programs write.

A notification names a pool and its version; what changed since the version known is loaded. Every
RESYNC_SECONDS the versions of all pools are compared, so that a notification that was missed costs
that long and no more. Notifications of what this node wrote itself tell nothing new and cost
nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

import asyncpg

from ringpool.live import LiveBindings
from ringpool.values import Ended, LiveChange
from softswitch.store.binding_rows import HISTORY_COLUMNS, NUMBER_COLUMNS, ended_of, held_of
from softswitch.store.holdings import ALL_POOLS
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway

logger = logging.getLogger(__name__)

__all__ = ["CHANNEL", "BindingFollower"]

CHANNEL = "ring_pools"
"""Payload: version and name of the pool that changed."""

GATHER_SECONDS = 0.005
"""How long a notification waits for others, and for this node to see the end of its own commit,
which is told to everybody first."""

RESYNC_SECONDS = 5.0
LOAD_SECONDS = 30.0
"""A pool of a hundred thousand numbers takes a second."""

SAME_CLOCK_SECONDS = 0.05
"""Clocks this close are the same: what is left is the time the question took."""

PRUNE_SECONDS = 3600.0
HISTORY_SECONDS = 90 * 86400.0
"""How long bindings that are over are kept: for measured use. Records of calls have their own."""

_VERSIONS = """
SELECT name, told, extract(epoch FROM clock_timestamp())::float8 AS clock FROM ring_pools
WHERE name = ANY($1)
"""
_POOL = "SELECT told, reloaded FROM ring_pools WHERE name = $1"
_NUMBERS = f"SELECT {NUMBER_COLUMNS} FROM ring_numbers WHERE pool = $1 AND told > $2"
_HISTORY = f"""
SELECT {HISTORY_COLUMNS} FROM ring_bindings WHERE pool = $1 AND version > $2 AND ended_at > $3
"""
_PRUNE = """
DELETE FROM ring_bindings WHERE ended_at < extract(epoch FROM clock_timestamp()) - $1
"""
_PRUNE_HOURS = """
DELETE FROM ring_hours WHERE hour < (extract(epoch FROM clock_timestamp()) - $1) / 3600
"""


class BindingFollower:
    """One task that loads what has changed."""

    def __init__(self, database: Database, live: LiveBindings, pools: Iterable[str]) -> None:
        self._database = database
        self._live = live
        self._pools = tuple(pools)
        self._stale: dict[str, float] = {}
        """Pools to look at, and the version that is said to be there."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._prune_at = 0.0
        self.loaded = asyncio.Event()
        """Set once all there is was loaded."""
        database.listen(CHANNEL, self._heard)

    def follow(self, pools: Iterable[str]) -> None:
        """Follow these pools from now on; `loaded` is set again when all of them are known."""
        self._pools = tuple(pools)
        self.loaded.clear()
        self._all_are_stale()

    def start(self) -> None:
        """Compare all versions now, and go on following."""
        self._all_are_stale()
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="ring pools")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _all_are_stale(self) -> None:
        self._stale = dict.fromkeys(self._pools, float("inf"))
        self._wake.set()

    def _heard(self, payload: str) -> None:
        version, _, pool = payload.partition(" ")
        if pool == ALL_POOLS:
            self._all_are_stale()
        elif pool in self._pools and version.isdecimal():
            self._stale[pool] = max(int(version), self._stale.get(pool, 0))
            self._wake.set()

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_SECONDS):
                    await self._wake.wait()
            compare = not self._wake.is_set()
            if not compare:
                await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            try:
                if compare:
                    await self._database.run(self._compare, within=LOAD_SECONDS)
                while self._stale:
                    await self._load_next()
                self.loaded.set()
                await self._prune()
            except DatabaseAway as error:
                logger.debug("ring pools are not followed: %s", error)

    async def _compare(self, connection: Connection) -> None:
        asked = time.time()
        rows = await connection.fetch(_VERSIONS, list(self._pools))
        took = time.time() - asked
        if not rows:
            return
        offset = rows[0]["clock"] - (asked + took / 2)
        self._live.offset = 0.0 if abs(offset) < SAME_CLOCK_SECONDS + took else offset
        for row in rows:
            if row["told"] > self._live.versions.get(row["name"], -1):
                self._stale[row["name"]] = float("inf")

    async def _load_next(self) -> None:
        pool, version = self._stale.popitem()
        if version <= self._live.versions.get(pool, -1):
            return  # this node has written it
        try:
            await self._database.run(lambda one: self._load(one, pool), within=LOAD_SECONDS)
        except DatabaseAway:
            self._stale[pool] = version
            raise

    async def _load(self, connection: Connection, pool: str) -> None:
        row = await connection.fetchrow(_POOL, pool)
        if row is None:
            return
        known = self._live.versions.get(pool, -1)
        everything = known < row["reloaded"]
        since = -1 if everything else known
        numbers = await connection.fetch(_NUMBERS, pool, since)
        oldest = (
            time.time() + self._live.offset - self._live.cooldowns.get(pool, 0.0) - LOAD_SECONDS
        )
        history = await connection.fetch(_HISTORY, pool, since, oldest)
        if self._live.versions.get(pool, -1) > row["told"]:
            return  # this node has written meanwhile, on top of what it knew
        changes = _changes(pool, numbers, history, row["told"])
        if everything:
            self._live.replace_pool(pool, changes, version=row["told"])
        else:
            self._live.apply(changes)
        self._live.versions[pool] = row["told"]

    async def _prune(self) -> None:
        now = time.monotonic()
        if now < self._prune_at:
            return
        self._prune_at = now + PRUNE_SECONDS

        async def prune(connection: Connection) -> None:
            await connection.execute(_PRUNE, HISTORY_SECONDS)
            await connection.execute(_PRUNE_HOURS, HISTORY_SECONDS)

        await self._database.run(prune, within=LOAD_SECONDS)


def _changes(
    pool: str, numbers: list[asyncpg.Record], history: list[asyncpg.Record], version: int
) -> list[LiveChange]:
    ended: dict[str, tuple[Ended, ...]] = {}
    for row in sorted(history, key=lambda row: float(row["ended_at"])):
        one = ended_of(row)
        ended[one.number] = (*ended.get(one.number, ()), one)
    return [
        LiveChange(pool, held.number, True, held.binding, ended.get(held.number, ()), version)
        for held in map(held_of, numbers)
    ]
