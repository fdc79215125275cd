"""Reads records.jsonl while it grows: whole lines from a byte offset on, in bounded bites.

A place in the file is its offset together with a digest of the bytes before it: a file that was
rotated, truncated or replaced, even by a longer one, is told by it. Blocking; knows no database.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BEGINNING", "Bite", "Line", "LinesReader", "Place"]

MAX_LINE = 1 << 20
"""Bytes of a line; a record is a hundredth of it, so a longer one is no record."""

TAIL = 4096
"""Bytes before a place that its digest covers: at least one whole record, with its call's id."""


@dataclass(frozen=True, slots=True)
class Place:
    """Everything before `offset` has been read; `tail` is the digest of what stands there."""

    offset: int
    tail: bytes


BEGINNING = Place(0, hashlib.sha256(b"").digest())


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end, and where it begins."""

    offset: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Bite:
    """Whole lines, and the place behind them."""

    lines: tuple[Line, ...]
    end: Place
    too_long: int = 0
    """Bytes of a line that is too long to be a record; the place is within it, or behind it."""


class LinesReader:
    """One open file of lines; open until `close`, also when its name is given to another."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def size(self) -> int:
        """Its present length."""
        return os.fstat(self._fd).st_size

    def end(self) -> Place:
        """The place behind everything there is."""
        return self._place(self.size())

    def moved(self) -> bool:
        """Whether the name now belongs to another file, or to none."""
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except FileNotFoundError:
            return True

    def holds(self, place: Place) -> bool:
        """Whether a place was noted in this very file."""
        return self._place(place.offset) == place

    def read(self, place: Place, *, max_bytes: int, max_lines: int) -> Bite:
        """The next whole lines after a place, which must be one of this file."""
        data = os.pread(self._fd, max(max_bytes, MAX_LINE + 1), place.offset)
        if len(data) > MAX_LINE and data.find(b"\n", 0, MAX_LINE + 1) < 0:
            end = data.find(b"\n") + 1 or len(data)
            return Bite((), self._place(place.offset + end), too_long=end)
        lines: list[Line] = []
        start = 0
        while len(lines) < max_lines and start < max_bytes:
            end = data.find(b"\n", start)
            if end < 0:
                break
            lines.append(Line(place.offset + start, data[start:end]))
            start = end + 1
        return Bite(tuple(lines), self._place(place.offset + start) if lines else place)

    def _place(self, offset: int) -> Place:
        """An offset with its digest; an offset behind the end has that of a shorter text."""
        start = max(0, offset - TAIL)
        tail = os.pread(self._fd, offset - start, start)
        return Place(offset, hashlib.sha256(tail).digest())

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
