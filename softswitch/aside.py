"""Work that may never come to an end, in a thread that nobody waits for.

The threads of asyncio are waited for when the process ends; one that hangs in a file (a pipe that
nobody writes to, a disk of the network that is away) would keep the switch from stopping. Knows
nothing of the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

__all__ = ["Aside"]

T = TypeVar("T")


class Aside(Generic[T]):
    """One piece of work in a thread of its own, which ends with the process at latest."""

    def __init__(self, work: Callable[[], T], *, name: str) -> None:
        """Begin with it."""
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] = self._loop.create_future()
        self.is_over = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def result(self) -> T:
        """What comes of it; raises what it raises. Whoever is cancelled here leaves it alone."""
        return await self._future

    def _run(self) -> None:
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
            self._tell(partial(self._future.set_exception, error))
        else:
            self._tell(partial(self._future.set_result, result))

    def _tell(self, settle: Callable[[], None]) -> None:
        self.is_over = True
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._settle, settle)

    def _settle(self, settle: Callable[[], None]) -> None:
        if not self._future.done():
            settle()
