"""Rows that are written behind: whoever has one goes on at once, the database gets it soon.

While the database is away rows wait, up to a bound; beyond it the oldest are given up and counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from softswitch.store.postgres.errors import DatabaseAway

if TYPE_CHECKING:
    from softswitch.store.postgres.database import Connection, Database

logger = logging.getLogger(__name__)

__all__ = ["Behind"]

T = TypeVar("T")

MAX_WAITING = 100_000
"""Rows that wait for the database, about 30 MB."""
MAX_BATCH = 1000
"""Rows of one transaction."""
GATHER_SECONDS = 0.2
"""How long a row waits for company."""
PAUSE_SECONDS = 1.0
"""Before the next attempt while the database is away."""
WRITE_SECONDS = 5.0


class Behind(Generic[T]):
    """Writes rows in batches with `insert`."""

    def __init__(
        self,
        database: Database,
        insert: Callable[[Connection, Sequence[T]], Awaitable[None]],
        what: str,
    ) -> None:
        self._database = database
        self._insert = insert
        self._what = what
        self._rows: deque[T] = deque()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0
        """Rows given up."""

    @property
    def waiting(self) -> int:
        """Rows not written yet."""
        return len(self._rows)

    @property
    def rows(self) -> tuple[T, ...]:
        """Rows not written yet, the oldest first."""
        return tuple(self._rows)

    def put(self, row: T) -> None:
        """Have a row written."""
        if len(self._rows) >= MAX_WAITING:
            self._rows.popleft()
            if not self.lost:
                logger.warning("%s wait for the database: the oldest are given up", self._what)
            self.lost += 1
        self._rows.append(row)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            pause = GATHER_SECONDS
            while self._rows:
                await asyncio.sleep(pause)
                pause = GATHER_SECONDS if await self._write_batch() else PAUSE_SECONDS
        finally:
            self._task = None

    async def _write_batch(self) -> bool:
        batch = [self._rows.popleft() for _ in range(min(MAX_BATCH, len(self._rows)))]
        try:
            await self._database.run(
                lambda connection: self._insert(connection, batch), within=WRITE_SECONDS
            )
        except (DatabaseAway, asyncio.CancelledError) as error:
            self._rows.extendleft(batch[::-1])
            if isinstance(error, asyncio.CancelledError):
                raise
            return False
        return True

    async def close(self) -> None:
        """Write what waits if the database is up, then stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while self._rows and await self._write_batch():
            pass
