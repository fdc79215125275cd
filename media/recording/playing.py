"""What is played to the caller, mixed into the channel it would be heard on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.g711 import ULAW_DECODE, Samples

__all__ = ["Playing", "mixed"]


@dataclass(slots=True)
class Playing:
    """One prompt on the tape."""

    start: int
    """Its first sample on the tape."""
    ulaw: NDArray[np.uint8]
    repeat: bool
    stop: int | None = None
    """Sample before which it was cut."""

    @property
    def end(self) -> int | None:
        """The sample behind its last one; None while nobody knows."""
        if self.repeat:
            return self.stop
        whole = self.start + len(self.ulaw)
        return whole if self.stop is None else min(whole, self.stop)

    def between(self, first: int, last: int) -> tuple[int, Samples]:
        """Its part of a stretch of the tape: where that begins, and its samples."""
        start = max(first, self.start)
        end = last if self.end is None else min(last, self.end)
        if end <= start or not len(self.ulaw):
            return start, np.empty(0, np.int16)
        places = np.arange(start - self.start, end - self.start)
        if self.repeat:
            places %= len(self.ulaw)
        return start, ULAW_DECODE[self.ulaw[places]]


def mixed(one: Samples, other: Samples) -> Samples:
    """Two sounds at once."""
    total = one.astype(np.int32) + other
    return np.asarray(np.clip(total, -32768, 32767), np.int16)
