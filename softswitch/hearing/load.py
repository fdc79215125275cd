"""How busy the tick is, and how much of hearing it has time for: levels of overload.

Told how late each tick came and how long it took; owns no clock. The level rises when ticks take
too much of their time, or come late again and again; it falls, one by one, when all has been quiet
for a while.
"""

from __future__ import annotations

from bisect import bisect_left

from softswitch.hearing.stage import MAX_LEVEL

__all__ = ["LATE_BOUNDS_MS", "LATE_SECONDS", "TICK_SECONDS", "TickLoad"]

TICK_SECONDS = 0.02

LATE_SECONDS = 0.02
"""A tick this much behind its time is counted as late: one whole tick was missed."""

LATE_BOUNDS_MS = (5, 10, 20, 50, 100, 200, 500, 1000)
"""Upper ends of the classes in which delays are counted; one more class lies above them."""

WINDOW_TICKS = 25
"""Half a second: what is longer than a burst and short enough to act before a queue grows."""

MAX_SHARE = 0.5
"""Of its time that a tick may take on average: signalling runs on the same loop, and the relay's
events."""

QUIET_SHARE = 0.3
"""Above this a tick is not so idle that more could be heard: else levels would go up and down."""

MAX_LATE_IN_WINDOW = 5
"""One late tick is somebody's slow moment; every fifth in half a second is a machine that is
full."""

LATE_WINDOWS = 4
"""Ticks must come late for so many windows in a row, two seconds, before less is heard: what starts
beside the switch takes a core for a moment, and hearing less would not give it back."""

QUIET_SECONDS = 5.0
"""How long nothing may have been amiss before more is heard again."""


class TickLoad:
    """Counts of all ticks, and the level they call for."""

    def __init__(self) -> None:
        self.level = 0
        self.why = ""
        """What the level was last changed for."""
        self.ticks = 0
        self.late = 0
        self.delays = [0] * (len(LATE_BOUNDS_MS) + 1)
        """Ticks by how late they came: up to each of LATE_BOUNDS_MS, then beyond."""
        self.worst_seconds = 0.0
        self.worst_late_seconds = 0.0
        self.busy_seconds = 0.0
        self._window_ticks = 0
        self._window_busy = 0.0
        self._window_late = 0
        self._quiet_windows = 0
        self._late_windows = 0

    @property
    def mean_seconds(self) -> float:
        """What a tick takes on average, since the start."""
        return self.busy_seconds / self.ticks if self.ticks else 0.0

    def count(self, late: float, busy: float) -> bool:
        """Count a tick that came `late` and took `busy` seconds; whether the level has changed."""
        self.ticks += 1
        self.busy_seconds += busy
        self.worst_seconds = max(self.worst_seconds, busy)
        self.worst_late_seconds = max(self.worst_late_seconds, late)
        self.delays[bisect_left(LATE_BOUNDS_MS, late * 1000)] += 1
        self._window_busy += busy
        if late > LATE_SECONDS:
            self.late += 1
            self._window_late += 1
        self._window_ticks += 1
        return self._window_ticks >= WINDOW_TICKS and self._close_window()

    def _close_window(self) -> bool:
        share = self._window_busy / (self._window_ticks * TICK_SECONDS)
        late = self._window_late
        self._window_ticks = self._window_late = 0
        self._window_busy = 0.0
        if share > MAX_SHARE:
            return self._rise(f"ticks take {share:.0%} of their time")
        self._late_windows = self._late_windows + 1 if late >= MAX_LATE_IN_WINDOW else 0
        if self._late_windows >= LATE_WINDOWS:
            self._late_windows = 0
            return self._rise(f"ticks come late, {late} of the last {WINDOW_TICKS}")
        if self._late_windows:
            self._quiet_windows = 0
            return False
        return share <= QUIET_SHARE and self._rest()

    def _rise(self, why: str) -> bool:
        self._quiet_windows = 0
        if self.level == MAX_LEVEL:
            return False
        self.level += 1
        self.why = why
        return True

    def _rest(self) -> bool:
        self._quiet_windows += 1
        if not self.level or self._quiet_windows * WINDOW_TICKS * TICK_SECONDS < QUIET_SECONDS:
            return False
        self._quiet_windows = 0
        self.level -= 1
        self.why = f"quiet for {QUIET_SECONDS:g} s"
        return True
