"""What a stage of the tick is: detectors, speech, recording.

Under overload the tick leaves stages out: of one whose `shed_at` is reached, only `hear` is not
called; legs are still opened, changed and closed in it, and `after` comes at every tick. What was
missed looks to it like any gap: a step of `Heard.positions`. A stage that can do its work cheaper
looks at `Heard.level` and does so earlier.
"""

from __future__ import annotations

from typing import Protocol

from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard

__all__ = ["MAX_LEVEL", "NEVER_SHED", "Stage"]

MAX_LEVEL = 5
"""The highest level of overload: nothing but what is never shed is left."""

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
        """The leg is over and its last frame was heard: tell what was not told yet. The end of the
        call waits for this, and for whatever hold the stage takes here."""

    def after(self, now_ns: int) -> None:
        """The tick is over: look after deadlines. At every tick, also without frames."""
