"""Strands: frames of the legs that are taped, gathered until about a second of them is handed over.

One row of an array a leg, so that a round of a tick is stored for all of them at once. Knows no
files and no events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.recording import Block
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard

__all__ = ["CAPACITY", "Strand", "Strands"]

CAPACITY = 64
"""Frames a leg; a second has 50, and a leg that catches up is handed over before its row is
full."""
FIRST_ROWS = 16
FRAME_NS = 20_000_000
NONE = -1


class Strand:
    """One leg on a channel of a tape."""

    __slots__ = ("channel", "ear", "leg", "row", "secret", "source")

    def __init__(self, ear: Ear, row: int, channel: int, source: int) -> None:
        self.ear = ear
        self.leg = ear.leg
        self.row = row
        self.channel = channel
        self.source = source
        self.secret = False
        """Whether a secret is being told on the leg."""


class Strands:
    """The rows of all of them."""

    def __init__(self) -> None:
        self._row_of: NDArray[np.intp] = np.full(FIRST_ROWS, NONE, np.intp)
        self._free = list(range(FIRST_ROWS))
        self._frames = np.zeros((FIRST_ROWS, CAPACITY, FRAME), np.int16)
        self._positions = np.zeros((FIRST_ROWS, CAPACITY), np.int64)
        self._times = np.zeros((FIRST_ROWS, CAPACITY), np.int64)
        self._counts = np.zeros(FIRST_ROWS, np.intp)
        self._muted = np.zeros(FIRST_ROWS, np.bool_)
        self._mute_until = np.zeros(FIRST_ROWS, np.int64)
        self._quiet: set[int] = set()
        """Rows that are, or were, muted: while there are none nobody looks."""
        self._opened = 0
        self.strands: dict[int, Strand] = {}
        """Those there are, by row."""

    def open(self, ear: Ear, channel: int) -> Strand:
        """Gather a leg's frames from now on."""
        if not self._free:
            self._grow()
        self.reserve(ear.slot)
        row = self._free.pop()
        self._opened += 1
        strand = Strand(ear, row, channel, self._opened)
        self._counts[row] = self._mute_until[row] = 0
        self._muted[row] = False
        self._row_of[ear.slot] = row
        self.strands[row] = strand
        return strand

    def reserve(self, slot: int) -> None:
        """A leg is heard, taped or not: frames of its slot will come by."""
        if slot >= len(self._row_of):
            more = np.full(max(len(self._row_of), slot + 1), NONE, np.intp)
            self._row_of = np.concatenate((self._row_of, more))

    def _grow(self) -> None:
        rows = len(self._counts)
        self._free = list(range(rows, 2 * rows))
        for name in ("_frames", "_positions", "_times", "_counts", "_muted", "_mute_until"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate((array, np.zeros_like(array))))

    def close(self, strand: Strand) -> Block | None:
        """Gather no more; what is left of it."""
        block = self.take(strand)
        self._row_of[strand.ear.slot] = NONE
        del self.strands[strand.row]
        self._quiet.discard(strand.row)
        self._free.append(strand.row)
        return block

    def take(self, strand: Strand) -> Block | None:
        """What was gathered since the last time."""
        row = strand.row
        count = int(self._counts[row])
        if not count:
            return None
        self._counts[row] = 0
        if not self._muted[row] and self._times[row, count - 1] >= self._mute_until[row]:
            self._quiet.discard(row)
        frames = self._frames[row, :count].copy()
        times = self._times[row, :count].copy()
        for begin, end in strand.leg.secret_spans:
            # Also what was heard so late that the secret was over by then.
            frames[(times + FRAME_NS > begin * 1e9) & (times < end * 1e9)] = 0
        positions = self._positions[row, :count].copy()
        return Block(strand.channel, strand.source, frames, positions, times)

    def hush(self, strand: Strand, muted: bool, *, until_ns: int = 0) -> None:
        """Take silence for what is said on a leg; `until_ns`: also later, for what was said before
        then."""
        row = strand.row
        self._muted[row] = muted
        self._mute_until[row] = max(until_ns, int(self._mute_until[row]))
        self._quiet.discard(row)
        if muted or self._mute_until[row]:
            self._quiet.add(row)

    def gather(self, heard: Heard) -> list[Strand]:
        """Store a round; the strands whose rows are full."""
        rows = self._row_of[heard.slots]
        samples, times, positions = heard.samples, heard.times_ns, heard.positions
        if len(self.strands) < len(rows) or rows.min() == NONE:
            picked = np.flatnonzero(rows != NONE)
            if not picked.size:
                return []
            rows = rows[picked]
            samples, times, positions = samples[picked], times[picked], positions[picked]
        counts = self._counts[rows]
        self._frames[rows, counts] = samples
        self._positions[rows, counts] = positions
        self._times[rows, counts] = times
        if self._quiet:
            hushed = self._muted[rows] | (times < self._mute_until[rows])
            self._frames[rows[hushed], counts[hushed]] = 0
        counts += 1
        self._counts[rows] = counts
        if counts.max() < CAPACITY:
            return []
        return [self.strands[int(row)] for row in rows[counts >= CAPACITY]]
