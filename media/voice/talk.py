"""How long a leg talked, was silent, and talked while the other one did."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.voice.rows import FIRST_ROWS, grown

__all__ = ["NOBODY", "Talk", "TalkMeter"]

FRAME_SECONDS: Final = 0.02
NOBODY: Final = -1
"""In place of the other leg's slot."""


class Talk(NamedTuple):
    """Seconds of a leg."""

    talk: float
    silence: float
    double: float


class TalkMeter:
    """Counts frames of many legs in which somebody talks."""

    def __init__(self) -> None:
        self._partner = np.full(FIRST_ROWS, NOBODY, np.intp)
        """[rows] slot of the leg that each talks with."""
        self._talking = np.zeros(FIRST_ROWS, np.bool_)
        self._talk = np.zeros(FIRST_ROWS, np.int64)
        self._double = np.zeros(FIRST_ROWS, np.int64)

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self._partner = grown(self._partner, rows, NOBODY)
        self._talking = grown(self._talking, rows, False)
        self._talk = grown(self._talk, rows, 0)
        self._double = grown(self._double, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot; who talked with it talks with nobody."""
        self.part(slot)
        self._talking[slot] = False
        self._talk[slot] = self._double[slot] = 0

    def join(self, slot: int, other: int) -> None:
        """These two hear each other from now on."""
        if self._partner[slot] != other:
            self.part(slot)
            self.part(other)
            self._partner[slot], self._partner[other] = other, slot

    def part(self, slot: int) -> None:
        """This one talks with nobody."""
        other = self._partner[slot]
        if other != NOBODY:
            self._partner[slot] = self._partner[other] = NOBODY

    def hear(self, slots: NDArray[np.intp], voiced: NDArray[np.bool_]) -> None:
        """Count a frame of each leg."""
        self._talking[slots] = voiced
        loud = slots[voiced]
        if len(loud):
            other = self._partner[loud]
            self._talk[loud] += 1
            self._double[loud] += (other != NOBODY) & self._talking[other]

    def fall_silent(self, slot: int) -> None:
        """Nobody talks on this leg any more, though no frame has said so."""
        self._talking[slot] = False

    def measured(self, slot: int, frames: int) -> Talk:
        """What was counted of a leg that lasted so many frames, those never sent included."""
        talk, double = int(self._talk[slot]), int(self._double[slot])
        silence = max(frames - talk, 0)
        return Talk(*(round(n * FRAME_SECONDS, 2) for n in (talk, silence, double)))
