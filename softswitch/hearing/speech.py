"""The stage that hands speech to recognisers: keywords' and spoken answers' audio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from config.model import Hearing
from media.speech.recognition.result import Recognised
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.voice import VoiceStage

if TYPE_CHECKING:
    from softswitch.call.leg import Leg
    from softswitch.call.services import Question

__all__ = ["SpeechSink", "SpeechStage"]


class SpeechSink(Protocol):
    """Who is told what was said."""

    def recognised(self, ear: Ear, result: Recognised) -> None:
        """A window of an ear was understood."""

    def ended(self, ear: Ear) -> None:
        """The leg is over and all of its speech has been reported."""


class SpeechStage:
    """Hands speech to recognisers. Its face; nothing is recognised yet."""

    name = "speech"
    shed_at = 2
    available = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hearing: Hearing,
        voice: VoiceStage,
        sink: SpeechSink,
    ) -> None:
        self._sink = sink

    async def start(self) -> None:
        """Start the workers, if speech is listened to."""

    async def stop(self) -> None:
        """End the workers."""

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on."""

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign."""

    def hear(self, heard: Heard) -> None:
        """Keep what is said."""

    def close(self, ear: Ear) -> None:
        """The leg is over."""
        self._sink.ended(ear)

    def after(self, now_ns: int) -> None:
        """Look after deadlines."""

    def listen(self, leg: Leg, words: Sequence[str]) -> Question:
        """Have a leg's speech recognised from now on."""
        raise NotImplementedError

    def status(self) -> dict[str, Any]:
        """How it does."""
        return {}
