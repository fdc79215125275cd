"""What was heard in one round of a tick: one frame of 20 ms of many legs at once.

Arrays of one row a leg; each leg is there at most once in a round. Stages read them and leave them
as they are. What several stages need is computed once, when the first asks.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rtp.engine import frame_floats, frame_power

__all__ = ["FRAME", "Heard"]

FRAME = 160
"""Samples of a frame: 20 ms at 8 kHz."""


class Heard:
    """Frames of M legs."""

    def __init__(
        self,
        slots: NDArray[np.intp],
        samples: NDArray[np.int16],
        valid: NDArray[np.bool_],
        positions: NDArray[np.int64],
        times_ns: NDArray[np.int64],
        now_ns: int,
        level: int = 0,
    ) -> None:
        self.slots = slots
        """[M] the legs (Ear.slot)."""
        self.samples = samples
        """[M, 160] linear, zero where nothing arrived."""
        self.valid = valid
        """[M, 160] whether the sample arrived."""
        self.positions = positions
        """[M] number of the frame's first sample on the leg's timeline, in RTP time from its first
        packet on; a step of more than 160 is a gap in which nothing was sent."""
        self.times_ns = times_ns
        """[M] monotonic time of the frame's first sample, as steady as the clock of its sender."""
        self.now_ns = now_ns
        """Monotonic time of the tick."""
        self.level = level
        """Of overload: 0 when all can be heard; see `Stage.shed_at`."""
        # What stages say to those after them; None when the stage was left out.
        self.tonal: NDArray[np.bool_] | None = None
        """[M] whether a tone carries this frame: there is no speech in it."""
        self.beep: NDArray[np.bool_] | None = None
        """[M] whether a beep has ended in this frame, and it is quiet after it."""
        self.voiced: NDArray[np.bool_] | None = None
        """[M] whether somebody speaks."""
        self.speech_probability: NDArray[np.float32] | None = None
        """[M] 0 to 1."""

    @cached_property
    def whole(self) -> NDArray[np.bool_]:
        """[M] whether all of the frame arrived."""
        if self.valid.all():  # ten times as fast, and mostly so
            return np.ones(self.slots.size, np.bool_)
        return np.asarray(self.valid.all(axis=1))

    @cached_property
    def floats(self) -> NDArray[np.float32]:
        """[M, 160] samples in -1..1."""
        return self.samples.astype(np.float32) * np.float32(1 / 32768)

    def floats_of(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """[K, 160] those of some rows: most legs are silent, and nobody looks at them."""
        return frame_floats(self.samples, rows)

    @cached_property
    def power(self) -> NDArray[np.float32]:
        """[M] mean square of `floats`."""
        return frame_power(self.samples)
