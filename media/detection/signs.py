"""What the native detectors tell of a leg."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Sign", "SignKind"]


class SignKind(Enum):
    """What a sign is of."""

    KEY = "key"
    """Its name: it was pressed."""
    KEY_SOUNDS = "key sounds"
    """Its name: it is down, and was told."""
    FAX = "fax"
    """cng, ced or ansam."""
    PROGRESS = "progress"
    """ringback, busy, reorder, sit or silence."""
    BURST = "burst"
    """Of a cadence, over: how long it was and what was in it."""
    PAUSE = "pause"
    """Of a cadence, over: how long it was."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that was recognised in a frame."""

    slot: int
    kind: SignKind
    name: str
    milliseconds: float = 0.0
    shares: tuple[float, ...] = ()
    """Of a burst's energy, in each of the frequencies of cadences."""
