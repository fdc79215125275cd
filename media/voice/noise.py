"""A rise of the noise on a leg: from the level of its pauses, against what it was before."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.voice.rows import FIRST_ROWS, grown

__all__ = ["LOOKS_A_SECOND", "Rise", "RiseWatch"]

RISE_DB: Final = 15.0
"""From an office to a street."""
LOOKS_A_SECOND: Final = 5
"""How often the noise is looked at: it is made of seconds."""
LASTS: Final = 3 * LOOKS_A_SECOND
"""So many looks: somebody coughs for less."""
REST: Final = 60 * LOOKS_A_SECOND
"""A leg tells it once a minute at most."""
SETTLES: Final = 4 * LOOKS_A_SECOND
"""The first seconds say what there is, not what is more."""
LEAST_DBFS: Final = -65.0
"""Whatever is quieter counts as this: from digital silence to a quiet room is no rise."""
DRIFT_DB: Final = 0.05
"""What was before follows a slow rise by as much a look (15 dB in a minute)."""


class Rise(NamedTuple):
    """A rise on a leg."""

    slot: int
    level_db: float
    before_db: float


class RiseWatch:
    """Watches the noise of many legs."""

    def __init__(self) -> None:
        self._before = np.full(FIRST_ROWS, np.inf, np.float32)
        self._above = np.zeros(FIRST_ROWS, np.int32)
        self._wait = np.full(FIRST_ROWS, SETTLES, np.int32)

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self._before = grown(self._before, rows, np.inf)
        self._above = grown(self._above, rows, 0)
        self._wait = grown(self._wait, rows, SETTLES)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        self._before[slot] = np.inf
        self._above[slot] = 0
        self._wait[slot] = SETTLES

    def hear(self, slots: NDArray[np.intp], floor_db: NDArray[np.float32]) -> list[Rise]:
        """Look at the noise of these legs; returns the rises that are told now."""
        floor = np.maximum(floor_db, np.float32(LEAST_DBFS))
        before = self._before[slots]
        louder = floor >= before + np.float32(RISE_DB)
        above = np.where(louder, self._above[slots] + 1, 0)
        wait = np.maximum(self._wait[slots] - 1, 0)
        told = np.flatnonzero((above >= LASTS) & (wait == 0))
        rises = [Rise(int(slots[row]), float(floor[row]), float(before[row])) for row in told]
        # While a rise is on trial, what was before stands still.
        kept = np.where(louder, before, np.minimum(floor, before + np.float32(DRIFT_DB)))
        kept[told] = floor[told]
        above[told], wait[told] = 0, REST
        self._before[slots], self._above[slots], self._wait[slots] = kept, above, wait
        return rises
