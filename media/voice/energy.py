"""Voice by loudness: a frame well above the leg's own noise is taken for voice.

The noise is the least level of the last 1.5 to 3 seconds, kept as two minima that take turns, so
that speech, which pauses more often than that, does not raise it; and whatever is steady. Cheap and
always there; music and shots of noise count as voice, tones do not when the caller of `hear` leaves
them out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.voice.rows import FIRST_ROWS, grown

__all__ = ["SILENCE_DBFS", "EnergyActivity", "level_of"]

SILENCE_DBFS: Final = -100.0
"""Level of a frame of zeros: below the 16-bit grid."""
MINIMUM_NS: Final = 1_500_000_000
"""What one minimum covers: longer than any word or phrase without a gap."""
TURN_FRAMES: Final = 60
"""So many frames of those 75 must have come."""
STEADY_NS: Final = 300_000_000
STEADY_FRAMES: Final = 13
"""Of 15."""
STEADY_DB: Final = 5.0
"""What varies less for so long is noise too, however loud: nobody speaks without syllables. A vowel
that is held is taken for noise only until it falls."""
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
    level: NDArray[np.float32] = np.log10(power + np.float32(1e-10))
    level *= np.float32(10)
    return level


class EnergyActivity:
    """Noise and loudness of many legs."""

    def __init__(self) -> None:
        self.floor_db = np.full(FIRST_ROWS, FIRST_FLOOR_DBFS, np.float32)
        """[rows] noise of each leg."""
        self._smooth = self.floor_db.copy()
        self._least = self.floor_db.copy()
        self._low = self.floor_db.copy()
        self._high = self.floor_db.copy()
        self._heard = np.zeros(FIRST_ROWS, np.int32)
        """[rows] frames so far; at the last two kinds of looks:"""
        self._heard_at_turn = self._heard.copy()
        self._heard_at_look = self._heard.copy()
        self._turn_ns = 0
        self._look_ns = 0

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self.floor_db = grown(self.floor_db, rows, FIRST_FLOOR_DBFS)
        self._smooth = grown(self._smooth, rows, FIRST_FLOOR_DBFS)
        self._least = grown(self._least, rows, FIRST_FLOOR_DBFS)
        self._low = grown(self._low, rows, FIRST_FLOOR_DBFS)
        self._high = grown(self._high, rows, FIRST_FLOOR_DBFS)
        self._heard = grown(self._heard, rows, 0)
        self._heard_at_turn = grown(self._heard_at_turn, rows, 0)
        self._heard_at_look = grown(self._heard_at_look, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        for state in (self.floor_db, self._smooth, self._least, self._low, self._high):
            state[slot] = FIRST_FLOOR_DBFS
        self._heard_at_turn[slot] = self._heard_at_look[slot] = self._heard[slot]

    def turn(self, now_ns: int) -> None:
        """Look what is noise, when it is time; the clock is the caller's."""
        if now_ns - self._turn_ns >= MINIMUM_NS:
            self._turn_ns = now_ns
            # What hardly sent has not told its noise.
            told = self._heard - self._heard_at_turn >= TURN_FRAMES
            np.copyto(self.floor_db, np.minimum(self._least, self._smooth), where=told)
            np.copyto(self._least, self._smooth, where=told)
            self._heard_at_turn[:] = self._heard
        if now_ns - self._look_ns >= STEADY_NS:
            self._look_ns = now_ns
            steady = self._high - self._low < STEADY_DB
            steady &= self._heard - self._heard_at_look >= STEADY_FRAMES
            np.copyto(self.floor_db, self._low, where=steady)
            self._low[:] = self._high[:] = self._smooth
            self._heard_at_look[:] = self._heard

    def hear(self, slots: NDArray[np.intp], level_db: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely each frame is voice, 0 to 1, by its level. The noise is followed too."""
        # Two frames together: a single quiet one is no noise floor.
        smooth = self._smooth[slots]
        smooth += level_db
        smooth *= np.float32(0.5)
        self._smooth[slots] = smooth
        self._least[slots] = np.minimum(self._least[slots], smooth)
        self._heard[slots] += 1
        self._low[slots] = np.minimum(self._low[slots], smooth)
        self._high[slots] = np.maximum(self._high[slots], smooth)
        floor = np.minimum(self.floor_db[slots], smooth)
        self.floor_db[slots] = floor
        likely: NDArray[np.float32] = level_db - np.maximum(floor, np.float32(LEAST_FLOOR_DBFS))
        likely -= np.float32(DOUBT_DB)
        likely *= np.float32(1 / RANGE_DB)
        np.maximum(likely, np.float32(0), out=likely)
        np.minimum(likely, np.float32(1), out=likely)
        return likely
