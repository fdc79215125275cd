"""Supervisors: a leg of one call that hears another call, and may be heard there.

Listening changes nothing for those who talk. Whispering is heard by one party, the one that was
called unless said otherwise; barging in by all. All are the two that talk, and a leg that is named:
one that is parked beside them, or is still being asked, is not overheard by the way. What a
supervisor says is recorded and recognised with the supervisor's own call only: nothing of it is on
the legs of the call that is heard. Who may listen is others' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from softswitch.call.company import apply, enter, leave
from softswitch.call.events import MonitorChanged, MonitorEnded, MonitorStarted

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg

__all__ = ["MAX_MONITORS", "MAX_MONITORS_A_CALL", "Mode", "Monitor", "Monitors", "TooMany"]

Mode = Literal["listen", "whisper", "barge"]

MAX_MONITORS = 1000
"""At once on this node."""

MAX_MONITORS_A_CALL = 8
"""Supervisors of one call; each that speaks is mixed for the others."""


class TooMany(Exception):
    """No further supervisor, or this leg supervises already."""


class Monitor:
    """One supervisor at one call; a circle of both."""

    def __init__(self, monitors: Monitors, monitor_id: str, call: Call, ear: Leg) -> None:
        self.monitor_id = monitor_id
        self.call = call
        self.ear = ear
        """The supervisor's leg."""
        self.mode: Mode = "listen"
        self.party: str | None = None
        """The leg that hears a whisper, and is heard though it talks to nobody; None: of those who
        talk the one that was called."""
        self.ended = False
        self.since = ear.services.now()
        self.on_end: list[Callable[[str], None]] = []
        """Told why, when it is over."""
        self._monitors = monitors
        self._legs: list[Leg] = []

    def start(self, mode: Mode, party: str | None) -> None:
        """Begin to hear."""
        self.mode, self.party = mode, party
        enter(self.ear, self)
        self.refresh()
        self._emit(
            MonitorStarted, mode=mode, heard=self.call.call_id, supervisor=self.ear.call.call_id
        )

    def change(self, mode: Mode, party: str | None = None) -> None:
        """Be heard by others than before."""
        if (mode, party) != (self.mode, self.party) and not self.ended:
            self.mode, self.party = mode, party
            self.refresh()
            self._emit(MonitorChanged, mode=mode)

    def stop(self, why: str = "stopped") -> None:
        """Hear the call no more; twice is once."""
        if self.ended:
            return
        self.ended = True
        self._monitors.forget(self)
        for leg in (*self._legs, self.ear):
            leave(leg, self)
        self._legs.clear()
        self._emit(MonitorEnded, why=why)
        for told in self.on_end:
            told(why)

    def _emit(
        self, kind: type[MonitorStarted | MonitorChanged | MonitorEnded], **facts: str
    ) -> None:
        for call in (self.call, self.ear.call):
            call.emit(kind, monitor=self.monitor_id, **facts)

    # As a circle.

    def heard_by(self, leg: Leg) -> Iterable[Leg]:
        """The supervisor hears all; who hears the supervisor is a matter of the mode."""
        if leg is self.ear:
            return self._legs
        heeds = self.mode == "barge" or (self.mode == "whisper" and self._whispers_to(leg))
        return (self.ear,) if heeds and leg in self._legs else ()

    def _whispers_to(self, leg: Leg) -> bool:
        return leg.side == "called" if self.party is None else leg.leg_id == self.party

    def mutes(self, leg: Leg) -> bool:
        """It mutes nobody."""
        return False

    def refresh(self) -> None:
        """The call may have other legs by now."""
        there = [] if self.call.concluded else _up(self.call, self.party)
        for leg in tuple(self._legs):
            if leg not in there:
                self._legs.remove(leg)
                leave(leg, self)
        for leg in there:
            if leg not in self._legs:
                self._legs.append(leg)
                enter(leg, self)
        for leg in (*self._legs, self.ear):
            apply(leg)

    def on_left(self, leg: Leg) -> None:
        """A leg is over, of the supervisor's or of the call."""
        if leg is self.ear:
            self.stop("supervisor_left")
        elif self.call.ended:
            self.stop("call_ended")
        else:
            self.refresh()


def _up(call: Call, party: str | None) -> list[Leg]:
    """The legs that can be heard: the first, by which it is noticed that others come, the one it
    talks to, and the one that was asked for. One that was parked is not of the talk."""
    first = call.caller
    return [
        leg
        for leg in call.legs
        if not leg.ended and (leg is first or leg is call.joined or leg.leg_id == party)
    ]


class Monitors:
    """Those of this node."""

    def __init__(self) -> None:
        self._monitors: dict[str, Monitor] = {}

    def __iter__(self) -> Iterator[Monitor]:
        return iter(tuple(self._monitors.values()))

    def __len__(self) -> int:
        return len(self._monitors)

    def find(self, monitor_id: str) -> Monitor | None:
        """One by its id."""
        return self._monitors.get(monitor_id)

    def by(self, ear: Leg) -> Monitor | None:
        """The one of a supervisor's leg."""
        if ear.company is None:
            return None
        found = (one for one in ear.company.circles if isinstance(one, Monitor) and one.ear is ear)
        return next(found, None)

    def start(self, call: Call, ear: Leg, mode: Mode, party: str | None = None) -> Monitor:
        """Have a leg of another call hear this one; raises TooMany."""
        if self.by(ear) is not None:
            raise TooMany("the supervisor hears a call already")
        beside = sum(one.call is call for one in self._monitors.values())
        if len(self._monitors) >= MAX_MONITORS or beside >= MAX_MONITORS_A_CALL:
            raise TooMany("there are as many supervisors as there may be")
        monitor = Monitor(self, ear.services.new_call_id(), call, ear)
        self._monitors[monitor.monitor_id] = monitor
        monitor.start(mode, party)
        return monitor

    def forget(self, monitor: Monitor) -> None:
        """One is over."""
        self._monitors.pop(monitor.monitor_id, None)
