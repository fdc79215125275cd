"""Opens the configured database for a command that only reads, and leaves no trace of it.

An embedded server that is down is started, and stopped again unless somebody else uses it by then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from softswitch.store.postgres.database import EMBEDDED, Database
from softswitch.store.postgres.errors import DatabaseAway, DatabaseUnusable

if TYPE_CHECKING:
    from config.model import Configuration

logger = logging.getLogger(__name__)

__all__ = ["NoDatabase", "read_database", "with_database"]

T = TypeVar("T")

UP_SECONDS = 75.0
"""How long to wait for an embedded server that is starting: after a power cut it replays its log.
A database somewhere else is there, or it is away."""

CONNECTIONS = 2


class NoDatabase(Exception):
    """There is no database to read, and why, in a sentence."""

    def __init__(self, sentence: str, *, expected: bool = True) -> None:
        super().__init__(sentence)
        self.expected = expected
        """Whether there should be one: False before the first run of the switch."""


def read_database(configuration: Configuration, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the configured database, in a loop of its own; raises NoDatabase."""
    try:
        return asyncio.run(_alone(configuration, work))
    except KeyboardInterrupt:
        # What was started is stopped by now.
        raise NoDatabase("interrupted") from None


async def _alone(configuration: Configuration, work: Callable[[Database], Awaitable[T]]) -> T:
    """In a loop that is interrupted as a whole: what connections make of that is nobody's news."""
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: logger.debug("%s", context.get("message"))
    )
    return await with_database(configuration, work)


async def with_database(
    configuration: Configuration, work: Callable[[Database], Awaitable[T]]
) -> T:
    """Run `work` on the configured database; raises NoDatabase."""
    switch = configuration.switch
    if switch.database == "off":
        raise NoDatabase(
            "the configuration has no database (switch: database: off); "
            f"the records are in {switch.data / 'records.jsonl'}"
        )
    if switch.database == EMBEDDED and not (switch.data / "postgres").exists():
        raise NoDatabase(
            f"there is no database in {switch.data} yet: the first run of the switch makes it",
            expected=False,
        )
    # What the keeper logs about a database that is away is said here, in one sentence.
    log = logging.getLogger("softswitch.store")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        database = Database(switch.database, switch.data, node=False, max_connections=CONNECTIONS)
        return await _within(database, work)
    except (DatabaseAway, DatabaseUnusable) as error:
        raise NoDatabase(f"the database is away: {error}") from None
    finally:
        log.setLevel(level)


async def _within(database: Database, work: Callable[[Database], Awaitable[T]]) -> T:
    await database.start(wait=UP_SECONDS)
    try:
        return await work(database)
    finally:
        await database.close()
