"""When to try again: of a server that does not answer, and of one delivery that it does not take.

A core: told the time and what happened, answers with seconds. Pauses double and are drawn between
their half and their whole, so that many switches do not come back at the same moment. While a
server is away one delivery at a time asks whether it is back.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["DOWN_AFTER", "Gate", "pause_after"]

FIRST_PAUSE = 1.0
MAX_PAUSE = 60.0
"""A server that is back has everything at latest a minute later."""

MAX_REFUSED_PAUSE = 300.0
"""Between attempts of a delivery that the server refuses while it takes others."""

DOWN_AFTER = 3
"""Failures in a row after which a server counts as away, and not one delivery as bad."""

MAX_RETRY_AFTER = 3600.0
"""A server that asks for more is asked earlier all the same."""


def pause_after(failures: int, draw: Callable[[], float], longest: float = MAX_PAUSE) -> float:
    """Seconds before the next attempt after so many failures; `draw` gives 0 to 1."""
    whole = min(longest, FIRST_PAUSE * 2.0 ** min(max(failures - 1, 0), 30))
    return whole * (0.5 + 0.5 * draw())


class Gate:
    """Open while the server answers; one server's."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self.failures = 0
        """In a row."""
        self.successes = 0
        self._steps = 0
        """How often it was found away, one after the other: what was under way at the same time
        found the same thing."""
        self._failed_at = float("-inf")
        self._opens_at = 0.0
        self._asking = False

    @property
    def down(self) -> bool:
        """Whether the server counts as away."""
        return self.failures >= DOWN_AFTER

    def wait(self, now: float) -> float | None:
        """How long to wait before an attempt; 0: go now, and tell how it went. None: until another
        one has told."""
        if not self.failures:
            return 0.0
        if now < self._opens_at:
            return self._opens_at - now
        if self._asking:
            return None
        self._asking = True
        return 0.0

    def worked(self) -> bool:
        """An attempt was answered as it should be; whether the server had been away."""
        was_down = self.down
        self.failures = self._steps = 0
        self.successes += 1
        self._asking = False
        return was_down

    def failed(self, now: float, retry_after: float | None = None, *, began: float) -> float:
        """An attempt that began then had no answer, or one of a server in trouble; how long until
        the next one is made."""
        self.failures += 1
        self._asking = False
        if began >= self._failed_at:
            self._steps += 1
            self._failed_at = now
            self._opens_at = max(self._opens_at, now + pause_after(self._steps, self._draw))
        if retry_after is not None:
            self._opens_at = max(self._opens_at, now + min(retry_after, MAX_RETRY_AFTER))
        return self._opens_at - now

    def gave_up(self) -> None:
        """An attempt was broken off, and says nothing of the server."""
        self._asking = False
