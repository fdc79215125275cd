"""Voice by loudness: a frame well above the leg's own noise is taken for voice.

The noise is the least level of the last 1.5 to 3 seconds, kept as two minima that take turns, so
that speech, which pauses more often than that, does not raise it. Cheap and always there; music
and shots of noise count as voice, tones do not when the caller of `hear` leaves them out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.voice.rows import FIRST_ROWS, grown

__all__ = ["SILENCE_DBFS", "EnergyActivity", "level_of"]

SILENCE_DBFS: Final = -100.0
"""Level of a frame of zeros: below the 16-bit grid."""
MINIMUM_FRAMES: Final = 75
"""Frames that one minimum covers (1.5 s): longer than any word or phrase without a gap."""
FIRST_FLOOR_DBFS: Final = -50.0
"""Noise of a leg of which nothing is known: somebody who speaks at once is heard at once."""
LEAST_FLOOR_DBFS: Final = -60.0
"""A line quieter than that is taken to be as loud: whispers of the codec are no voice."""
DOUBT_DB: Final = 3.0
"""Less than this above the noise is noise for sure (its frames vary by one or two)."""
RANGE_DB: Final = 10.0
"""So much more is voice for sure; half of it is as likely as not."""


def level_of(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Levels in dB below full scale of mean squares."""
    return np.asarray(np.log10(power + np.float32(1e-10)) * np.float32(10), np.float32)


class EnergyActivity:
    """Noise and loudness of many legs."""

    def __init__(self) -> None:
        self.floor_db = np.full(FIRST_ROWS, FIRST_FLOOR_DBFS, np.float32)
        """[rows] noise level of each leg."""
        self._now_least = self.floor_db.copy()
        self._last_least = self.floor_db.copy()
        self._smooth = self.floor_db.copy()
        self._age = np.zeros(FIRST_ROWS, np.int16)

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self.floor_db = grown(self.floor_db, rows, FIRST_FLOOR_DBFS)
        self._now_least = grown(self._now_least, rows, FIRST_FLOOR_DBFS)
        self._last_least = grown(self._last_least, rows, FIRST_FLOOR_DBFS)
        self._smooth = grown(self._smooth, rows, FIRST_FLOOR_DBFS)
        self._age = grown(self._age, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        for state in (self.floor_db, self._now_least, self._last_least, self._smooth):
            state[slot] = FIRST_FLOOR_DBFS
        self._age[slot] = 0

    def hear(self, slots: NDArray[np.intp], level_db: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely each frame is voice, 0 to 1, by its level. The noise is followed too."""
        last = self._smooth[slots]
        # A fall is believed at once, a rise by halves: single quiet frames are no noise floor.
        smooth = (last + level_db) * np.float32(0.5)
        least = np.minimum(self._now_least[slots], smooth)
        age = self._age[slots] + np.int16(1)
        turn = age >= MINIMUM_FRAMES
        if turn.any():
            turned = slots[turn]
            self._last_least[turned] = least[turn]
            least[turn] = smooth[turn]
            age[turn] = 0
        floor = np.minimum(least, self._last_least[slots])
        self._smooth[slots] = smooth
        self._now_least[slots] = least
        self._age[slots] = age
        self.floor_db[slots] = floor
        above = level_db - np.maximum(floor, np.float32(LEAST_FLOOR_DBFS))
        likely = (above - np.float32(DOUBT_DB)) * np.float32(1 / RANGE_DB)
        return np.asarray(np.clip(likely, 0, 1), np.float32)
