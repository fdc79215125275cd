"""State arrays of one row a leg: grown by doubling, so that a slot is an index and nothing else."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_ROWS", "grown"]

FIRST_ROWS = 64
"""Rows before the first growth: a quiet node never grows."""

T = TypeVar("T", bound=np.generic)


def grown(array: NDArray[T], rows: int, fill: Any) -> NDArray[T]:
    """A copy with so many rows; the new ones hold `fill`."""
    larger = np.full((rows, *array.shape[1:]), fill, array.dtype)
    larger[: len(array)] = array
    return larger
