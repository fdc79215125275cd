"""What a crash left behind: recordings in the middle of being written are made whole files."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from media import SAMPLE_RATE
from media.recording.file import PART, sync_folder
from media.recording.wave_header import HEAD_BYTES, format_of, frame_bytes, mended

__all__ = ["Repaired", "repair_recordings"]

FOLDERS = 3
"""The last folders there are, one a day: a call that was going on when the switch fell began in one
of them. Years of recordings are not looked through at each start."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A file that can be heard again."""

    path: Path
    seconds: float


def repair_recordings(folder: Path) -> tuple[list[Repaired], list[tuple[Path, str]]]:
    """Mend the unfinished files in a folder of recordings; those mended, and those that cannot be,
    with the reason. Empty ones are deleted, those that somebody is writing are left alone."""
    repaired: list[Repaired] = []
    failed: list[tuple[Path, str]] = []
    try:
        parts = _parts(folder)
    except OSError as error:
        return [], [(folder, str(error))]
    for part in parts:
        try:
            mended_file = _repair(part)
        except (OSError, ValueError) as error:
            failed.append((part, str(error)))
            continue
        if mended_file is not None:
            repaired.append(mended_file)
    return repaired, failed


def _parts(folder: Path) -> list[Path]:
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
    os.rename(part, path)
    sync_folder(path.parent)
    return Repaired(path, (whole - len(head)) / frame_bytes(format_of(head)) / SAMPLE_RATE)
