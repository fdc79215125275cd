"""What is done to calls in progress from outside, as events.

Everybody imports these from `softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["CallerIdChanged", "CapPaused", "CapResumed", "LegPutOnHold", "LegTakenOffHold"]


class CallerIdChanged(CallEvent, frozen=True, kw_only=True):
    """Further outbound legs of the call show another caller id."""

    kind = "call.caller_id"
    caller_id: str | None
    """As it was asked for; null: that of the configuration again."""


class CapPaused(CallEvent, frozen=True, kw_only=True):
    """A campaign or a destination gets no calls for the time being. `call_id` is empty."""

    kind = "cap.paused"
    campaign: str | None
    """Null: the destination, for calls of every campaign."""
    destination: str | None
    """Null: the campaign, wherever its calls would go."""
    by: str
    why: str


class CapResumed(CallEvent, frozen=True, kw_only=True):
    """It gets calls again. `call_id` is empty."""

    kind = "cap.resumed"
    campaign: str | None
    destination: str | None
    by: str


class LegPutOnHold(CallEvent, frozen=True, kw_only=True):
    """We have put a leg on hold (`leg.held`: its own peer has)."""

    kind = "leg.hold"
    leg: str
    prompt: str | None
    """What it hears meanwhile; null: nothing."""


class LegTakenOffHold(CallEvent, frozen=True, kw_only=True):
    """A leg that we had put on hold is back."""

    kind = "leg.unhold"
    leg: str
