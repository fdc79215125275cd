"""Keyword rules on every leg that is listened to, and what was said, written down.

Takes what recognisers understood of a leg (`SpeechSink`) and tells the call which rules came true.
Knows nothing of sound and of recognisers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from config.model import KeywordRule
from media.speech.recognition.result import Recognised
from softswitch.hearing.ear import Ear

__all__ = ["Clips", "KeywordWatch"]


class Clips(Protocol):
    """Who keeps what was said around a keyword."""

    def request(self, ear: Ear, start_ns: int, end_ns: int, rule: str) -> str | None:
        """Keep it; the file it will be in, None when it cannot be kept."""


class KeywordWatch:
    """Matches what is said on all legs; one for the process."""

    def __init__(self, clips: Clips | None = None) -> None:
        """`clips`: None when no clips are kept."""

    def recognised(self, ear: Ear, result: Recognised) -> None:
        """A window of an ear was understood."""

    def ended(self, ear: Ear) -> None:
        """The leg is over and all of its speech has been reported."""

    def set_rules(
        self, rules: Sequence[KeywordRule] | None, *, call_id: str = "", campaign: str = ""
    ) -> bool:
        """Listen for these instead of the configuration's, at once; None: as configured."""
        return False
