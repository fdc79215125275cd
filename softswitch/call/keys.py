"""The keys pressed on one leg that nobody has read yet.

A bounded queue and its one reader. It knows neither who presses nor who asks.
"""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["MAX_KEYS_WAITING", "Keys"]

MAX_KEYS_WAITING = 64
"""Keys pressed ahead of the question that takes them; more is noise, and the oldest go."""


class Keys:
    """Keys in the order in which they were pressed."""

    __slots__ = ("_closed", "_loop", "_pressed", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pressed: deque[str] = deque(maxlen=MAX_KEYS_WAITING)
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def __bool__(self) -> bool:
        """Whether a key waits to be read."""
        return bool(self._pressed)

    def press(self, digit: str) -> None:
        """A key was pressed."""
        self._pressed.append(digit)
        self._wake()

    def forget(self) -> None:
        """Drop the keys that nobody has read."""
        self._pressed.clear()

    async def next(self, within: float) -> str | None:
        """The next key, or None when none came within so many seconds, or can come any more."""
        if not self._pressed:
            try:
                async with asyncio.timeout(within):
                    await self.wait()
            except TimeoutError:
                return None
        return self._pressed.popleft() if self._pressed else None

    async def wait(self) -> None:
        """Wait until a key can be read, or none can come any more."""
        if self._pressed or self._closed:
            return
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            # The wait that a prompt's end has cancelled wakes after the next one has begun.
            if self._waiter is waiter:
                self._waiter = None

    def close(self) -> None:
        """The leg is over: nobody waits any more."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
