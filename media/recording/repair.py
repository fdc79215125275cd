"""What a crash left behind: recordings in the middle of being written are made whole files, each
with its hash in a file beside it (`sha256sum -c` reads it), since no record has it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from media import SAMPLE_RATE
from media.recording.file import MODE, PART, hash_file, sync_folder
from media.recording.wave_header import HEAD_BYTES, format_of, frame_bytes, mended

__all__ = ["Repaired", "hash_beside", "repair_recordings", "unfinished_recordings"]

HASH = ".sha256"
MAX_HASH_BYTES = 1000
"""A hash and a name."""

FOLDERS = 3
"""The last folders there are, one a day: a call that was going on when the switch fell began in one
of them. Years of recordings are not looked through at each start."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A file that can be heard again."""

    path: Path
    seconds: float
    sha256: str


def repair_recordings(
    parts: Iterable[Path], *, stopped: Callable[[], bool] = lambda: False
) -> tuple[list[Repaired], list[tuple[Path, str]]]:
    """Mend unfinished files; those mended, and those that cannot be, with the reason. Empty ones
    are deleted, those that somebody is writing are left alone. Takes as long as it takes to read
    them; `stopped` is asked before each, and what is left then is left to the next start."""
    repaired: list[Repaired] = []
    failed: list[tuple[Path, str]] = []
    for part in parts:
        if stopped():
            break
        try:
            mended_file = _repair(part)
        except (OSError, ValueError) as error:
            failed.append((part, str(error)))
            continue
        if mended_file is not None:
            repaired.append(mended_file)
    return repaired, failed


def unfinished_recordings(folder: Path) -> list[Path]:
    """The unfinished files in a folder of recordings; raises OSError."""
    if not folder.exists():
        return []
    days = sorted(path for path in folder.iterdir() if path.is_dir())[-FOLDERS:]
    return sorted(path for day in days for path in day.iterdir() if path.name.endswith(PART))


def _repair(part: Path) -> Repaired | None:
    fd = os.open(part, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None  # it is being written
        return _mend(part, fd)
    finally:
        os.close(fd)


def _mend(part: Path, fd: int) -> Repaired | None:
    size = os.fstat(fd).st_size
    start = os.pread(fd, HEAD_BYTES, 0)
    found = mended(start, size)
    if not size or (found is not None and found[1] == len(found[0])):
        part.unlink()  # there is no sound in it
        return None
    if found is None:
        raise ValueError("it does not begin like a recording")
    head, whole = found
    os.ftruncate(fd, whole)
    os.pwrite(fd, head, 0)
    os.fsync(fd)
    path = part.with_name(part.name.removesuffix(PART))
    sha256 = hash_file(fd)
    _write_hash(path, sha256)
    os.rename(part, path)
    sync_folder(path.parent)
    seconds = (whole - len(head)) / frame_bytes(format_of(head)) / SAMPLE_RATE
    return Repaired(path, seconds, sha256)


def _write_hash(path: Path, sha256: str) -> None:
    """Before the file has its name: when that is cut off too, the next start does both again."""
    beside = _beside(path)
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(beside, flags, MODE), "w") as file:
        file.write(f"{sha256}  {path.name}\n")
        file.flush()
        os.fsync(file.fileno())


def hash_beside(path: Path) -> str | None:
    """The hash that a mended recording was left with; None where there is none."""
    try:
        with _beside(path).open("rb") as file:
            words = file.read(MAX_HASH_BYTES).decode("ascii", "replace").split()
    except OSError:
        return None
    return words[0] if words else None


def _beside(path: Path) -> Path:
    return path.with_name(path.name + HASH)
