"""A block: frames of one leg as they were heard, about a second of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE

__all__ = ["FRAME", "LEFT", "RIGHT", "SAMPLE_NS", "Block"]

FRAME = 160
"""Samples of a frame: 20 ms at 8 kHz."""
SAMPLE_NS = 1_000_000_000 // SAMPLE_RATE
"""A sample's length; exact at 8 kHz."""
LEFT, RIGHT = 0, 1


@dataclass(frozen=True, slots=True)
class Block:
    """N frames of 160 samples of one source."""

    channel: int
    """LEFT or RIGHT."""
    source: int
    """Whose; another source on a channel is another time line."""
    frames: NDArray[np.int16]
    """[N, 160]."""
    positions: NDArray[np.int64]
    """[N] number of each frame's first sample on its sender's time line."""
    times_ns: NDArray[np.int64]
    """[N] monotonic time of each frame's first sample."""
