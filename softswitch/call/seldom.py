"""How often the same thing is told: what peers bring about by the thousand is a line of the log now
and then, with how many there were.

Told the time; writes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Seldom", "how_often"]

EVERY_SECONDS = 10.0
"""Often enough to see that it goes on, seldom enough to see everything else."""

MAX_TOLD = 1000
"""Things that are remembered; there is one a trunk and kind. Beyond it all are told of anew."""


class Seldom:
    """One for the process."""

    def __init__(self) -> None:
        self._told: dict[Hashable, tuple[float, int]] = {}
        """When each was told of last, and how often it has happened since."""

    def tells(self, what: Hashable, now: float) -> int | None:
        """Something has happened: how often since it was told of last, this time too; None: it is
        not to be told of now."""
        told = self._told.get(what)
        if told is None:
            if len(self._told) >= MAX_TOLD:
                self._told.clear()
            self._told[what] = now, 0
            return 1
        at, times = told
        if now - at < EVERY_SECONDS:
            self._told[what] = at, times + 1
            return None
        self._told[what] = now, 0
        return times + 1


def how_often(times: int) -> str:
    """What a line of the log says of it at its end: nothing where it was once."""
    return f" ({times} times)" if times > 1 else ""
