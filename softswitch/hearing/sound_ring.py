"""The last seconds of the legs whose speech is recognised: one row of an array a leg."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softswitch.hearing.heard import FRAME

__all__ = ["RING_FRAMES", "SoundRing"]

RING_FRAMES = 768
"""15.4 s a leg, a quarter of a megabyte: more than the longest window."""
FIRST_ROWS = 4
FRAME_NS = 20_000_000


class SoundRing:
    """Frames of many legs, oldest overwritten first."""

    def __init__(self) -> None:
        self._sound = np.zeros((FIRST_ROWS, RING_FRAMES, FRAME), np.int16)
        self._times = np.zeros((FIRST_ROWS, RING_FRAMES), np.int64)
        self._written = np.zeros(FIRST_ROWS, np.int64)
        """[rows] frames since the row was taken."""
        self._free = list(range(FIRST_ROWS))

    def take_row(self) -> int:
        """An empty row."""
        if not self._free:
            rows = len(self._written)
            self._sound = np.concatenate([self._sound, np.zeros_like(self._sound)])
            self._times = np.concatenate([self._times, np.zeros_like(self._times)])
            self._written = np.concatenate([self._written, np.zeros_like(self._written)])
            self._free = list(range(rows, 2 * rows))
        row = self._free.pop()
        self._written[row] = 0
        return row

    def give_back(self, row: int) -> None:
        """Nobody needs the row any more."""
        self._free.append(row)

    def write(
        self, rows: NDArray[np.intp], samples: NDArray[np.int16], times_ns: NDArray[np.int64]
    ) -> None:
        """One frame of each of these rows; what was not sent before it is silence."""
        written = self._written[rows]
        last = self._times[rows, (written - 1) % RING_FRAMES]
        missing = (times_ns - last - FRAME_NS // 2) // FRAME_NS
        for place in np.flatnonzero((missing > 0) & (written > 0)):
            self._skip(int(rows[place]), int(missing[place]))
        places = self._written[rows] % RING_FRAMES
        self._sound[rows, places] = samples
        self._times[rows, places] = times_ns
        self._written[rows] += 1

    def cut(self, row: int, from_ns: int, to_ns: int) -> tuple[NDArray[np.int16], int]:
        """What was heard between two times, to whole frames, and when the first of them began;
        nothing when it is not there any more."""
        written = int(self._written[row])
        kept = min(written, RING_FRAMES)
        if kept == 0:
            return np.zeros(0, np.int16), from_ns
        places = np.arange(written - kept, written) % RING_FRAMES
        times = self._times[row, places]
        first, last = np.searchsorted(times, [from_ns - FRAME_NS // 2, to_ns - FRAME_NS // 2])
        if first >= last:
            return np.zeros(0, np.int16), from_ns
        return self._sound[row, places[first:last]].reshape(-1), int(times[first])

    def _skip(self, row: int, frames: int) -> None:
        frames = min(frames, RING_FRAMES)
        written = int(self._written[row])
        last = int(self._times[row, (written - 1) % RING_FRAMES])
        steps = np.arange(frames)
        places = (written + steps) % RING_FRAMES
        self._sound[row, places] = 0
        self._times[row, places] = last + (steps + 1) * FRAME_NS
        self._written[row] = written + frames
