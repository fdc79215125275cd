"""What campaigns spend, in PostgreSQL: each node tells what it has spent and hears of the others.

Running totals of minutes, told again until the database has them, so that nothing is counted twice;
minutes of an earlier life of this node are like those of others. With the database away each node
goes by its own sums and what it heard last. Knows no limit.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal

from softswitch.campaign.spend import MINUTE, MINUTES, SpendBook, Spent
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway

logger = logging.getLogger(__name__)

__all__ = ["SpendShare"]

SHARE_SECONDS = 2.0
"""How old what is known of other nodes may be; two small statements each time."""

WRITE_SECONDS = 5.0

SWEEP_SECONDS = 600.0
"""How often minutes are removed that nobody looks back on any more."""

MAX_AT_ONCE = 1000
"""Minutes in one statement; more wait for the next."""

_PUT = """
INSERT INTO campaign_spend (campaign, run, minute, amount, began)
SELECT campaign, $1, minute, amount, clock_timestamp() - make_interval(secs => age)
FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::float8[])
    AS told (campaign, minute, amount, age)
ON CONFLICT (campaign, run, minute) DO UPDATE SET amount = excluded.amount
"""
_OTHERS = """
SELECT campaign, sum(amount) AS amount FROM campaign_spend
WHERE run <> $1 AND began > clock_timestamp() - make_interval(secs => $2)
GROUP BY campaign
"""
_SWEEP = """
DELETE FROM campaign_spend WHERE began < clock_timestamp() - make_interval(secs => 2 * $1::float8)
"""

HOUR = MINUTE * MINUTES


class SpendShare:
    """Keeps a node's book and those of the others together."""

    def __init__(
        self,
        database: Database,
        book: SpendBook,
        *,
        now: Callable[[], float] = time.monotonic,
        every: float = SHARE_SECONDS,
    ) -> None:
        """`now` is the clock of the book."""
        self._database = database
        self._book = book
        self._now = now
        self._every = every
        self._run = uuid.uuid4().hex
        self._swept = now()
        self._task: asyncio.Task[None] | None = None
        book.is_shared = True

    def start(self) -> None:
        """Begin to tell and to hear."""
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="spend")

    async def close(self) -> None:
        """Tell the last, and stop; before the database is closed."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self.share()

    async def share(self) -> bool:
        """Tell what is new and hear what the others have spent; False: the database is away."""
        now = self._now()
        news = self._book.news(now, most=MAX_AT_ONCE)
        try:
            others = await self._database.run(
                lambda connection: self._exchange(connection, news, now), within=WRITE_SECONDS
            )
        except DatabaseAway as error:
            logger.debug("what was spent waits for the database: %s", error)
            self._book.tell_again(news)
            return False
        self._book.hear(others, now)
        return True

    async def _keep(self) -> None:
        while True:
            if self._book.is_watching:
                await self.share()
                await self._sweep()
            await asyncio.sleep(self._every)

    async def _exchange(
        self, connection: Connection, news: list[Spent], now: float
    ) -> Mapping[str, Decimal]:
        if news:
            await connection.execute(
                _PUT,
                self._run,
                [one.campaign for one in news],
                [one.minute for one in news],
                [one.amount for one in news],
                [now - one.minute * MINUTE for one in news],
            )
        rows = await connection.fetch(_OTHERS, self._run, HOUR)
        return {row["campaign"]: row["amount"] for row in rows}

    async def _sweep(self) -> None:
        if self._now() - self._swept < SWEEP_SECONDS:
            return
        self._swept = self._now()
        with suppress(DatabaseAway):
            await self._database.run(
                lambda connection: connection.execute(_SWEEP, HOUR), within=WRITE_SECONDS
            )
