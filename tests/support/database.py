"""A real PostgreSQL for tests: one embedded server a test process, a fresh database a test.

    def test_something(dsn: str) -> None: ...                # a database of its own, empty
    async def test_something(database: Database) -> None: ...  # the same, migrated and started

Both fixtures come from tests/conftest.py. `OwnServer` is for tests that stop and kill it. The
server's folder is a short one below the system's temporary folder; a server whose test process was
killed is stopped by the next one.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from softswitch.store.postgres.database import Database
from softswitch.store.postgres.errors import ServerError
from softswitch.store.postgres.supervisor import Supervisor

T = TypeVar("T")

PREFIX = "softswitch-tests-"
_numbers = itertools.count(1)


class OwnServer:
    """An embedded server with blocking verbs, usable from inside and outside of a loop."""

    def __init__(self, folder: Path | None = None) -> None:
        _sweep()
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.server = Supervisor(self.folder / "postgres", durable=False)

    def start(self) -> None:
        """Start it, or attach."""
        self.server.start()

    def stop(self) -> None:
        """Stop it in an orderly way; it can be started again."""
        self.server.stop()

    def dsn(self) -> str:
        """A connection string of a new, empty database."""
        name = f"test_{next(_numbers)}"
        in_thread(self._create(name))
        return f"postgresql://softswitch@/{name}?host={self.server.address['host']}"

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _create(self, name: str) -> None:
        connection = await asyncpg.connect(**self.server.address)
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        finally:
            await connection.close()


def in_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own, whatever loop runs here."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            errors.append(error)

    thread = threading.Thread(target=run, name="database for tests")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _sweep() -> None:
    """Stop servers whose test process is dead."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            with suppress(ServerError):  # another test process was quicker
                Supervisor(folder / "postgres", durable=False).stop()
            shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=1)
def shared_server() -> OwnServer:
    """The server of this test process, stopped when it ends."""
    server = OwnServer()
    server.start()
    atexit.register(server.close)
    return server


def fresh_dsn() -> str:
    """A connection string of a new, empty database on the shared server."""
    return shared_server().dsn()


@pytest.fixture
def dsn() -> str:
    """A new, empty database."""
    return fresh_dsn()


@pytest.fixture
async def database(dsn: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A new database, migrated and up."""
    database = Database(dsn, tmp_path)
    await database.start()
    assert database.up, database.reason
    yield database
    await database.close()
