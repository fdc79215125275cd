"""What the speech stage works with: who recognises, who says that somebody speaks, who is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

from config.model import Hearing
from media.speech.recognition.engines import RecogniserError, choose_recogniser
from media.speech.recognition.recognisers import Recognisers, RecogniserStatus
from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Window
from softswitch.call.leg import Leg
from softswitch.hearing.ear import Ear
from softswitch.hearing.voice import SegmentListener

__all__ = [
    "MakeRecogniser",
    "OnResult",
    "Recogniser",
    "SpeechSink",
    "Voices",
    "installed_recogniser",
    "make_recognisers",
]

logger = logging.getLogger(__name__)


class SpeechSink(Protocol):
    """Who is told what was said."""

    def recognised(self, ear: Ear, result: Recognised) -> None:
        """A window of an ear was understood. Words of it that were said while a secret was asked
        for are told to nobody: their sink leaves them out, and keeps the others."""

    def beginnings(self, ear: Ear) -> Collection[str]:
        """How the words begin that are listened for on an ear."""

    def ended(self, ear: Ear) -> None:
        """The leg is over and all of its speech has been reported."""


class Voices(Protocol):
    """What the voice stage does for this one."""

    segments: list[SegmentListener]

    def find(self, leg: Leg) -> Ear | None:
        """The ear of a leg."""

    def speaking(self, ear: Ear) -> bool:
        """Whether a stretch of speech is under way."""

    def attend(self, ear: Ear) -> None:
        """What is said on this leg matters from now on; counted."""

    def dismiss(self, ear: Ear) -> None:
        """It matters to one less."""


class Recogniser(Protocol):
    """Whoever recognises windows."""

    engine: str

    @property
    def delay_seconds(self) -> float:
        """From `submit` to the result, lately."""

    async def start(self) -> None:
        """Begin to work."""

    async def refusal(self, within: float) -> str:
        """Why it cannot work, if that shows within so many seconds; else empty."""

    async def stop(self) -> None:
        """Work no more."""

    def submit(self, window: Window) -> None:
        """Have a window recognised."""

    def status(self) -> RecogniserStatus:
        """How it does."""


OnResult = Callable[[Window, Recognised | None], None]
MakeRecogniser = Callable[[str, OnResult, Path | None, int], Recogniser]


def make_recognisers(
    engine: str, on_result: OnResult, model: Path | None, workers: int
) -> Recogniser:
    """Workers of a recogniser that is installed."""
    return Recognisers(engine, on_result, model=model, workers=workers)


def installed_recogniser(hearing: Hearing) -> str | None:
    """The recogniser of the process; None when there is none."""
    try:
        return choose_recogniser(hearing.engine, hearing.model)
    except RecogniserError as error:
        level = logging.INFO if hearing.engine == "auto" else logging.ERROR
        logger.log(level, "%s", error)
        return None
