"""Transfers that a party of a call asks for, legs taken over, and redirections, as events.

Everybody imports these from `softswitch.call.events`, where all events are. Those that the switch
itself asks for are there, too (`transfer.requested`); how one ends is `transfer.ended` for all.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = [
    "LegRedirected",
    "LegReplaced",
    "TransferAwaited",
    "TransferReceived",
    "TransferRefused",
]


class TransferReceived(CallEvent, frozen=True, kw_only=True):
    """A party asked by REFER to have the party it talks to moved, and that is being tried."""

    kind = "transfer.received"
    leg: str
    """Of the party that asked."""
    to: str
    """A number or a SIP address."""
    attended: bool
    """Whether it has talked to whom it names (Replaces)."""
    other_call: str | None = None
    """The call of ours in which it did so, and which ends with this."""


class TransferAwaited(CallEvent, frozen=True, kw_only=True):
    """The party of a leg of another call was asked to take this leg's party over: the other call
    tells `transfer.requested` of it."""

    kind = "transfer.awaited"
    leg: str
    to: str
    """The number of this leg's party."""
    other_call: str
    other_leg: str


class TransferRefused(CallEvent, frozen=True, kw_only=True):
    """A party asked by REFER, or a stranger to the call by Replaces, for what it does not get."""

    kind = "transfer.refused"
    leg: str
    to: str
    status: int
    """The SIP status it was refused with."""
    why: str
    """stranger (it came from nobody's address), not_allowed (the trunk's `transfers`), steered (a
    controller has the call), busy (another transfer, or more than there may be), not_talking
    (nobody is bridged to it), not_joinable (the dialog it names), method (it names another than
    INVITE), bad_request, or what the guards say: destination, trunk, rate, concurrency."""


class LegReplaced(CallEvent, frozen=True, kw_only=True):
    """Another phone took a leg over (INVITE with Replaces): the leg goes on by its dialog."""

    kind = "leg.replaced"
    leg: str
    trunk: str
    sip_call_id: str
    by: str
    """Who has taken it over, as its From says."""


class LegRedirected(CallEvent, frozen=True, kw_only=True):
    """The far end of an outbound leg said that the call is to go elsewhere (3xx)."""

    kind = "leg.redirected"
    leg: str
    status: int
    to: str
    """Where it goes now; empty: it is not followed."""
    trunk: str
    """Whose host that is, and what the leg costs as; that of the leg where it is no other's."""
    why: str = ""
    """Why it is not followed: not_allowed (nobody named may be called), nowhere (nobody is named),
    loop (it was there already), too_many, spent (the campaign's max_spend_per_hour)."""
