"""The embedded PostgreSQL for programs with an event loop: its supervisor in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from softswitch.store.postgres.supervisor import Supervisor

__all__ = ["EmbeddedServer"]


class EmbeddedServer:
    """Keeps the server of one folder running between `start` and `stop`."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable` False: quicker, and lost at a power cut; for tests."""
        self._supervisor = Supervisor(folder, durable=durable)
        self._thread = ThreadPoolExecutor(1, "postgres-supervisor")

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._supervisor.pid is not None

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it does not run."""
        return self._supervisor.pid

    @property
    def address(self) -> dict[str, Any]:
        """Arguments for asyncpg.connect; valid between `start` and `stop`."""
        return self._supervisor.address

    async def start(self) -> None:
        """Start the server or attach to one that runs; nothing when we have it. Raises
        ServerError."""
        self._supervisor.given_up.clear()
        await self._in_thread(self._supervisor.start)

    async def stop(self) -> None:
        """Let it go, and stop it if nobody else uses it; raises ServerError."""
        self._supervisor.given_up.set()
        await self._in_thread(self._supervisor.stop)

    async def _in_thread(self, function: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def close(self) -> None:
        """End the thread, after `stop`."""
        self._thread.shutdown(wait=False)
