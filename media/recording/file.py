"""A recording's file: written beside its name as NAME.part, whole under its name.

All methods may wait for the disk, so they are called in the writer's threads, and raise OSError.
What was written before an error stays a WAV file that can be heard. While a file is written it is
locked, so that the repair of another process that shares the folder leaves it alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from media import SAMPLE_RATE
from media.recording.jobs import SampleFormat
from media.recording.wave_header import (
    HEAD_BYTES,
    MAX_DATA_BYTES,
    format_of,
    frame_bytes,
    header,
    mended,
)

__all__ = [
    "PART",
    "FileGone",
    "FileTooLarge",
    "WaveFile",
    "hash_file",
    "seconds_of",
    "sync_folder",
    "write_clip",
]

PART = ".part"
MODE = 0o640
"""Conversations are for the operator and his group."""
SLICE_BYTES = 1 << 20


class FileTooLarge(OSError):
    """The sizes of a WAV file have no room for more."""

    def __init__(self) -> None:
        super().__init__("the recording is as long as a WAV file can be (4 GB)")


class FileGone(OSError):
    """Somebody has deleted or moved what is being written."""

    def __init__(self) -> None:
        super().__init__("its file was deleted or moved while it was written")


class WaveFile:
    """One file that grows."""

    def __init__(
        self,
        path: Path,
        sample_format: SampleFormat,
        *,
        write: Callable[[int, memoryview], int] = os.write,
        max_bytes: int = MAX_DATA_BYTES,
    ) -> None:
        """Create it, and its folder."""
        self.path = path
        self.sample_format = sample_format
        self.part = path.with_name(path.name + PART)
        self._write = write
        self._max_bytes = max_bytes
        self._header_bytes = len(header(sample_format))
        self._data_bytes = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self.part, flags, MODE)
        try:
            with contextlib.suppress(OSError):  # some network file systems have no locks
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write_all(header(sample_format))
        except OSError:
            self.discard()
            raise

    @property
    def frames(self) -> int:
        """Whole samples of both channels written."""
        return self._data_bytes // frame_bytes(self.sample_format)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / SAMPLE_RATE

    @property
    def is_there(self) -> bool:
        """Whether the file stands under the name that it is written by."""
        try:
            return os.path.samestat(os.stat(self.part), os.fstat(self._fd))
        except OSError:
            return False

    def append(self, data: bytes) -> None:
        """Write samples behind those there are; about once a second, so that the loss of a file is
        met then and not at the end of the call."""
        if not self.is_there:
            raise FileGone
        if self._data_bytes + len(data) > self._max_bytes:
            raise FileTooLarge
        self._data_bytes += self._write_all(data)

    def _write_all(self, data: bytes) -> int:
        """Write all; what an error leaves behind is counted before it is raised."""
        view = memoryview(data)
        done = 0
        try:
            while done < len(view):
                done += self._write(self._fd, view[done:])
        except OSError:
            if self._data_bytes or done > self._header_bytes:
                self._data_bytes += done
            raise
        return done

    def finish(self) -> tuple[str, int]:
        """Make it whole, safe on disk, and give it its name; its SHA-256 and size in bytes."""
        if not self.is_there:
            raise FileGone
        data = self.frames * frame_bytes(self.sample_format)
        size = self._header_bytes + data
        os.ftruncate(self._fd, size)
        os.pwrite(self._fd, header(self.sample_format, data), 0)
        os.fsync(self._fd)
        sha256 = hash_file(self._fd)
        os.rename(self.part, self.path)
        sync_folder(self.path.parent)
        self.close()
        return sha256, size

    def discard(self) -> None:
        """Delete it."""
        self.close()
        self.part.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of it as it is; twice is once."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def hash_file(fd: int) -> str:
    """SHA-256 of what is in a file."""
    digest = hashlib.sha256()
    position = 0
    while piece := os.pread(fd, SLICE_BYTES, position):
        digest.update(piece)
        position += len(piece)
    return digest.hexdigest()


def seconds_of(path: Path) -> float | None:
    """How long a recording is, finished or not; None when the file is none. Raises OSError."""
    with path.open("rb") as file:
        found = mended(file.read(HEAD_BYTES), os.fstat(file.fileno()).st_size)
    if found is None:
        return None
    head, whole = found
    return (whole - len(head)) / frame_bytes(format_of(head)) / SAMPLE_RATE


def sync_folder(folder: Path) -> None:
    """Have names that were given in a folder outlive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_clip(path: Path, sample_format: SampleFormat, data: bytes) -> None:
    """Write a short file in one go; when that fails there is none."""
    file = WaveFile(path, sample_format)
    try:
        file.append(data)
        file.finish()
    except OSError:
        file.discard()
        raise
