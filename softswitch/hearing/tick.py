"""The tick: every 20 ms what the engine's taps collected is drained and handed to the listeners.

Ticks run while there are calls and stop when there are none. A tick that comes late is counted,
never made up for: the next one finds more frames. The relay does not notice any of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rtp.engine import Engine, TapBatch

__all__ = ["HearingTick", "TapListener"]

TICK_SECONDS = 0.02
LATE_SECONDS = 0.02
"""A tick this much behind its time is counted as late: one whole tick was missed."""

TapListener = Callable[[TapBatch], None]


class HearingTick:
    """Drains the taps of all legs in one go."""

    def __init__(self, loop: asyncio.AbstractEventLoop, engine: Engine) -> None:
        self._loop = loop
        self._engine = engine
        self._listeners: tuple[TapListener, ...] = ()
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._commands_wait = False
        self.ticks = 0
        self.late = 0
        self.entries = 0
        """Packets heard since the start."""

    def listen(self, listener: TapListener) -> None:
        """Hand every batch to one more listener."""
        self._listeners = (*self._listeners, listener)

    def kick_soon(self) -> bool:
        """Have the engine look at its commands in the next tick, which wakes it anyway; False when
        there is none."""
        self._commands_wait = self._handle is not None
        return self._commands_wait

    def start(self) -> None:
        """Begin to tick, if it does not yet."""
        if self._handle is None:
            self._due = self._loop.time() + TICK_SECONDS
            self._handle = self._loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Tick no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        now = self._loop.time()
        self.ticks += 1
        if now - self._due > LATE_SECONDS:
            self.late += 1
        if self._commands_wait:
            self._commands_wait = False
            self._engine.kick()
        batch = self._engine.drain_tap()
        if batch is not None:
            self.entries += len(batch.entries)
            for listener in self._listeners:
                listener(batch)
        self._due = max(self._due + TICK_SECONDS, now)
        self._handle = self._loop.call_at(self._due, self._tick)
