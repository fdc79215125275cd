"""How a call ended, as conditions of rating and payout ask for it; folded from its events.

The phases are those of the record (`softswitch.switchboard.record`): `ivr`, `ring`, `talk`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from softswitch.call.events import (
    CallAnswered,
    CallBridged,
    CallEvent,
    CallPresented,
    CallUnbridged,
    LegAnswered,
    LegEnded,
    LegOriginated,
)
from softswitch.campaign.facts import CallEnd

__all__ = ["EndWatch"]

CALLING = "a"
"""Leg of the caller."""


@dataclass(slots=True)
class _Called:
    leg: str
    originated: float
    destination: str
    answered: float | None = None
    ended: float | None = None
    status: int | None = None


@dataclass(slots=True)
class EndWatch:
    """Watches one call."""

    received: float
    since: float
    phase: str = ""
    phases: dict[str, float] = field(default_factory=dict)
    called: dict[str, _Called] = field(default_factory=dict)
    ringing: set[str] = field(default_factory=set)
    bridged: str | None = None
    """Leg that was bridged last."""
    answered: bool = False
    """Whether the caller was."""
    calling_ended: float | None = None

    @classmethod
    def of(cls, event: CallPresented) -> EndWatch:
        """Begin with the call's first event."""
        return cls(event.clock, event.clock)

    def add(self, event: CallEvent) -> None:
        """Fold one event in."""
        if isinstance(event, LegEnded):
            self._ended(event)
        elif isinstance(event, LegOriginated):
            if event.leg != CALLING:
                self.called[event.leg] = _Called(event.leg, event.clock, event.to_number)
            self.ringing.add(event.leg)
            if self.phase != "talk":
                self._enter("ring", event.clock)
        elif isinstance(event, LegAnswered) and event.leg in self.called:
            self.called[event.leg].answered = event.clock
        elif isinstance(event, CallBridged):
            self.bridged = event.other_leg
            self.ringing.clear()
            self._enter("talk", event.clock)
        elif isinstance(event, CallUnbridged):
            self._enter("ring" if self.ringing else "ivr", event.clock)
        elif isinstance(event, CallAnswered):
            self.answered = True
            self.ringing.discard(event.leg)
            if not self.phase or (self.phase == "ring" and not self.ringing):
                self._enter("ivr", event.clock)

    def _ended(self, event: LegEnded) -> None:
        if event.leg == CALLING:
            self.calling_ended = event.clock
            self._enter("", event.clock)
        elif event.leg in self.called:
            self.called[event.leg].ended = event.clock
            self.called[event.leg].status = event.status
        if event.leg in self.ringing:
            self.ringing.discard(event.leg)
            if not self.ringing and self.phase == "ring":
                self._enter("ivr" if self.answered else "", event.clock)

    def _enter(self, phase: str, clock: float) -> None:
        if self.phase:
            self.phases[self.phase] = self.phases.get(self.phase, 0.0) + clock - self.since
        self.phase, self.since = phase, clock

    def end(self, clock: float, ended_by: str, cause: str) -> CallEnd:
        """The end, now."""
        self._enter("", clock)
        called = self._the_called_leg()
        return CallEnd(
            received=self.received,
            originated=None if called is None else called.originated,
            answered=None if called is None else called.answered,
            calling_ended=clock if self.calling_ended is None else self.calling_ended,
            called_ended=None if called is None else called.ended,
            ivr_seconds=self.phases.get("ivr", 0.0),
            ring_seconds=self.phases.get("ring", 0.0),
            talk_seconds=self.phases.get("talk", 0.0),
            total_seconds=clock - self.received,
            ended_by=ended_by,
            cause=cause,
            status=None if called is None else called.status,
            destination=None if called is None else called.destination,
            bridged=self.bridged is not None,
        )

    def _the_called_leg(self) -> _Called | None:
        """The leg that was bridged, else the last that answered, else the last there was."""
        legs = list(self.called.values())
        if self.bridged in self.called:
            return self.called[self.bridged]
        answered = [leg for leg in legs if leg.answered is not None]
        candidates = answered or legs
        return candidates[-1] if candidates else None
