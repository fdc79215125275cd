"""The database as the rooms above the wire see it: up or away, never an obstacle.

A keeper task connects, migrates, joins as a node, listens, and gives signs of life on that same
connection, which also finds out when the database is gone; then it begins anew, with growing
pauses. Work runs in transactions on a bounded pool, each with a deadline. Knows no table but the
node's.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg

from softswitch.store.postgres import connection as connections
from softswitch.store.postgres.connection import AWAY, LOST, RETRIED, Address, reason_of
from softswitch.store.postgres.errors import DatabaseAway, DatabaseUnusable, ServerError
from softswitch.store.postgres.migrate import migrate, migrations
from softswitch.store.postgres.node import BEAT_SECONDS, Node
from softswitch.store.postgres.server import EmbeddedServer

logger = logging.getLogger(__name__)

__all__ = ["EMBEDDED", "Connection", "Database"]

EMBEDDED = "embedded"

MAX_CONNECTIONS = 16
"""Connections of the pool. More than the database has cores gains nothing; this covers waits."""

MAX_WAITING = 2000
"""Transactions that run or wait for a connection; beyond it the database counts as away."""

MAX_TRIES = 3
"""How often a transaction is tried that others got in the way of."""

ANSWER_SECONDS = 5.0
"""A sign of life that is not answered within this: the connection is dead."""

FIRST_TRY_SECONDS = 10.0
"""How long a switch waits for the first attempt before it takes calls all the same."""

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0
"""Between attempts, doubling."""

ROLLBACK_SECONDS = 2.0
GOOD_BYE_SECONDS = 1.0

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

T = TypeVar("T")
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
"""What work gets: an asyncpg connection inside a transaction."""


class Database:
    """One PostgreSQL database, shared by any number of nodes."""

    def __init__(
        self,
        dsn: str,
        folder: Path,
        *,
        node: bool = True,
        max_connections: int = MAX_CONNECTIONS,
        server: EmbeddedServer | None = None,
    ) -> None:
        """`dsn` is a connection string or `embedded`; `folder` is the data folder. Without `node`,
        a program that only looks: it is nobody among the nodes. Raises DatabaseUnusable."""
        self.server = server or (EmbeddedServer(folder / "postgres") if dsn == EMBEDDED else None)
        self.node = Node.of_folder(folder) if node else Node("")
        self.reason = "it is not started"
        """Why it is away."""
        self._dsn = dsn
        self._joins = node
        self._max_connections = max_connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._waiting = 0
        self._closing = False
        self._keeper: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._stirred = asyncio.Event()
        """Set when the keeper should look after the connection now."""
        self._was_up = False
        self._unusable: DatabaseUnusable | None = None
        self._heard: dict[str, list[Callable[[str], None]]] = {}
        self._callbacks: list[Callable[[], Awaitable[None]]] = []
        self._due: list[Callable[[], Awaitable[None]]] = []
        self._resyncs: set[asyncio.Task[None]] = set()

    @property
    def up(self) -> bool:
        """Whether it answered a moment ago."""
        return self._pool is not None

    def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Have `heard` called with the payload of each notification.

        What is notified while the database is away is not heard: resync with `on_up`, to be said
        after this.
        """
        self._heard.setdefault(channel, []).append(heard)
        self._stirred.set()

    def on_up(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Have a coroutine run after every (re)connect, when notifications are heard already."""
        self._callbacks.append(callback)
        self._due.append(callback)
        self._stirred.set()

    async def start(self, *, wait: float = FIRST_TRY_SECONDS) -> None:
        """Begin to keep a connection; a database that is away is waited for in the background.

        Returns when the first attempt has ended, or after `wait` seconds.

        Raises DatabaseUnusable when trying again would not help.
        """
        self.reason = "it does not answer yet"
        self._keeper = asyncio.create_task(self._keep(), name="database")
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._tried.wait()
        if self._unusable is not None:
            await self.close()
            raise self._unusable

    async def close(self) -> None:
        """Leave the nodes, close the connections, let the embedded server go."""
        self._closing = True
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        self.reason = "it is closed"
        if self.server is not None:
            try:
                await self.server.stop()
            except ServerError as error:
                logger.warning("%s", error)
            self.server.close()

    # Work.

    async def run(self, work: Callable[[Connection], Awaitable[T]], *, within: float) -> T:
        """Run `work` in one transaction; raises DatabaseAway when that cannot be done in time.

        Work may be run again when transactions got in each other's way. After DatabaseAway it is
        not done, but for a connection lost during the commit: then it is not known.
        """
        if self._pool is None:
            raise DatabaseAway(self.reason)
        if self._waiting >= MAX_WAITING:
            raise DatabaseAway(f"{MAX_WAITING} transactions wait for it")
        self._waiting += 1
        try:
            async with asyncio.timeout(within):
                return await _try(self._pool, work)
        except AWAY as error:
            self._stirred.set()  # does it answer at all?
            raise DatabaseAway(reason_of(error)) from error
        finally:
            self._waiting -= 1

    # The keeper.

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._was_up = False
            try:
                await self._live()
            except DatabaseUnusable as error:
                self._away(str(error), error)
            except ServerError as error:
                self._away(str(error), DatabaseUnusable(str(error)) if error.lasting else None)
            except DatabaseAway as error:
                self._away(str(error))
            except LOST as error:
                self._away(reason_of(error))
            except asyncpg.PostgresError as error:  # a right that we lack, say
                self._away(reason_of(error), DatabaseUnusable(f"the database: {reason_of(error)}"))
            self._tried.set()
            if self._was_up:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))  # nodes do not come all at once
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def _away(self, reason: str, unusable: DatabaseUnusable | None = None) -> None:
        if reason != self.reason:
            logger.warning("the database is away: %s", reason)
        self.reason = reason
        self._unusable = unusable

    async def _live(self) -> None:
        """From one connect to the loss of the connection."""
        address = await self._address()
        connection = await connections.connect(address, application=f"softswitch {self.node.name}")
        connection.add_termination_listener(lambda _connection: self._stirred.set())
        try:
            listening = await self._prepare(connection)
            self._pool = await self._open_pool(address)
            self._unusable, self.reason, self._was_up = None, "it was lost", True
            logger.info("the database is up")
            self._tried.set()
            self._due = list(self._callbacks)
            await self._watch(connection, listening)
        finally:
            await self._take_down(connection)

    async def _address(self) -> Address:
        if self.server is None:
            return {"dsn": self._dsn}
        await self.server.start()
        return self.server.address

    async def _prepare(self, connection: asyncpg.Connection[asyncpg.Record]) -> set[str]:
        """Make the database fit and hear its notifications; the channels that are heard."""
        connections.check_server(connection)
        await migrate(connection, migrations())
        listening: set[str] = set()
        async with asyncio.timeout(ANSWER_SECONDS):
            if self._joins:
                await self.node.join(connection)
            await self._listen(connection, listening)
        return listening

    async def _listen(
        self, connection: asyncpg.Connection[asyncpg.Record], listening: set[str]
    ) -> None:
        for channel in self._heard.keys() - listening:
            await connection.add_listener(channel, self._on_notification)
            listening.add(channel)

    def _on_notification(self, _connection: Any, _pid: int, channel: str, payload: object) -> None:
        for heard in self._heard[channel]:
            heard(str(payload))

    async def _open_pool(self, address: Address) -> asyncpg.Pool[asyncpg.Record]:
        return await asyncpg.create_pool(
            **address,
            **connections.settings(f"softswitch {self.node.name}"),
            min_size=0,
            max_size=self._max_connections,
            # Work leaves nothing behind but what ends with its transaction.
            reset=_leave_as_it_is,
        )

    async def _watch(
        self, connection: asyncpg.Connection[asyncpg.Record], listening: set[str]
    ) -> None:
        """Look after a connection until it is lost; raises what it is lost by."""
        while True:
            self._stirred.clear()
            if connection.is_closed():
                raise DatabaseAway("the connection was lost")
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._listen(connection, listening)
                if not self._joins:
                    await connection.execute("SELECT 1")
                elif not await self.node.beat(connection):
                    raise DatabaseAway("this node was taken for dead")
            if not self._heard.keys() - listening:
                # Who came while the database was asked whether it lives is heard in the next round.
                due, self._due = self._due, []
                for callback in due:
                    self._resync(callback)
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._stirred.wait()

    async def _take_down(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        pool, self._pool = self._pool, None
        for task in self._resyncs:
            task.cancel()
        if self._closing and self._joins:
            await self._say_good_bye(connection)
        connection.terminate()
        if pool is not None:
            pool.terminate()

    async def _say_good_bye(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        with suppress(*LOST):
            async with asyncio.timeout(GOOD_BYE_SECONDS):
                await self.node.leave(connection)

    def _resync(self, callback: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(_call(callback), name="database resync")
        self._resyncs.add(task)
        task.add_done_callback(self._resyncs.discard)


async def _try(pool: asyncpg.Pool[asyncpg.Record], work: Callable[[Connection], Awaitable[T]]) -> T:
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            return await _transact(pool, work)
        except RETRIED as error:
            if not tries_left:
                raise DatabaseAway(reason_of(error)) from error
    raise AssertionError


async def _transact(
    pool: asyncpg.Pool[asyncpg.Record], work: Callable[[Connection], Awaitable[T]]
) -> T:
    try:
        connection = await pool.acquire()
    except asyncpg.InterfaceError as error:  # it was closed under us
        raise DatabaseAway(reason_of(error)) from None
    try:
        return await _commit(connection, work)
    except (asyncio.CancelledError, asyncpg.InternalClientError):
        _terminate(connection)  # whatever is still under way on it: nobody waits for that
        raise
    except asyncpg.InterfaceError as error:
        if not _is_gone(connection):
            raise
        raise DatabaseAway(reason_of(error)) from error
    finally:
        await pool.release(connection)


async def _commit(connection: Connection, work: Callable[[Connection], Awaitable[T]]) -> T:
    transaction = connection.transaction()
    await transaction.start()
    try:
        result = await work(connection)
    except Exception:
        try:
            async with asyncio.timeout(ROLLBACK_SECONDS):
                await transaction.rollback()
        except LOST:
            _terminate(connection)
        raise
    await transaction.commit()
    return result


def _is_gone(connection: Connection) -> bool:
    """Whether a connection was lost; the pool takes it back by itself then."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def _terminate(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # it was lost
        connection.terminate()


async def _call(callback: Callable[[], Awaitable[None]]) -> None:
    try:
        await callback()
    except DatabaseAway as error:
        logger.debug("a resync did not end: %s", error)


async def _leave_as_it_is(_connection: object) -> None:
    """What asyncpg does between two uses of a connection."""
