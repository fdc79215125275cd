"""The stage that hands speech to recognisers: keywords' and spoken answers' audio."""

from __future__ import annotations

from typing import Protocol

from media.speech.recognition.result import Recognised
from softswitch.hearing.ear import Ear

__all__ = ["SpeechSink"]


class SpeechSink(Protocol):
    """Who is told what was said."""

    def recognised(self, ear: Ear, result: Recognised) -> None:
        """A window of an ear was understood."""

    def ended(self, ear: Ear) -> None:
        """The leg is over and all of its speech has been reported."""
