"""The beep of an answering machine: one tone of any frequency, then quiet.

ITU-T Q.23's keys, speech and music are none: a beep is a single steady sine from the first to the
last frame. Which machine it was is not known here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.detection.bank import FRAME, QUIET
from media.detection.slots import SlotState

__all__ = ["BeepDetector"]

_MS: Final = SAMPLE_RATE // 1000
_NEVER: Final = -(1 << 40)

LOWEST_HZ: Final = 390.0
HIGHEST_HZ: Final = 2120.0
SHORTEST: Final = 110 * _MS
"""Of 0.15 s that fall anywhere between frames, six whole ones; both ends may look like noise."""
LONGEST: Final = 2050 * _MS
_LEAST_SHARE: Final = 0.75
_MOST_DRIFT_HZ: Final = 20.0
_MOST_CHANGE: Final = float(10 ** (4 / 10))
"""Of its power, from frame to frame."""
_QUIETER: Final = float(10 ** (-8 / 10))
_UNTIL_QUIET: Final = 100 * _MS
"""It must be quiet so soon after the tone: one frame holds its end, a lost one comes on top."""
_BEGINNING: Final = 2
"""Frames after which a tone is what it is; the first may have been only half of one."""
_LEAST_HEARD: Final = 0.75
"""Share of its frames that must have been heard as its tone."""


class BeepDetector:
    """Finds beeps among frames of which the dominant tone is known."""

    def __init__(self) -> None:
        self._state = SlotState(
            start=(np.int64, _NEVER),
            last=(np.int64, _NEVER),
            frames=(np.int32, 0),
            frequency=(np.float32, 0.0),
            power=(np.float32, 0.0),
        )

    def grow(self, slots: int) -> None:
        """Have room for so many slots."""
        self._state.grow(slots)

    def reset(self, slots: int | NDArray[np.intp]) -> None:
        """Another leg has these slots."""
        self._state.reset(slots)

    def sounding(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether a tone sounds that may be one: its end is to be heard, however quiet."""
        return np.asarray(self._state["start"][slots] != _NEVER)

    def hear(
        self,
        slots: NDArray[np.intp],
        positions: NDArray[np.int64],
        power: NDArray[np.float32],
        frequency: NDArray[np.float32],
        share: NDArray[np.float32],
    ) -> NDArray[np.bool_]:
        """[C] whether a beep is over, and it is quiet. Frames that are missing are not given."""
        tone = (share >= _LEAST_SHARE) & (power > QUIET)
        tone &= (frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ)
        state = self._state
        tone = self._sound(slots, positions, power, frequency, tone)
        length = state["last"][slots] + FRAME - state["start"][slots]
        over = ~tone & (state["start"][slots] != _NEVER)
        right = over & (length >= SHORTEST) & (length <= LONGEST)
        right &= power <= _QUIETER * state["power"][slots]
        right &= state["frames"][slots] * FRAME >= _LEAST_HEARD * length
        late = positions - state["last"][slots] > _UNTIL_QUIET
        self.reset(slots[right | (over & late)])
        return np.asarray(right & ~late)

    def _sound(
        self,
        slots: NDArray[np.intp],
        positions: NDArray[np.int64],
        power: NDArray[np.float32],
        frequency: NDArray[np.float32],
        tone: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Go on with tones, and begin new ones: which they are. The frame in which a tone ends may
        hold a tone still, weaker or of a frequency that is not right: it is left out."""
        state = self._state
        change = power / np.maximum(state["power"][slots], 1e-12)
        same = np.abs(frequency - state["frequency"][slots]) <= _MOST_DRIFT_HZ
        same &= (change <= _MOST_CHANGE) & (change >= 1 / _MOST_CHANGE)
        recent = positions - state["last"][slots] <= _UNTIL_QUIET
        same &= recent
        sounds = tone & (same | ~recent | (state["frames"][slots] <= _BEGINNING))
        at, same = slots[sounds], same[sounds]
        state["start"][at] = np.where(same, state["start"][at], positions[sounds])
        state["frames"][at] = np.where(same, state["frames"][at], 0) + 1
        state["frequency"][at] = frequency[sounds]
        state["power"][at] = power[sounds]
        state["last"][at] = positions[sounds]
        return np.asarray(sounds)
