"""When the switch as a whole takes no further call: judged by how it does, once a beat.

What is merely a slow moment is borne; what has closed the switch keeps it closed for a while, so
that it does not open and close with each call. Told how the switch does and what time it is; reads
no clock and no socket.
"""

from __future__ import annotations

from typing import NamedTuple

from config.model import Admission

__all__ = ["BEAT_SECONDS", "Judge", "Load"]

BEAT_SECONDS = 0.1
"""How often the switch is looked at: a burst is seen, and an idle machine is left alone."""

LATE_SECONDS = 1.0
"""How long everything has to be late: a collection of garbage, or a neighbour, is over sooner."""

LATE_BEATS = 2
"""So many beats in a row, however late one came: a single one may be a machine that slept."""

MAX_BACKLOG = 0.5
"""Share of the room before the switch that may be full. It holds some two seconds of messages: at
half of it, each is answered a second late, and peers begin to send them again."""

HOLD_SECONDS = 2.0
"""How long the switch stays closed at least."""


class Load(NamedTuple):
    """How the switch does."""

    lag_seconds: float
    """How late the event loop came to this beat."""
    free_ports: int
    """Pairs of media ports that can be had."""
    backlog: float
    """Share of the room for datagrams that is full; 1 where some were lost."""


class Judge:
    """Remembers for how long it has been so."""

    def __init__(self) -> None:
        self.why = ""
        """The limit for which no call is taken: loop_lag, backlog, free_ports. Empty: they are."""
        self._late_since: float | None = None
        self._late_beats = 0
        self._full_beats = 0
        self._closed_until = 0.0

    def judge(self, load: Load, limits: Admission, *, now: float) -> str:
        """Why no further call is taken from now on; empty when they are."""
        self._count(load, limits, now)
        why = self._reason(load, limits, now)
        if why:
            self._closed_until = now + HOLD_SECONDS
        if why or now >= self._closed_until:
            self.why = why
        return self.why

    def _count(self, load: Load, limits: Admission, now: float) -> None:
        limit = limits.loop_lag_seconds
        if limit is not None and load.lag_seconds > limit:
            self._late_beats += 1
            if self._late_since is None:
                # It has been late since this beat was due.
                self._late_since = now - load.lag_seconds
        else:
            self._late_since, self._late_beats = None, 0
        full = limits.backlog and load.backlog > MAX_BACKLOG
        self._full_beats = self._full_beats + 1 if full else 0

    def _reason(self, load: Load, limits: Admission, now: float) -> str:
        since = now if self._late_since is None else self._late_since
        if self._late_beats >= LATE_BEATS and now - since >= LATE_SECONDS:
            return "loop_lag"
        if self._full_beats >= 2:
            return "backlog"
        if limits.free_ports and load.free_ports <= limits.free_ports:
            return "free_ports"
        return ""
