"""Ring pools in PostgreSQL: implements `ringpool.protocols.BindingStore`.

One transaction serves many requests for a pool: it locks the pool's row, loads what has changed
since this node saw the pool last (mostly nothing: the state is kept), runs the core, writes all
rows in one statement and notifies once. Other nodes wait for the row, and then load what was
written. That a number has left a pool cannot be seen from the version of its row: `reloaded` says
since when all of the pool must be loaded again.

What gives a number to somebody is on disk before anybody is told. What only notes that a number was
asked for or called again does not wait for the disk: a crash of the server may forget the last
half second of it.

Time is the database's, and never goes back within a pool.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from ringpool.live import LiveBindings
from ringpool.protocols import Holdings, PoolUse, StoreAway, Work
from ringpool.state import PoolState
from ringpool.values import Answer, Changes, LiveChange, PoolRules, Spare, Wanted
from softswitch.store.binding_follower import CHANNEL, BindingFollower
from softswitch.store.binding_rows import (
    NUMBER_COLUMNS,
    held_of,
    history_rows,
    json_text,
    live_changes,
    number_rows,
    spare_of,
)
from softswitch.store.holdings import synchronise
from softswitch.store.pool_use import HOUR_SECONDS, measured_use
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway

logger = logging.getLogger(__name__)

__all__ = ["PostgresBindings"]

SYNCHRONISE_SECONDS = 120.0
"""A hundred thousand numbers for the first time take seconds."""

RETRY_SECONDS = 1.0
"""Between attempts to synchronise that others got in the way of."""

_LOCK = """
SELECT version, told, reloaded, at, turn, exhausted,
    extract(epoch FROM clock_timestamp())::double precision AS clock
FROM ring_pools WHERE name = $1 FOR UPDATE
"""

_LOAD = f"SELECT {NUMBER_COLUMNS} FROM ring_numbers WHERE pool = $1 AND version > $2"

_LOCK_STOCK = "SELECT FROM ring_stocks WHERE name = $1 FOR UPDATE"

_SPARES = """
SELECT number, position, attributes FROM ring_numbers
WHERE stock = $1 AND pool IS NULL AND available_at <= $2 AND attributes @> $3::jsonb
ORDER BY position, number LIMIT $4
"""

# $1 pool, $2 version, $3 numbers, $4 history, $5 time, $6 turn, $7 exhausted, $8 whether calls are
# concerned, $9 whether numbers left, $10 new bindings, $11 overflows, $12 hour, $13 whether it may
# wait for the disk, $14 numbers.
_WRITE = f"""
WITH held AS (
    UPDATE ring_numbers n SET
        pool = $1::text, version = $2::bigint,
        told = CASE WHEN c.tell THEN $2::bigint ELSE n.told END,
        joined_at = c.joined_at, free_since = c.free_since, last_owner = c.last_owner,
        last_values = c.last_values, day_start = c.day_start, day_calls = c.day_calls,
        binding_id = c.binding_id, owner = c.owner, publisher = c.publisher, "values" = c."values",
        bound_at = c.bound_at, seen_at = c.seen_at, called_at = c.called_at,
        calls = c.calls
    FROM jsonb_to_recordset($3::jsonb) AS c(
        number text, tell boolean, joined_at float8, free_since float8, last_owner text,
        last_values jsonb, day_start float8, day_calls integer, binding_id text, owner text,
        publisher text, "values" jsonb, bound_at float8, seen_at float8,
        called_at float8, calls integer)
    -- The numbers as a list too: without it the planner takes the table for small and reads it all.
    WHERE n.number = c.number AND n.number = ANY($14::text[])
), history AS (
    INSERT INTO ring_bindings (pool, version, binding_id, number, owner, publisher, "values",
        bound_at, seen_at, called_at, calls, ended_at, why)
    SELECT $1::text, $2::bigint, c.* FROM jsonb_to_recordset($4::jsonb) AS c(
        binding_id text, number text, owner text, publisher text, "values" jsonb, bound_at float8,
        seen_at float8, called_at float8, calls integer, ended_at float8, why text)
), pool AS (
    UPDATE ring_pools SET
        version = $2::bigint, told = CASE WHEN $8::boolean THEN $2::bigint ELSE told END,
        reloaded = CASE WHEN $9::boolean THEN $2::bigint ELSE reloaded END,
        at = $5::float8, turn = $6::text, exhausted = $7::boolean
    WHERE name = $1::text
), hours AS (
    INSERT INTO ring_hours (pool, hour, bound, overflowed)
    SELECT $1::text, $12::bigint, $10::bigint, $11::bigint WHERE $10::bigint + $11::bigint > 0
    ON CONFLICT (pool, hour) DO UPDATE SET
        bound = ring_hours.bound + excluded.bound,
        overflowed = ring_hours.overflowed + excluded.overflowed
)
SELECT
    CASE WHEN $8::boolean
        THEN pg_notify('{CHANNEL}', $2::bigint::text || ' ' || $1::text)::text END,
    CASE WHEN $13::boolean THEN set_config('synchronous_commit', 'off', true) END
