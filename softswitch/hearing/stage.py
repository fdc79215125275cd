"""What a stage of the tick is: detectors, speech, recording."""

from __future__ import annotations

from typing import Protocol

from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard

__all__ = ["NEVER_SHED", "Stage"]

NEVER_SHED = 99


class Stage(Protocol):
    """Hears all legs together. Called by the tick only; never raises for what is heard."""

    name: str
    shed_at: int
    """Level of overload from which on it is left out: 1 first (speech), 5 last (tones)."""

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on; its slot is clean."""

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign."""

    def hear(self, heard: Heard) -> None:
        """One frame of many legs; up to a few rounds a tick."""

    def close(self, ear: Ear) -> None:
        """The leg is over: tell what was not told yet."""

    def after(self, now_ns: int) -> None:
        """The tick is over: look after deadlines. At every tick, also without frames."""
