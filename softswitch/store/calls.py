"""Brings records.jsonl into the table of calls, exactly once, while the switch runs.

A task of its own reads what was appended and puts it in by batches; how far it has come stands in
the database and moves in the same transaction, so that a crash on either side, at any moment, loses
and doubles nothing. A call never waits for it: records are on disk before it hears of them, and
while the database is away they wait there.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import asyncpg

from softswitch.store.calls_lines import BEGINNING, Bite, LinesReader, Place
from softswitch.store.calls_table import insert_lines, note_place, noted_place
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway

logger = logging.getLogger(__name__)

__all__ = ["CallWriter"]

MAX_BATCH_LINES = 100
"""Lines in one transaction."""
MAX_BATCH_BYTES = 512 << 10
"""What is in memory of the file, and what the loop handles in one turn: a millisecond or
two."""

GATHER_SECONDS = 0.1
"""How long a record waits for others to go with it."""

BUSY_LINES = 5
BUSY_GATHER_SECONDS = 0.5
"""The same when so many came together the last time: a batch costs a dozen turns of the loop,
however many records go with it."""

LOOK_SECONDS = 1.0
"""How often the file is looked at without being told; and the pause after a failure."""

BATCH_SECONDS = 10.0
DRAIN_SECONDS = 5.0
"""How long `close` tries to bring the last records in; the others follow at the next start."""


class CallWriter:
    """Follows one data folder's records.jsonl."""

    def __init__(self, database: Database, path: Path) -> None:
        self.written = 0
        """Calls put in."""
        self.skipped = 0
        """Lines that hold no record."""
        self.behind = 0
        """Bytes of the file that are not in the table, when it was looked at last."""
        self._database = database
        self._path = path
        self._reader: LinesReader | None = None
        self._place: Place | None = None
        self._told_moved = False
        self._complaint = ""
        self._busy = False
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the file."""
        self._database.on_up(self._on_up)
        self._task = asyncio.create_task(self._follow(), name="calls")

    def wake(self) -> None:
        """Say that a record was appended; cheap, and need not be said."""
        self._more.set()

    async def close(self) -> None:
        """Bring in what is there, as far as that goes in time, and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with suppress(TimeoutError, DatabaseAway, OSError, asyncpg.PostgresError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self._step():
                    pass
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _on_up(self) -> None:
        """After a crash of the server the place may be an earlier one: ask."""
        self._place = None
        self._more.set()

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._more.wait()
            self._more.clear()
            await asyncio.sleep(BUSY_GATHER_SECONDS if self._busy else GATHER_SECONDS)
            self._busy = False
            try:
                while await self._step():
                    pass
            except DatabaseAway:
                self._place = None  # perhaps the last batch is in, perhaps it is not
                await asyncio.sleep(LOOK_SECONDS)
            except (OSError, asyncpg.PostgresError) as error:
                self._complain(str(error))
                await asyncio.sleep(LOOK_SECONDS)
            else:
                self._complaint = ""

    def _complain(self, complaint: str) -> None:
        """Say what keeps records out of the table, once."""
        if complaint != self._complaint:
            self._complaint = complaint
            logger.error("records cannot be brought into the table of calls: %s", complaint)

    async def _step(self) -> bool:
        """Bring one batch in; whether there may be more. Raises DatabaseAway and OSError."""
        if not self._database.up or not self._open():
            return False
        if self._place is None:
            self._place = await self._database.run(self._find_place, within=BATCH_SECONDS)
        bite = await asyncio.to_thread(self._read, self._place)
        if bite is None:
            return False
        self._busy |= len(bite.lines) >= BUSY_LINES
        self._place = await self._put(self._place, bite)
        return True

    def _open(self) -> bool:
        if self._reader is None:
            with suppress(FileNotFoundError):
                self._reader = LinesReader(self._path)
        return self._reader is not None

    async def _find_place(self, connection: Connection) -> Place:
        """Where the last batch ended; the beginning when that was in another file."""
        assert self._reader is not None
        place = await noted_place(connection, self._database.node.id)
        if self._reader.holds(place):
            return place
        logger.warning(
            "%s is not the file that was read up to byte %d: it is read from its beginning; what "
            "was at the end of the other comes in with `softswitch records import`",
            self._path, place.offset,
        )  # fmt: skip
        await self._put_back(connection, place)
        return BEGINNING

    async def _put_back(self, connection: Connection, place: Place) -> None:
        await note_place(connection, self._database.node.id, place, BEGINNING, skipped=0)

    def _read(self, place: Place) -> Bite | None:
        """The next lines, None when there are none yet; in a thread."""
        reader = self._reader
        assert reader is not None
        self._tell_moved(reader)
        self.behind = reader.size() - place.offset
        if not reader.holds(place):  # it was truncated: have that found out
            self._place = None
            return None
        bite = reader.read(place, max_bytes=MAX_BATCH_BYTES, max_lines=MAX_BATCH_LINES)
        return None if bite.end == place else bite

    def _tell_moved(self, reader: LinesReader) -> None:
        if not self._told_moved and reader.moved():
            self._told_moved = True
            logger.warning(
                "%s was moved away: records go on into the moved file until the next start",
                self._path,
            )

    async def _put(self, place: Place, bite: Bite) -> Place | None:
        """One transaction: the records, and the place behind them. Where to go on from; None: ask
        the database."""
        node = self._database.node.id

        async def work(connection: Connection) -> tuple[int, int] | None:
            # Records and place are lost together when the server crashes, and read again.
            await connection.execute("SET LOCAL synchronous_commit = off")
            new, refused = await insert_lines(connection, node, bite.lines)
            skipped = refused + bool(bite.too_long)
            moved = await note_place(connection, node, place, bite.end, skipped=skipped)
            return (len(new), skipped) if moved else None

        done = await self._database.run(work, within=BATCH_SECONDS)
        if done is None:
            return None
        self.written += done[0]
        self.skipped += done[1]
        return bite.end
