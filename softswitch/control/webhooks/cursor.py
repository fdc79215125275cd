"""A target's place in the spool: everything before it has been told.

One number in a file of its own, written over in place: 21 bytes, which no crash of the process can
tear. Lost or torn by the machine, it is found again as the oldest offset there is; what is told
twice then has the ids it had before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

__all__ = ["Cursor", "forget_others"]

DIGITS = 20
SUFFIX = ".place"


def _file_name(target: str) -> str:
    """A name may have any characters, and be longer than a file's."""
    return hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest()[:32] + SUFFIX


def forget_others(folder: Path, targets: Collection[str]) -> None:
    """Delete the places of targets that are no more."""
    kept = {_file_name(target) for target in targets}
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


class Cursor:
    """One target's; owns its descriptor until `close`."""

    def __init__(self, folder: Path, target: str, *, oldest: int, newest: int) -> None:
        """`newest`: where a target begins that was not there before. Raises OSError."""
        path = folder / _file_name(target)
        fresh = not path.exists()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        written = os.pread(self._fd, DIGITS, 0)
        if fresh:
            self.place = newest
        elif len(written) == DIGITS and written.isdigit():
            self.place = min(max(int(written), oldest), newest)
        else:
            self.place = oldest
        self._write()

    def move(self, place: int) -> None:
        """Everything before an offset has been told; raises OSError."""
        if place != self.place:
            self.place = place
            self._write()

    def _write(self) -> None:
        os.pwrite(self._fd, b"%0*d\n" % (DIGITS, self.place), 0)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
