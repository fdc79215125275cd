"""What is done with a file when its sound is over, and with clips; each may wait for the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from media.recording.file import WaveFile, write_clip
from media.recording.jobs import (
    ClipDone,
    Discarded,
    Failed,
    Outcome,
    SampleFormat,
    Saved,
)

__all__ = ["Tell", "Work", "close_file", "reason", "save_clip"]

Work = Callable[[], None]
Tell = Callable[[Outcome], None]


def reason(error: OSError) -> str:
    """Why the disk refused, in the system's words."""
    return error.strerror or str(error)


def close_file(
    tell: Tell, tape: int, file: WaveFile, *, minimum_seconds: float, failed: str
) -> None:
    """Keep a file or delete it, and tell what became of it. `failed` says why it ended early."""
    try:
        tell(_close(tape, file, minimum_seconds, failed))
    except OSError as error:
        # The next start mends what is there.
        seconds = round(file.seconds, 3) if file.is_there else 0.0
        file.close()
        tell(Failed(tape, failed or reason(error), None, seconds))


def _close(tape: int, file: WaveFile, minimum_seconds: float, failed: str) -> Outcome:
    seconds = round(file.seconds, 3)
    if failed and not file.frames:
        file.discard()
        return Failed(tape, failed)
    if not failed and file.seconds < minimum_seconds:
        file.discard()
        return Discarded(tape, seconds)
    sha256, size = file.finish()
    if failed:
        return Failed(tape, failed, sha256, seconds)
    return Saved(tape, sha256, seconds, size)


def save_clip(
    tell: Tell, tape: int, cut: int, path: Path, sample_format: SampleFormat, data: bytes
) -> None:
    """Write a clip and tell of it."""
    try:
        write_clip(path, sample_format, data)
    except OSError as error:
        tell(ClipDone(tape, cut, reason(error), refused=True))
    else:
        tell(ClipDone(tape, cut))
