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
    """Counts frames of many legs."""

    def __init__(self) -> None:
        self.partner = np.full(FIRST_ROWS, NOBODY, np.intp)
        """[rows] slot of the leg that each talks with."""
        self._talk = np.zeros(FIRST_ROWS, np.int64)
        self._all = np.zeros(FIRST_ROWS, np.int64)
        self._double = np.zeros(FIRST_ROWS, np.int64)

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self.partner = grown(self.partner, rows, NOBODY)
        self._talk = grown(self._talk, rows, 0)
        self._all = grown(self._all, rows, 0)
        self._double = grown(self._double, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot; who talked with it talks with nobody."""
        self.part(slot)
        self._talk[slot] = self._all[slot] = self._double[slot] = 0

    def join(self, slot: int, other: int) -> None:
        """These two hear each other from now on."""
        if self.partner[slot] != other:
            self.part(slot)
            self.part(other)
            self.partner[slot], self.partner[other] = other, slot

    def part(self, slot: int) -> None:
        """This one talks with nobody."""
        other = self.partner[slot]
        if other != NOBODY:
            self.partner[slot] = self.partner[other] = NOBODY

    def hear(
        self,
        slots: NDArray[np.intp],
        voiced: NDArray[np.bool_],
        talking: NDArray[np.bool_],
        skipped: NDArray[np.int64],
    ) -> None:
        """Count a frame; `talking` is [rows], who talks now. What was never sent was silence."""
        self._all[slots] += skipped + 1
        loud = slots[voiced]
        if len(loud):
            other = self.partner[loud]
            self._talk[loud] += 1
            self._double[loud] += (other != NOBODY) & talking[other]

    def measured(self, slot: int) -> Talk:
        """What was counted of a leg."""
        talk, double = int(self._talk[slot]), int(self._double[slot])
        silence = int(self._all[slot]) - talk
        return Talk(*(round(n * FRAME_SECONDS, 2) for n in (talk, silence, double)))
