"""Stretches of legs that were to be understood and were not, told to their calls: a call in which
no keyword was heard is not the same as one in which nobody listened."""

from __future__ import annotations

from softswitch.call.events import SpeechUnheard
from softswitch.hearing.ear import Ear

__all__ = ["LATE", "LOST", "NOBODY", "OVERLOAD", "Unheard", "tell_unheard"]

OVERLOAD = "overload"
"""Speech was left out for the sake of everything else."""
LOST = "lost"
"""The recogniser had no time for it, or failed at it."""
LATE = "late"
"""The last words were not understood in the time that the end of a call waits for them."""
NOBODY = "no recogniser"

MIN_NS = 20_000_000
"""A frame: less is nothing."""


def tell_unheard(ear: Ear, start_ns: int, end_ns: int, why: str) -> None:
    """A stretch of a leg was not understood."""
    if end_ns - start_ns >= MIN_NS:
        start, end = ear.seconds(start_ns), ear.seconds(end_ns)
        ear.call.emit(SpeechUnheard, leg=ear.leg_id, start=start, end=end, why=why)


class Unheard:
    """Legs that are not understood for a while, until that ends or they do."""

    def __init__(self) -> None:
        self._since: dict[Ear, tuple[int, str]] = {}

    def begin(self, ear: Ear, at_ns: int, why: str) -> None:
        """A leg is not understood from now on."""
        self._since.setdefault(ear, (at_ns, why))

    def end(self, ear: Ear, at_ns: int) -> None:
        """It is again, or is over."""
        start_ns, why = self._since.pop(ear, (at_ns, ""))
        tell_unheard(ear, start_ns, at_ns, why)
