"""Closes the switch to further calls while it is too full to serve them, before they cost anything.

The shell around `softswitch.routing.admission`: looks at the loop, the media ports and the sockets
once a beat, has the SIP stack answer new INVITEs with 503 and Retry-After while it is closed, and
tells when that begins and ends. Calls in progress never notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from config.model import Admission as Limits
from softswitch.call.events import AdmissionClosed, AdmissionOpened
from softswitch.call.services import Services
from softswitch.routing.admission import BEAT_SECONDS, Judge, Load

__all__ = ["Admission"]

STRANGERS_A_BEAT = 20
"""Dropped messages of strangers from which on a backlog is theirs: to refuse the calls of trunks
would take nothing from it, and do what a flood is meant to do."""


class Admission:
    """One for the process; owns a timer."""

    def __init__(
        self,
        services: Services,
        limits: Callable[[], Limits],
        backlog: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`limits` are those of the configuration in force, `backlog` says how full the room for
        datagrams is, from 0 to 1."""
        self._services = services
        self._limits = limits
        self._backlog = backlog
        self._judge = Judge()
        self._load = Load(0.0, 0, 0.0)
        self._worst_lag = 0.0
        self._strangers = 0
        """Messages of theirs that were dropped, at the last beat."""
        self._closed_at = 0.0
        self._refused_before = 0
        self._times_closed = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on."""
        self._due = self._services.now() + BEAT_SECONDS
        self._timer = self._services.loop.call_at(self._due, self._beat)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def status(self) -> dict[str, Any]:
        """How the switch does, and whether it takes calls."""
        load = self._load
        return {
            "closed": self._judge.why,
            "times_closed": self._times_closed,
            "loop_lag_ms": round(load.lag_seconds * 1000, 1),
            "worst_loop_lag_ms": round(self._worst_lag * 1000, 1),
            "backlog": round(load.backlog, 3),
        }

    def _beat(self) -> None:
        services = self._services
        now = services.now()
        self._look(max(0.0, now - self._due), now)
        self._due = now + BEAT_SECONDS
        self._timer = services.loop.call_at(self._due, self._beat)

    def _look(self, lag: float, now: float) -> None:
        backlog = self._backlog_of_trunks()
        load = self._load = Load(lag, self._services.engine.counters.ports_free, backlog)
        self._worst_lag = max(self._worst_lag, lag)
        before = self._judge.why
        why = self._judge.judge(load, self._limits(), now=now)
        if why == before:
            return
        if before:
            self._open(before, now)
        if why:
            self._close(why, now)

    def _backlog_of_trunks(self) -> float:
        """How full the room for datagrams is, where it is not strangers who fill it."""
        backlog = self._backlog()
        before, self._strangers = self._strangers, self._services.stack.drops["stranger"]
        return 0.0 if self._strangers - before >= STRANGERS_A_BEAT else backlog

    def _close(self, why: str, now: float) -> None:
        stack, load = self._services.stack, self._load
        stack.closed = f"switch is full ({why})"
        self._closed_at, self._refused_before = now, stack.refusals[stack.closed]
        self._times_closed += 1
        self._services.tell(
            AdmissionClosed,
            why=why,
            loop_lag_ms=round(load.lag_seconds * 1000, 1),
            free_ports=load.free_ports,
            backlog=round(load.backlog, 3),
        )

    def _open(self, why: str, now: float) -> None:
        stack = self._services.stack
        refused = stack.refusals[stack.closed] - self._refused_before
        stack.closed = ""
        self._services.tell(
            AdmissionOpened, why=why, seconds=round(now - self._closed_at, 3), refused=refused
        )
