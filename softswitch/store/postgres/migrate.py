"""Brings a database to the present schema: the files of migrations/, in order, each once.

Any number of nodes may start at once: an advisory lock lets one of them work while the others wait.
Each file is one transaction together with the note that it was applied.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from importlib import resources

import asyncpg

from softswitch.store.postgres.errors import DatabaseUnusable

logger = logging.getLogger(__name__)

__all__ = ["Migration", "migrate", "migrations"]

LOCK = 0x736F667473776974
"""Key of the advisory lock: `softswit`."""

MIGRATE_SECONDS = 300.0
"""An index over years of calls takes minutes."""

NOTES = """
CREATE TABLE schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of migrations/."""

    version: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All that this version knows, in order."""
    folder = resources.files("softswitch.store.postgres").joinpath("migrations")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return tuple(
        Migration(int(file.name.split("_")[0]), file.name, file.read_text("utf-8"))
        for file in files
    )


async def migrate(
    connection: asyncpg.Connection[asyncpg.Record], known: tuple[Migration, ...]
) -> int:
    """Apply what is missing; how many were. Raises DatabaseUnusable when the database is newer than
    we are."""
    async with asyncio.timeout(MIGRATE_SECONDS), connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
            await connection.execute(NOTES)  # a right that is needed once only
        rows = await connection.fetch("SELECT version, name FROM schema_migrations")
        applied = {row["version"]: row["name"] for row in rows}
        _refuse_newer(applied, known)
        missing = [one for one in known if one.version not in applied]
        for one in missing:
            await _apply(connection, one)
    return len(missing)


def _refuse_newer(applied: dict[int, str], known: tuple[Migration, ...]) -> None:
    newest = max((one.version for one in known), default=0)
    unknown = [version for version in applied if version > newest]
    if unknown:
        raise DatabaseUnusable(
            f"the database is of a newer softswitch (migration {applied[max(unknown)]}, this one "
            f"knows {newest:04}): update this node"
        )


async def _apply(connection: asyncpg.Connection[asyncpg.Record], one: Migration) -> None:
    try:
        await connection.execute(one.sql)
    except (asyncpg.SyntaxOrAccessError, asyncpg.IntegrityConstraintViolationError) as error:
        raise DatabaseUnusable(f"the migration {one.name} failed: {error}") from None
    await connection.execute(
        "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", one.version, one.name
    )
    logger.info("the database took the migration %s", one.name)
