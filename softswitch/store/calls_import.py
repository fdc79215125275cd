"""Brings a whole file of records into the table of calls: to fill it, or to build it anew.

Doing it twice, or while the switch brings the same records in, doubles nothing. Calls that are not
in the file stay as they are: they may be another node's, or stand in a file that was rotated away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from softswitch.store.calls_lines import BEGINNING, Bite, LinesReader
from softswitch.store.calls_table import insert_lines, replace_lines
from softswitch.store.postgres.database import Connection, Database

__all__ = ["Imported", "import_records"]

MAX_BATCH_LINES = 1000
"""Lines in one transaction: of a second, at the pace of an import."""
MAX_BATCH_BYTES = 4 << 20
"""What is in memory of the file at a time."""

BATCH_SECONDS = 55.0
"""Nobody waits but the operator; the server gives a statement up after a minute."""


@dataclass(slots=True)
class Imported:
    """What came of it."""

    calls: int = 0
    """Calls put in: all of the file's when it replaces, else the new ones."""
    skipped: int = 0
    """Lines that hold no record."""
    lines: int = 0


async def import_records(
    database: Database, path: Path, *, node: str, replace: bool = False
) -> Imported:
    """Bring in every record of a file as it is now; raises DatabaseAway and OSError.

    With `replace`, calls that are there already become what the file says, and then get their
    corrections again.
    """
    reader = LinesReader(path)
    try:
        return await _import(database, reader, node, replace=replace)
    finally:
        reader.close()


async def _import(database: Database, reader: LinesReader, node: str, *, replace: bool) -> Imported:
    done = Imported()
    place, end = BEGINNING, reader.size()
    while place.offset < end:
        bite = await asyncio.to_thread(
            reader.read, place, max_bytes=MAX_BATCH_BYTES, max_lines=MAX_BATCH_LINES
        )
        if bite.end == place:
            break
        calls, refused = await _put(database, bite, node, replace=replace)
        done.calls += calls
        done.skipped += refused + bool(bite.too_long)
        done.lines += len(bite.lines)
        place = bite.end
    return done


async def _put(database: Database, bite: Bite, node: str, *, replace: bool) -> tuple[int, int]:
    async def work(connection: Connection) -> tuple[int, int]:
        if replace:
            return await replace_lines(connection, node, bite.lines)
        new, refused = await insert_lines(connection, node, bite.lines)
        return len(new), refused

    return await database.run(work, within=BATCH_SECONDS)
