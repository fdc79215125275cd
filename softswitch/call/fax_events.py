"""Fax that is passed from one party of a call to the other, as events.

Everybody imports these from `softswitch.call.events`, where all events are. Fax tones that are
heard are `call.fax`.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["FaxRelayEnded", "FaxRelayRefused", "FaxRelayed"]


class FaxRelayed(CallEvent, frozen=True, kw_only=True):
    """Both parties agreed to fax by T.38: no sound, their datagrams are passed on."""

    kind = "call.fax_relayed"
    leg: str
    """Of the party that asked, or for whose fax machine the switch did."""
    other_leg: str
    version: int
    """Of T.38, as the other party said."""


class FaxRelayEnded(CallEvent, frozen=True, kw_only=True):
    """No datagrams of fax are passed on any more."""

    kind = "call.fax_relay_ended"
    leg: str
    """Of the party that had asked for fax."""
    other_leg: str
    why: str
    """asked (a party wanted sound again), parted (they talk no more), hung_up, refused (a party
    does not know of it any more)."""
    seconds: float
    datagrams: int
    """Passed on, both ways together."""


class FaxRelayRefused(CallEvent, frozen=True, kw_only=True):
    """A party asked for fax and does not get it; the sound goes on."""

    kind = "call.fax_relay_refused"
    leg: str
    """Of the party that asked."""
    status: int
    """The SIP status it was told."""
    why: str
    """refused (the other party), late (the other party said nothing), withdrawn, not_set (a trunk
    has no `t38`; the log names it), not_now (one of them is on hold, or heard by others), parted
    (they talk no more)."""
