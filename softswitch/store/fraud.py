"""Bans for fraud in PostgreSQL, shared by all nodes.

New bans go out behind the calls, together; every node hears of them at once and puts them into its
`FraudList`, and reads all of them after every (re)connect. With the database away a ban holds on
the node that made it, and is told later. Knows no rule.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from softswitch.campaign.fraud import MAX_BANS, Ban, FraudList
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway

logger = logging.getLogger(__name__)

__all__ = ["FraudStore"]

CHANNEL = "fraud_banned"

MAX_WAITING = 10_000
"""Bans waiting for the database; beyond it the oldest are known to this node alone."""

MAX_AT_ONCE = 500
"""Bans in one transaction, which others wait for."""
WRITE_SECONDS = 5.0
RETRY_SECONDS = 1.0

SWEEP_SECONDS = 600.0
"""How often bans that are over are dropped, here and in the database."""

MAX_PAYLOAD = 7000
"""Bytes of a notification; PostgreSQL takes just under 8000."""

_PUT = """
INSERT INTO fraud_bans (campaign, rule, who, value, until)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[])
ON CONFLICT (campaign, rule, who, value) DO UPDATE SET
    until = greatest(fraud_bans.until, excluded.until)
"""
_LOAD = """
SELECT campaign, rule, who, value, until FROM fraud_bans WHERE until > $1
ORDER BY until DESC LIMIT $2
"""
_SWEEP = "DELETE FROM fraud_bans WHERE until <= $1"


class FraudStore:
    """Keeps a node's `FraudList` and the database the same."""

    def __init__(
        self, database: Database, bans: FraudList, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        """To be made before the database is started."""
        self._database = database
        self._list = bans
        self._wall_clock = wall_clock
        self._waiting: deque[Ban] = deque(maxlen=MAX_WAITING)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        database.listen(CHANNEL, self._heard)
        database.on_up(self._load)

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="fraud bans")

    async def close(self) -> None:
        """Write what waits, and stop; before the database is closed."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self._write()

    def put(self, bans: Iterable[Ban]) -> None:
        """Keep bans for all nodes; never waits."""
        self._waiting.extend(bans)
        self._wake.set()

    async def _load(self) -> None:
        now = self._wall_clock()

        async def load(connection: Connection) -> list[Ban]:
            return [Ban(*row) for row in await connection.fetch(_LOAD, now, MAX_BANS)]

        self._list.put(await self._database.run(load, within=WRITE_SECONDS))
        self._wake.set()

    def _heard(self, payload: str) -> None:
        try:
            self._list.put([Ban(*fields) for fields in json.loads(payload)])
        except (ValueError, TypeError):
            logger.warning("a notification of %s cannot be read: %.100s", CHANNEL, payload)

    async def _keep(self) -> None:
        swept = self._wall_clock()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            if not await self._write():
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()
            if self._wall_clock() - swept >= SWEEP_SECONDS:
                swept = self._wall_clock()
                await self._sweep(swept)

    async def _write(self) -> bool:
        """Write what waits; False: the database is away."""
        while self._waiting:
            bans = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]

            async def write(connection: Connection, bans: list[Ban] = bans) -> None:
                await _put(connection, bans)

            try:
                await self._database.run(write, within=WRITE_SECONDS)
            except DatabaseAway as error:
                logger.debug("bans wait for the database: %s", error)
                self._waiting.extendleft(reversed(bans))
                return False
        return True

    async def _sweep(self, now: float) -> None:
        self._list.forget(now)
        with suppress(DatabaseAway):
            await self._database.run(
                lambda connection: connection.execute(_SWEEP, now), within=WRITE_SECONDS
            )


async def _put(connection: Connection, bans: list[Ban]) -> None:
    # A statement may touch a row once; and in one order, so that nodes do not wait in a circle.
    longest: dict[tuple[str, str, str, str], float] = {}
    for ban in bans:
        key = (ban.campaign, ban.rule, ban.who, ban.value)
        longest[key] = max(ban.until, longest.get(key, 0.0))
    rows = [(*key, until) for key, until in sorted(longest.items())]
    await connection.execute(_PUT, *([row[place] for row in rows] for place in range(5)))
    for part in _parts(rows):
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, part)


def _parts(rows: list[tuple[str, str, str, str, float]]) -> list[str]:
    """Notifications that fit; a ban that does not is heard of with the next connect."""
    parts: list[str] = []
    part: list[tuple[str, str, str, str, float]] = []
    size = 2
    for row in rows:
        length = len(json.dumps(row).encode()) + 2
        if length > MAX_PAYLOAD:
            continue
        if size + length > MAX_PAYLOAD:
            parts.append(json.dumps(part))
            part, size = [], 2
        part.append(row)
        size += length
    return [*parts, json.dumps(part)] if part else parts