"""

_LEAVE = """
UPDATE ring_numbers n SET pool = NULL, available_at = c.available_at, free_since = NULL,
    last_owner = NULL, last_values = NULL, day_start = 0, day_calls = 0, binding_id = NULL,
    owner = NULL, publisher = NULL, "values" = NULL, bound_at = NULL, seen_at = NULL,
    called_at = NULL, calls = 0
FROM unnest($1::text[], $2::float8[]) AS c(number, available_at)
WHERE n.number = c.number
"""

_LATE_CALLS = """
UPDATE ring_bindings b SET calls = b.calls + c.calls
FROM unnest($1::text[], $2::integer[]) AS c(binding_id, calls)
WHERE b.binding_id = c.binding_id
"""


@dataclass(slots=True)
class _Kept:
    """A pool as this node saw it last, inside its lock."""

    version: int
    state: PoolState


@dataclass(frozen=True, slots=True)
class _Done:
    """What a transaction did."""

    answers: Sequence[Answer | None]
    kept: _Kept
    exhausted: bool
    told_before: int
    live: list[LiveChange]


class PostgresBindings:
    """Keeps pools in a database that other nodes use too."""

    def __init__(
        self,
        database: Database,
        holdings: Holdings,
        live: LiveBindings | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """To be made before the database is started. `clock` stands in for the database's."""
        self.live = live
        self._database = database
        self._holdings = holdings
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._ready = asyncio.Event()
        self._follower = None if live is None else BindingFollower(database, live, holdings.pools)
        database.on_up(self._resync)

    @property
    def up(self) -> bool:
        """Whether the database answers and has the numbers of the configuration."""
        return self._ready.is_set() and self._database.up

    async def ready(self, *, within: float) -> None:
        """Wait until the numbers of the configuration are there; raises StoreAway."""
        try:
            async with asyncio.timeout(within):
                await self._ready.wait()
        except TimeoutError:
            raise StoreAway(self._database.reason) from None

    async def loaded(self, *, within: float) -> None:
        """Wait until calls know all bindings there are; raises StoreAway."""
        await self.ready(within=within)
        if self._follower is None:
            return
        try:
            async with asyncio.timeout(within):
                await self._follower.loaded.wait()
        except TimeoutError:
            raise StoreAway(self._database.reason) from None

    async def take_over(self, holdings: Holdings, *, within: float) -> None:
        """Have the numbers of another configuration; raises StoreAway when the database has not
        taken them yet: it does after the next connect."""
        self._holdings = holdings
        try:
            if self._ready.is_set():  # else they are synchronised soon, and then with these
                await self._database.run(self._synchronise, within=within)
        except (DatabaseAway, asyncpg.PostgresError) as error:
            raise StoreAway(str(error)) from error
        finally:
            if self._follower is not None:
                self._follower.follow(holdings.pools)
        if not self._database.up:
            raise StoreAway(self._database.reason)
        await self.loaded(within=within)

    async def _synchronise(self, connection: Connection) -> None:
        await synchronise(connection, self._holdings, clock=self._clock)

    async def close(self) -> None:
        """Stop following."""
        if self._follower is not None:
            await self._follower.close()

    async def _resync(self) -> None:
        """After every connect: the configuration's numbers first, then what calls must know."""
        self._kept.clear()
        while True:
            wanted = self._holdings
            try:
                await self._database.run(self._synchronise, within=SYNCHRONISE_SECONDS)
                if wanted is self._holdings:
                    break
                continue  # another configuration came meanwhile
            except (DatabaseAway, asyncpg.PostgresError) as error:
                if not self._database.up:
                    return  # it is done after the next connect
                logger.error("the numbers of pools could not be synchronised: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        self._ready.set()
        if self._follower is not None:
            self._follower.start()

    # One pool.

    async def work(
        self, rules: PoolRules, work: Work, *, within: float
    ) -> tuple[Sequence[Answer | None], bool]:
        """Lock, load, run, write, tell; raises StoreAway."""
        if not self._ready.is_set():
            raise StoreAway("its numbers are not synchronised yet")

        async def transact(connection: Connection) -> _Done:
            return await self._transact(connection, rules, work)

        try:
            done = await self._database.run(transact, within=within)
        except DatabaseAway as error:
            raise StoreAway(str(error)) from error
        except asyncpg.PostgresError as error:
            # A mistake of ours or of a table changed by hand: nobody's page waits for its mending.
            logger.error("pool %s: the database refuses: %s", rules.name, error)
            raise StoreAway(str(error)) from error
        self._keep(rules.name, done)
        return done.answers, done.exhausted

    def _keep(self, pool: str, done: _Done) -> None:
        known = self._kept.get(pool)
        if known is None or known.version <= done.kept.version:
            self._kept[pool] = done.kept
        if self.live is None:
            return
        # What another node gave out, and this one gives again, may not have been heard of yet.
        self.live.apply(
            LiveChange(pool, answer.number, True, answer.binding, (), done.told_before)
            for answer in done.answers
            if answer is not None and answer.number is not None and answer.binding is not None
        )
        if done.live:
            version = done.live[0].version
            # Nothing is missing between: the notification tells nothing new.
            if self.live.versions.get(pool) == done.told_before:
                self.live.versions[pool] = version
            self.live.apply(done.live)

    async def _transact(self, connection: Connection, rules: PoolRules, work: Work) -> _Done:
        # Nobody else on this node may see the state before it is committed.
        kept = self._kept.pop(rules.name, None)
        row = await connection.fetchrow(_LOCK, rules.name)
        if row is None:
            raise StoreAway(f"it does not know the pool {rules.name}")
        clock = row["clock"] if self._clock is None else self._clock()
        now = max(clock, row["at"])
        state = await self._load(connection, rules, row, kept)
        spares = await self._spares(connection, rules, state, work.prepare(state, now), now)
        answers = work.run(state, spares, now)
        changes = state.take_changes()
        version = row["version"]
        if changes.any:
            version += 1
            await self._write(connection, rules, state, changes, version, now)
        return _Done(
            answers,
            _Kept(version, state),
            changes.exhausted,
            row["told"],
            live_changes(rules.name, state.numbers, changes, version),
        )

    async def _load(
        self, connection: Connection, rules: PoolRules, row: asyncpg.Record, kept: _Kept | None
    ) -> PoolState:
        if kept is None or kept.version < row["reloaded"] or kept.version > row["version"]:
            found = await connection.fetch(_LOAD, rules.name, -1)
            return PoolState(
                rules,
                [held_of(one) for one in found],
                turn=row["turn"],
                exhausted=row["exhausted"],
            )
        state = kept.state
        state.follow(rules)
        state.turn, state.exhausted = row["turn"], row["exhausted"]
        if kept.version < row["version"]:
            for one in await connection.fetch(_LOAD, rules.name, kept.version):
                state.put(held_of(one))
        return state

    async def _spares(
        self,
        connection: Connection,
        rules: PoolRules,
        state: PoolState,
        wanted: Sequence[Wanted],
        now: float,
    ) -> list[Spare]:
        if not wanted or rules.stock is None:
            return []
        # Always after the pool: whoever waits for a stock holds one pool, and nobody waits for
        # that who holds the stock.
        await connection.execute(_LOCK_STOCK, rules.stock)
        found = {spare.number: spare for spare in state.returned(now)}
        for one in wanted:
            attributes = json_text(one.attributes)
            rows = await connection.fetch(_SPARES, rules.stock, now, attributes, one.count)
            found |= {row["number"]: spare_of(row) for row in rows}
        return list(found.values())

    async def _write(
        self,
        connection: Connection,
        rules: PoolRules,
        state: PoolState,
        changes: Changes,
        version: int,
        now: float,
    ) -> None:
        if changes.left:
            numbers = [left.number for left in changes.left]
            await connection.execute(_LEAVE, numbers, [one.available_at for one in changes.left])
        if changes.late_calls:
            calls: Mapping[str, int] = changes.late_calls
            await connection.execute(_LATE_CALLS, list(calls), list(calls.values()))
        arguments: tuple[Any, ...] = (
            rules.name,
            version,
            json_text(number_rows(state.numbers, changes.numbers)),
            json_text(history_rows(changes)),
            now,
            state.turn,
            state.exhausted,
            changes.tells,
            bool(changes.left),
            changes.bound,
            changes.overflowed,
            int(now // HOUR_SECONDS),
            not changes.tells,
            list(changes.numbers),
        )
        await connection.execute(_WRITE, *arguments)

    async def use(self, pool: str, *, within: float) -> PoolUse:
        """What the pool was asked for in the last two weeks; raises StoreAway."""

        try:
            return await self._database.run(lambda one: measured_use(one, pool), within=within)
        except DatabaseAway as error:
            raise StoreAway(str(error)) from error
