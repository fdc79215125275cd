"""Who speaks when on each leg, and what follows from it: the voice stage of the tick."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from config.model import Hearing
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["SegmentListener", "VoiceStage"]


class SegmentListener(Protocol):
    """Who is told of stretches of speech."""

    def on_start(self, ear: Ear, at_ns: int) -> None:
        """Somebody speaks, since `at_ns` (a lead before the first voice included)."""

    def on_end(self, ear: Ear, start_ns: int, end_ns: int) -> None:
        """Nobody speaks any more: a pause long enough has passed, or the leg is over."""


class VoiceStage:
    """Voice activity of all legs."""

    name = "voice"
    shed_at = 3

    def __init__(self, loop: asyncio.AbstractEventLoop, hearing: Hearing) -> None:
        self._loop = loop
        self._hearing = hearing
        self.segments: list[SegmentListener] = []
        """Told of stretches of speech, in this order."""

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on."""

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign."""

    def hear(self, heard: Heard) -> None:
        """Tell voice from the rest, in one frame of many legs."""

    def close(self, ear: Ear) -> None:
        """The leg is over."""

    def after(self, now_ns: int) -> None:
        """Look after legs that have gone quiet."""

    def find(self, leg: Leg) -> Ear | None:
        """The ear of a leg, if it has one yet."""
        raise NotImplementedError(leg)

    def speaking(self, ear: Ear) -> bool:
        """Whether a stretch of speech is under way."""
        raise NotImplementedError(ear)

    def attend(self, ear: Ear) -> None:
        """What is said on this leg matters from now on; counted."""

    def dismiss(self, ear: Ear) -> None:
        """It matters to one less."""

    def on_level(self, level: int) -> None:
        """The tick is overloaded to this degree."""

    async def judge(self, leg: Leg, within: float) -> str:
        """Whether human, machine or unknown has answered: at latest after so many seconds."""
        raise NotImplementedError(leg, within)

    async def beep(self, leg: Leg, within: float) -> bool:
        """Wait for an answering machine's beep and the quiet after it; whether it came."""
        raise NotImplementedError(leg, within)
