"""paused.json: what somebody has paused while the switch ran, so that it outlives it.

Written anew at each change, in one step, before anybody is told that it is in force. A file that
cannot be read keeps the switch from starting: whoever paused a buyer relies on it. Knows no calls
and no configuration: pauses of what is not there are kept.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import msgspec

from softswitch.campaign.pauses import Pause, Pauses

__all__ = ["PauseFile"]

NAME = "paused.json"


class PauseFile:
    """One for a data folder, which is locked by its owner."""

    def __init__(self, folder: Path) -> None:
        """Read the file; raises OSError, and ValueError when it is none of ours."""
        self._path = folder / NAME
        self.pauses = Pauses(self._read())

    def pause(self, pause: Pause) -> None:
        """Have something paused; on the disk when it returns. Raises OSError, and changes nothing
        then."""
        key = pause.campaign, pause.destination
        others = [one for one in self.pauses if (one.campaign, one.destination) != key]
        self._write([*others, pause])
        self.pauses.put(pause)

    def resume(self, campaign: str, destination: str) -> bool:
        """Have it paused no longer; False when it is not. Raises OSError."""
        if not self.pauses.has(campaign, destination):
            return False
        key = campaign, destination
        self._write([one for one in self.pauses if (one.campaign, one.destination) != key])
        self.pauses.remove(campaign, destination)
        return True

    def _read(self) -> list[Pause]:
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):
                # For the writer of a named pipe one would wait for ever.
                raise OSError(errno.EINVAL, "not a regular file", str(self._path))
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            return msgspec.json.decode(data, type=list[Pause])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{self._path} cannot be read: {error}") from None

    def _write(self, pauses: list[Pause]) -> None:
        fresh = self._path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            data = msgspec.json.encode(pauses)
            while data:
                data = data[os.write(fd, data) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(fresh, self._path)
