"""A file of JSON lines that is only appended to.

One write(2) a batch of lines on an O_APPEND descriptor: what was written survives the death of the
process. A write that fails half way is taken back by truncation, so that a line is whole or
absent; a torn last line (the machine died) is cut when the file is opened. Files that people edit
may lack the end of their last line alone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["LineFile", "encode_line"]

CUT_BLOCK = 65536
"""Bytes looked at in one step when searching the last line end backwards."""


def encode_line(value: Any) -> bytes:
    """One JSON line; text that UTF-8 cannot hold (a peer's broken bytes) is written with `?`."""
    try:
        return msgspec.json.encode(value) + b"\n"
    except UnicodeEncodeError:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "replace") + b"\n"


class LineFile:
    """Appends whole lines; owns its descriptor until `close`."""

    def __init__(self, path: Path, *, keeps_whole_end: bool = False) -> None:
        """Open or create the file and cut a torn last line, but, if so wished, for one that only
        lacks its end; raises OSError."""
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            # Of a named pipe one would read for ever.
            self.close()
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        self.size = found.st_size
        self.unreadable = 0
        self._torn = False
        self._lacks_end = False
        self.cut_bytes = self._cut_torn_line(keeps_whole_end)

    def _cut_torn_line(self, keeps_whole_end: bool) -> int:
        whole = end = self.size
        while end > 0:
            start = max(0, end - CUT_BLOCK)
            place = os.pread(self._fd, end - start, start).rfind(b"\n")
            if place >= 0:
                whole = start + place + 1
                break
            end = whole = start
        cut = self.size - whole
        if keeps_whole_end and 0 < cut <= CUT_BLOCK:
            self._lacks_end = _object(os.pread(self._fd, cut, whole)) is not None
            if self._lacks_end:
                return 0
        if cut:
            os.ftruncate(self._fd, whole)
            self.size = whole
        return cut

    def append(self, data: bytes) -> None:
        """Append whole lines; raises OSError and leaves the file as it was."""
        if self._torn:
            self._take_back()
        if self._lacks_end:
            data = b"\n" + data
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:] if done else data)
        except OSError:
            if done:
                # Where not even that goes, nothing is written behind it before it does.
                self._torn = True
                with contextlib.suppress(OSError):
                    self._take_back()
            raise
        self._lacks_end = False
        self.size += done

    def _take_back(self) -> None:
        """Cut off what a failed write has left; raises OSError."""
        os.ftruncate(self._fd, self.size)
        self._torn = False

    def lines(self, start: int = 0) -> Iterator[dict[str, Any]]:
        """The JSON objects from a byte offset on; lines that are none are counted in
        `unreadable`."""
        self.unreadable = 0
        with open(self.path, "rb") as file:
            file.seek(start)
            for line in file:
                value = _object(line)
                if value is None:
                    self.unreadable += 1
                else:
                    yield value

    def sync(self) -> None:
        """Have what was appended outlive the machine, too; raises OSError."""
        os.fdatasync(self._fd)

    def touch(self) -> None:
        """Set the file's modification time to now: a sign of life."""
        os.utime(self._fd)

    def close(self) -> None:
        """Close the descriptor."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
