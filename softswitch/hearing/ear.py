"""An ear: one leg that is heard, from its first packet to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.model import Campaign

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg

__all__ = ["Ear"]


class Ear:
    """Where a leg's sound stands in the arrays of a tick, and whose it is."""

    __slots__ = ("call", "campaign", "leg", "leg_id", "opened_ns", "received_ns", "side", "slot")

    def __init__(
        self, slot: int, leg: Leg, campaign: Campaign, received_ns: int, *, opened_ns: int = 0
    ) -> None:
        self.slot = slot
        """Row of this leg in the state arrays of all stages; used again after `close`."""
        self.leg = leg
        self.call: Call = leg.call
        self.leg_id = leg.leg_id
        self.side = "caller" if leg.side == "calling" else "agent"
        self.campaign = campaign
        """The campaign whose wishes hold; another after `changed`."""
        self.received_ns = received_ns
        """When the call was received, monotonic: zero of the times told of it."""
        self.opened_ns = opened_ns
        """When it was heard for the first time, monotonic."""

    def seconds(self, at_ns: int) -> float:
        """A monotonic time as seconds since the call was received, to the millisecond."""
        return round((at_ns - self.received_ns) / 1e9, 3)
