"""What the loop knows of one call's tape: its strands, its recording, its clips; and how the call
is told what became of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from media.recording import Block, ClipDone, Discarded, Failed, Saved
from softswitch.call.end_hold import EndHold
from softswitch.call.events import (
    CallEvent,
    ClipSaved,
    RecordingDiscarded,
    RecordingFailed,
    RecordingSaved,
)
from softswitch.hearing.ear import Ear
from softswitch.hearing.strands import Strand

if TYPE_CHECKING:
    from softswitch.call.call import Call

__all__ = ["Clip", "TapedCall", "recordings_folder", "shown_path", "tell_clip", "tell_file"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clip:
    """One that is not on disk yet."""

    leg_id: str
    rule: str
    shown: str
    hold: EndHold


@dataclass(slots=True)
class TapedCall:
    """The tape of one call."""

    call: Call
    caller: str
    """The caller's leg, which is the left channel."""
    number: int
    """The writer's name of the tape."""
    history_seconds: float = 0.0
    """How much of what is past clips may want; 0: there are no clips."""
    right: str | None = None
    """The leg the caller is bridged to."""
    legs: set[str] = field(init=False)
    """Legs that are heard on it and not over."""
    ended_ns: int = 0
    """When the last of the legs was over."""
    strands: list[Strand] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    """Of strands that were closed since the last hand-over."""
    shown: str = ""
    """Path of the recording as it is told; empty when the call is not recorded."""
    hold: EndHold | None = None
    """Held while the recording is neither saved nor failed."""
    asked: set[str | None] = field(default_factory=set)
    """Legs whose recording somebody has paused; None: both."""
    clips: dict[int, Clip] = field(default_factory=dict)
    clip_count: int = 0
    files: int = 0
    """Recordings begun."""
    due: bool = False
    """Whether its sound is handed over regularly."""
    stopping: bool = False
    """Whether somebody has asked for the end of the recording that is being written."""
    finished: bool = False
    """Whether the writer was told that the legs are over."""

    def __post_init__(self) -> None:
        self.legs = {self.caller}

    @property
    def call_id(self) -> str:
        """Whose it is."""
        return self.call.call_id

    @property
    def recording(self) -> bool:
        """Whether a file is being written."""
        return self.hold is not None

    @property
    def wanted(self) -> bool:
        """Whether there is anything that more sound is for."""
        return not self.finished and (self.recording or self.history_seconds > 0)

    @property
    def settled(self) -> bool:
        """Whether nothing is to come from the writer any more."""
        return not self.recording and not self.clips

    def strand_of(self, ear: Ear) -> Strand | None:
        """The strand of a leg."""
        return next((strand for strand in self.strands if strand.ear is ear), None)

    def is_paused(self, leg_id: str) -> bool:
        """Whether somebody asked for a pause of this leg."""
        return None in self.asked or leg_id in self.asked


def recordings_folder(data: Path, configured: Path | None) -> Path:
    """Where recordings and clips are: the folder of the configuration, or one in the data
    folder."""
    return data / "recordings" if configured is None else configured


def shown_path(path: Path, data: Path) -> str:
    """A path as events and records tell it: within the data folder from there, else whole."""
    try:
        return str(path.relative_to(data))
    except ValueError:
        return str(path)


def tell_file(taped: TapedCall, outcome: Saved | Discarded | Failed) -> None:
    """Tell what became of the recording, and let the call end."""
    if isinstance(outcome, Failed):
        logger.error(
            "call %s: its recording %s has ended: %s", taped.call_id, taped.shown, outcome.why
        )
    if taped.call.concluded:
        logger.warning("call %s: not in its record, it came too late: %s", taped.call_id, outcome)
    kind, facts = _told(outcome)
    taped.call.emit(kind, path=taped.shown, **facts)
    taped.stopping = False
    hold, taped.hold = taped.hold, None
    if hold is not None:
        hold.release()


def _told(outcome: Saved | Discarded | Failed) -> tuple[type[CallEvent], dict[str, Any]]:
    match outcome:
        case Saved(_, sha256, seconds, size):
            return RecordingSaved, {"sha256": sha256, "seconds": seconds, "size": size}
        case Discarded(_, seconds):
            return RecordingDiscarded, {"seconds": seconds}
        case Failed(_, why, kept, seconds, _):
            return RecordingFailed, {"why": why, "sha256": kept, "seconds": seconds}


def tell_clip(taped: TapedCall, outcome: ClipDone) -> None:
    """Tell what became of a clip."""
    clip = taped.clips.pop(outcome.cut, None)
    if clip is None:
        return
    if outcome.why:
        logger.error("call %s: clip %s: %s", taped.call_id, clip.shown, outcome.why)
    taped.call.emit(
        ClipSaved,
        leg=clip.leg_id,
        rule=clip.rule,
        path=clip.shown,
        ok=not outcome.why,
        why=outcome.why,
    )
    clip.hold.release()
