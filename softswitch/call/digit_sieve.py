"""Tells one key from another when a carrier sends each of them two or three ways.

A key may come as an event in RTP (RFC 4733), by SIP INFO, and as a tone in the sound; each way has
its own delay. What one way tells is the press that another told, if it is the same digit, not long
ago, and not told by this way yet: so a key counts once, and a key pressed twice counts twice. Core:
the time is an argument. Knows no leg.
"""

from __future__ import annotations

from collections import deque

__all__ = ["IN_BAND", "MAX_HELD_SECONDS", "MAX_PRESSES", "WINDOW_SECONDS", "DigitSieve", "Press"]

IN_BAND = "inband"
EVENTS = "rfc4733"

WINDOW_SECONDS = 1.0
"""How far apart two ways may tell of one press: an INFO that was retransmitted once comes half a
second late, a gateway that detects tones needs a tenth."""

MAX_HELD_SECONDS = 10.0
"""A key held for longer is noise; some ways tell of it when it is pressed, others when it is let
go."""

MAX_PRESSES = 32
"""Presses remembered; nobody presses more within the time."""


class Press:
    """One press, and by which ways it was told."""

    __slots__ = ("at", "digit", "sources")

    def __init__(self, digit: str, at: float, source: str) -> None:
        self.digit = digit
        self.at = at
        self.sources = {source}


class DigitSieve:
    """The keys of one leg."""

    __slots__ = ("_presses", "_sources")

    def __init__(self) -> None:
        self._presses: deque[Press] = deque(maxlen=MAX_PRESSES)
        self._sources: set[str] = set()

    def is_new(self, digit: str, source: str, *, now: float, held: float = 0.0) -> bool:
        """Whether this is a press that was not told before. `held`: how long the key has been down
        when it is told, in seconds."""
        if source == IN_BAND and EVENTS in self._sources:
            # A peer that sends events takes the tones out of its sound: what sounds like one is
            # the echo of a tone that was played to it, or a voice.
            return False
        self._sources.add(source)
        self._forget(now)
        since = now - WINDOW_SECONDS - min(max(held, 0.0), MAX_HELD_SECONDS)
        for press in self._presses:
            if press.digit == digit and press.at >= since and source not in press.sources:
                press.sources.add(source)
                return False
        self._presses.append(Press(digit, now, source))
        return True

    def is_only(self, source: str) -> bool:
        """Whether no key was ever told by another way."""
        return self._sources <= {source}

    @property
    def newest(self) -> Press:
        """The press that `is_new` has last called one."""
        return self._presses[-1]

    def _forget(self, now: float) -> None:
        oldest = now - WINDOW_SECONDS - MAX_HELD_SECONDS
        while self._presses and self._presses[0].at < oldest:
            self._presses.popleft()
