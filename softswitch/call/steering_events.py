"""Calls that are steered from outside, and the parting of those who talked, as events.

Everybody imports these from `softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["CallOffered", "CallReleased", "CallTaken", "CallUnbridged"]


class CallOffered(CallEvent, frozen=True, kw_only=True):
    """A call waits for a controller that takes it."""

    kind = "call.offered"
    node: str
    name: str
    """The system it waits for, as the treatment names it; empty: whichever comes."""
    deadline: float
    """UTC in seconds since the epoch: who comes later comes too late."""


class CallTaken(CallEvent, frozen=True, kw_only=True):
    """A controller steers the call from now on."""

    kind = "call.taken"
    controller: str
    """Whom its connection speaks for."""


class CallReleased(CallEvent, frozen=True, kw_only=True):
    """No controller steers the call any more; its treatment goes on."""

    kind = "call.released"
    why: str
    """released (it said so), routed (it said where to), lost (its connection is gone), untaken
    (nobody came in time), unanswered (it was taken, and for too long not answered)."""


class CallUnbridged(CallEvent, frozen=True, kw_only=True):
    """Those who talked hear each other no more; the caller is still there."""

    kind = "call.unbridged"
    leg: str
    other_leg: str
    why: str
    """asked; hung_up, leg_lost, not_acceptable: the other leg is over; diverted: the call goes on
    in another treatment; transferred: one of them was sent, or has the other moved, to somebody
    else."""
