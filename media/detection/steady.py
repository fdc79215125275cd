"""Whether a tone carries a frame, so that there is no speech in it.

One tone of the bank or a pair has most of the energy, and has had as much in the frame before: a
voice's harmonics pass through the same frequencies, but do not stay.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.detection.bank import (
    DTMF_HIGH,
    DTMF_LOW,
    FAX_AND_SIT,
    FRAME,
    PROGRESS_TONES,
    QUIET,
    BankFrames,
)
from media.detection.slots import SlotState

__all__ = ["SteadyTones"]

_NEVER: Final = -(1 << 40)
_DIAL: Final = (0, 2)
"""350 and 440 Hz among the bank's tones of call progress."""
_LEAST_SHARE: Final = 0.7
"""Of the frame's energy."""
_MOST_CHANGE: Final = float(10 ** (2.2 / 10))
"""Of its power, from frame to frame: the beat of 440 and 480 Hz is within it."""
LEAST_FRAMES: Final = 4
"""In a row. Vowels of synthetic voices on a monotone last as long as three."""


class SteadyTones:
    """Follows what carries the frames of many legs."""

    def __init__(self) -> None:
        self._state = SlotState(
            last=(np.int64, _NEVER),
            power=(np.float32, 0.0),
            run=(np.int32, 0),
        )

    def grow(self, slots: int) -> None:
        """Have room for so many slots."""
        self._state.grow(slots)

    def reset(self, slots: int | NDArray[np.intp]) -> None:
        """Another leg has these slots."""
        self._state.reset(slots)

    def hear(
        self, slots: NDArray[np.intp], frames: BankFrames, positions: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """[M] whether a tone carries the frame."""
        tones = frames.tones
        progress = tones[PROGRESS_TONES]
        carried = tones[DTMF_LOW].max(axis=0)
        carried += tones[DTMF_HIGH].max(axis=0)
        np.maximum(carried, tones[FAX_AND_SIT].max(axis=0), out=carried)
        # Neighbours share what is between them, and are the pairs of ringback and busy.
        np.maximum(carried, (progress[1:] + progress[:-1]).max(axis=0), out=carried)
        np.maximum(carried, progress[_DIAL[0]] + progress[_DIAL[1]], out=carried)
        rows = np.flatnonzero((carried > _LEAST_SHARE * frames.power) & (frames.power > QUIET))
        steady = np.zeros(slots.size, np.bool_)
        if rows.size:
            steady[rows] = self._follow(slots[rows], positions[rows], frames.power[rows])
        return steady

    def _follow(
        self,
        at: NDArray[np.intp],
        positions: NDArray[np.int64],
        power: NDArray[np.float32],
    ) -> NDArray[np.bool_]:
        state = self._state
        before = np.maximum(state["power"][at], 1e-12)
        same = (power <= before * _MOST_CHANGE) & (power * _MOST_CHANGE >= before)
        same &= positions - state["last"][at] <= 3 * FRAME
        state["run"][at] = np.where(same, state["run"][at], 0) + 1
        state["last"][at] = positions
        state["power"][at] = power
        return np.asarray(state["run"][at] >= LEAST_FRAMES)
