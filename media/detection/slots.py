"""State of many legs, one row a slot, that grows by doubling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["MAX_SLOTS", "SlotState", "size_for"]

MAX_SLOTS = 1 << 17
"""More legs than one process can have ports for; beyond it a slot number is a mistake."""
_FIRST_SIZE = 64


class SlotState:
    """Named arrays of one row a slot; a fresh row holds what each was declared with."""

    def __init__(self, width: int = 1, **columns: tuple[DTypeLike, Any]) -> None:
        """Each column is declared with its type and fresh value; those that are named `..._each`
        have `width` values a row."""
        self._columns = columns
        self._width = width
        self._size = 0
        self._arrays: dict[str, NDArray[Any]] = {}
        self.grow(_FIRST_SIZE)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def __len__(self) -> int:
        return self._size

    def grow(self, slots: int) -> None:
        """Have room for slots 0 to `slots` - 1; what is there stays."""
        if slots <= self._size:
            return
        size = size_for(slots)
        for name, (kind, fresh) in self._columns.items():
            shape = (size, self._width) if name.endswith("_each") else (size,)
            array = np.full(shape, fresh, kind)
            if self._size:
                array[: self._size] = self._arrays[name]
            self._arrays[name] = array
        self._size = size

    def reset(self, slots: int | NDArray[np.intp]) -> None:
        """Make these rows fresh."""
        for name, (_, fresh) in self._columns.items():
            self._arrays[name][slots] = fresh


def size_for(slots: int) -> int:
    """Rows to have for so many slots; raises ValueError beyond MAX_SLOTS."""
    if slots > MAX_SLOTS:
        raise ValueError(f"{slots} slots are more than {MAX_SLOTS}")
    return max(_FIRST_SIZE, 1 << (slots - 1).bit_length())
