"""A track: one channel of a tape, its frames laid where the wall clock says.

A sender's clock is never quite ours. Frames that follow one another are laid end to end, and where
that leads away from the wall clock a sample is put in or left out in a quiet place, at most one a
frame: nobody hears it, and two legs stay together for hours. A gap in the sender's own time stays
a gap. Knows no clock: it is told the times.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from media.g711 import Samples
from media.recording.blocks import FRAME, SAMPLE_NS, Block

__all__ = ["Track", "stretched"]

STEP = 320
"""Samples (40 ms) from which on a distance to the wall clock is no drift: the sender's delay or
clock has jumped, and the sound goes where it belongs at once."""
DEADBAND = 2
"""Samples that a run may be off before anything is done: a quarter of a millisecond."""

Piece = tuple[int, Samples]
"""Number of the first sample on the tape, and the samples."""


class Track:
    """Where the next sound of a channel goes."""

    __slots__ = ("_expected", "_source", "cursor")

    def __init__(self) -> None:
        self.cursor = 0
        """Sample of the tape behind the last one laid."""
        self._expected: int | None = None
        """The sender's position that would follow without a gap."""
        self._source: int | None = None

    def place(self, block: Block, zero_ns: int) -> Iterator[Piece]:
        """Lay a block; pieces never overlap and go forward only."""
        if block.source != self._source:
            self._source, self._expected = block.source, None
        due = (block.times_ns - zero_ns) / SAMPLE_NS
        breaks = np.flatnonzero(np.diff(block.positions) != FRAME) + 1
        for first, last in pairwise((0, *breaks.tolist(), len(due))):
            offsets = np.arange(last - first) * FRAME
            begin = float(np.mean(due[first:last] - offsets))
            run = block.frames[first:last].reshape(-1)
            piece = self._lay(begin, int(block.positions[first]), run)
            if len(piece[1]):
                yield piece

    def _lay(self, begin: float, position: int, run: Samples) -> Piece:
        follows = position == self._expected
        self._expected = position + len(run)
        ahead = begin - self.cursor
        if follows and abs(ahead) < STEP:
            start, run = self.cursor, _drifted(run, ahead)
        else:
            start = max(round(begin), self.cursor)
            run = run[start - round(begin) :]
        self.cursor = start + len(run)
        return start, run


def _drifted(run: Samples, ahead: float) -> Samples:
    """A run with its share of the drift put right: at most a sample a frame."""
    most = len(run) // FRAME
    change = max(-most, min(most, round(ahead)))
    if abs(change) < min(DEADBAND, most):
        return run
    return stretched(run, change)


def stretched(samples: Samples, change: int) -> Samples:
    """So many samples more, or less, spread evenly, each where the sound moves least."""
    count = abs(change)
    if not count:
        return samples
    span = (len(samples) - 1) // count
    moves = np.abs(np.diff(samples.astype(np.int32)))[: span * count].reshape(count, span)
    places = moves.argmin(axis=1) + np.arange(count) * span
    if change < 0:
        return np.delete(samples, places)
    between: NDArray[np.int32] = (
        samples[places].astype(np.int32) + samples[places + 1].astype(np.int32)
    ) // 2
    return np.insert(samples, places + 1, between.astype(np.int16))
