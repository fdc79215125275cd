"""The timers of RFC 3261 (table 4 and section 17) and RFC 6026, and the one heap they all wait in.

A transaction has at most one timer running, a call starts about ten and lets hardly any of them
fire. So a cancelled timer stays in the heap, without its callback, until it is due or until the
dead outnumber the living: then the heap is built again in one sweep. It knows no clock: its user
says what time it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from math import ceil

T1 = 0.5  # estimate of the round trip time
T2 = 4.0  # longest interval between retransmissions of a non-INVITE request and of INVITE responses
T4 = 5.0  # longest time a message stays in the network

TIMER_A = T1  # INVITE request retransmitted, doubles (17.1.1.2)
TIMER_B = 64 * T1  # INVITE transaction times out (17.1.1.2)
TIMER_D = 64 * T1  # response retransmissions absorbed; "at least 32 seconds" (17.1.1.2)
TIMER_E = T1  # non-INVITE request retransmitted, doubles up to T2 (17.1.2.2)
TIMER_F = 64 * T1  # non-INVITE transaction times out (17.1.2.2)
TIMER_G = T1  # INVITE response retransmitted, doubles up to T2 (17.2.1)
TIMER_H = 64 * T1  # wait for the ACK (17.2.1)
TIMER_I = T4  # retransmitted ACKs absorbed (17.2.1)
TIMER_J = 64 * T1  # non-INVITE request retransmissions absorbed (17.2.2)
TIMER_K = T4  # response retransmissions absorbed (17.1.2.2)
TIMER_L = 64 * T1  # accepted INVITE request retransmissions absorbed (RFC 6026 section 7.1)
TIMER_M = 64 * T1  # further 2xx responses to an INVITE passed up (RFC 6026 section 7.2)

# What only lingers ends a little later, all of a moment together: the loop wakes once for them and
# not for each. The RFC asks for "at least" so long.
LINGER_GRAIN = 0.25

# Below this many dead timers a sweep costs more than it frees.
MIN_SWEEP = 256


class Timer:
    """One deadline; `callback` is None once it has fired or was cancelled."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback


class Timers:
    """All deadlines of one stack, soonest first."""

    __slots__ = ("_dead", "_heap", "_started")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._started = 0
        self._dead = 0

    def __len__(self) -> int:
        """Count the timers that are running."""
        return len(self._heap) - self._dead

    def start(self, when: float, callback: Callable[[], None]) -> Timer:
        """Have `callback` called once `when` has come; timers due together fire as started."""
        timer = Timer(callback)
        self._started += 1
        heapq.heappush(self._heap, (when, self._started, timer))
        return timer

    def start_lingering(self, when: float, callback: Callable[[], None]) -> Timer:
        """Have `callback` called at `when` or up to LINGER_GRAIN later, with others in one go."""
        return self.start(ceil(when / LINGER_GRAIN) * LINGER_GRAIN, callback)

    def cancel(self, timer: Timer) -> None:
        """Let the timer never fire; one that has fired or was cancelled may be cancelled again."""
        if timer.callback is None:
            return
        timer.callback = None
        self._dead += 1
        if self._dead >= MIN_SWEEP and self._dead * 2 > len(self._heap):
            self._sweep()

    def next_timeout(self) -> float | None:
        """Give the moment of the soonest running timer."""
        heap = self._heap
        while heap:
            soonest = heap[0]
            if soonest[2].callback is not None:
                return soonest[0]
            heapq.heappop(heap)
            self._dead -= 1
        return None

    def fire(self, now: float) -> None:
        """Call what is due at `now`, also what the callbacks start for that very moment."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            timer = heapq.heappop(heap)[2]
            callback = timer.callback
            if callback is None:
                self._dead -= 1
                continue
            timer.callback = None
            callback()

    def _sweep(self) -> None:
        # In place: `fire` may be walking the heap while a callback cancels.
        self._heap[:] = [entry for entry in self._heap if entry[2].callback is not None]
        heapq.heapify(self._heap)
        self._dead = 0
