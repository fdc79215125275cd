"""What the writer is told, and what it tells: plain values between the loop and its threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from media.recording.blocks import Block

__all__ = [
    "Begin",
    "ClipDone",
    "Cut",
    "Discarded",
    "Failed",
    "Finish",
    "Forget",
    "Job",
    "Outcome",
    "Play",
    "Record",
    "Remember",
    "SampleFormat",
    "Saved",
    "Sound",
    "Stop",
    "StopPlaying",
]

SampleFormat = Literal["pcm", "ulaw"]


@dataclass(frozen=True, slots=True)
class Begin:
    """A tape begins: the sound of one call."""

    tape: int
    zero_ns: int
    """Monotonic time of its first sample."""
    history_seconds: float
    """How much of what is past clips may still want; 0: no clips."""
    call: str = ""
    """What the log calls it."""


@dataclass(frozen=True, slots=True)
class Remember:
    """Clips may want so much of what is past from now on."""

    tape: int
    history_seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """From here on the tape is written to a file, until Finish."""

    tape: int
    path: Path
    from_ns: int
    sample_format: SampleFormat
    minimum_seconds: float
    """A shorter file is deleted at the end."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What was heard. All that was heard before `until_ns` is in by now."""

    tape: int
    until_ns: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Play:
    """Something began to play to the caller, in place of what played."""

    tape: int
    at_ns: int
    ulaw: bytes
    repeat: bool


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """What played was cut."""

    tape: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The legs are over: the file is closed, and clips that wait get what there is. With `failed`
    only the file is over; it is kept, and told with this reason."""

    tape: int
    at_ns: int
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """The file is over and kept; the tape goes on, and may be written to another one."""

    tape: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Write a stretch of the tape to a file of its own, as soon as the tape has come past it."""

    tape: int
    cut: int
    path: Path
    start_ns: int
    end_ns: int
    sample_format: SampleFormat


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing more will be wanted of the tape."""

    tape: int


Job = Begin | Remember | Record | Sound | Play | StopPlaying | Stop | Finish | Cut | Forget


@dataclass(frozen=True, slots=True)
class Saved:
    """The file is whole and on disk."""

    tape: int
    sha256: str
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Discarded:
    """The file was too short and is gone."""

    tape: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The file has ended early; what was written is kept where `sha256` is given."""

    tape: int
    why: str
    sha256: str | None = None
    seconds: float = 0.0
    refused: bool = False
    """Whether the disk did not take it at all."""


@dataclass(frozen=True, slots=True)
class ClipDone:
    """A clip is on disk, or why not."""

    tape: int
    cut: int
    why: str = ""
    refused: bool = False
    """Whether the disk did not take it."""


Outcome = Saved | Discarded | Failed | ClipDone
