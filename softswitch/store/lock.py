"""The data folder belongs to one switch at a time.

flock(2) on a file in it: the kernel lets go of the lock when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["DataFolderError", "DataFolderLock"]


class DataFolderError(Exception):
    """The data folder cannot be used; the text says why, for an operator."""


class DataFolderLock:
    """Holds a data folder from construction to `close`."""

    def __init__(self, folder: Path) -> None:
        """Create the folder if it is missing and lock it; raises DataFolderError."""
        path = folder / "lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            where = error.filename or folder
            raise DataFolderError(f"data folder {where}: {error.strerror}") from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise DataFolderError(
                f"data folder {folder} is in use by another switch (pid {holder or 'unknown'})"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the folder go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
