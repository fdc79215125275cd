"""An event loop whose clock is moved by hand.

Handles run as on any loop, descriptors are watched as on any loop; only `time` stands still until
`advance` moves it, from one timer to the next, so that half a minute of waiting passes in
milliseconds and every run is the same. It knows nothing of what runs on it.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Turns without rest are a loop that answers itself.
MAX_TURNS = 20_000


class HandClockLoop(asyncio.SelectorEventLoop):
    """Runs what is ready when told to, and lets time pass when told to."""

    def __init__(self) -> None:
        # Where the real clock is, which the media engine reads.
        self._now = time.monotonic()
        self._moments: list[float] = []
        self._scheduled_soon = 0
        self.complaints: list[dict[str, Any]] = []
        super().__init__()
        self.set_exception_handler(lambda _loop, context: self.complaints.append(context))

    def time(self) -> float:
        return self._now

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        self._scheduled_soon += 1
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        heapq.heappush(self._moments, when)
        return super().call_at(when, callback, *args, context=context)

    def settle(self) -> None:
        """Run until nothing is ready any more; no time passes."""
        self.run_until_complete(self._quiet())

    async def _quiet(self) -> None:
        for _ in range(MAX_TURNS):
            before = self._scheduled_soon
            await asyncio.sleep(0)
            # Two turns: what the selector reports is run in the turn after.
            await asyncio.sleep(0)
            if self._scheduled_soon - before == 2:
                return
        raise AssertionError("the loop does not come to rest")

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping at every timer on the way."""
        end = self._now + seconds
        self.settle()
        while self._moments and self._moments[0] <= end:
            self._now = max(self._now, heapq.heappop(self._moments))
            self.settle()
        self._now = end

    def jump(self, seconds: float) -> None:
        """Let time pass in one step, as on a machine that was stopped: all timers are late."""
        self._now += seconds
        self.settle()

    def wait_for(self, condition: Callable[[], bool], *, within: float = 5.0) -> None:
        """Wait in real time for something that other threads do."""
        end = time.monotonic() + within
        self.settle()
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.002)
            self.settle()
        self.settle()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that needs no time to pass."""
        return self.run_until_complete(work)
