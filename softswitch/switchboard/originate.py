"""Places calls of our own making: the beginning is presented and in the journal before our INVITE
leaves, as a call that comes in is before its answer.

Whether a call may be placed is for the guards to say: whoever asks brings their permits. What
becomes of it is `ivr.click_to_call`'s. Knows no control socket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from config.e164 import dialled
from config.model import Campaign
from ivr.click_to_call import Plan, run_plan
from ivr.dialling import first_request
from rtp.engine import PortsExhausted
from softswitch.call.call import Call
from softswitch.call.events import CallPresented
from softswitch.call.first_leg import FirstLeg
from softswitch.switchboard.guards import Permit
from softswitch.switchboard.protocols import WriteError
from softswitch.switchboard.switchboard import Switchboard, syndicated

__all__ = ["NotPlaced", "Originator"]

PTIME_MS = 20


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """The switch has no room for it, or could not write it down."""

    why: str


class Originator:
    """One for the process."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self.placed = 0
        """Calls placed since the start."""

    def place(
        self, campaign: Campaign, plan: Plan, permits: Sequence[Permit] = ()
    ) -> Call | NotPlaced:
        """Begin a call; its outcome is told by its events. The permits are held for as long as it
        goes on, and released when it is not placed."""
        placed = self._place(campaign, plan)
        for permit in permits:
            if isinstance(placed, NotPlaced):
                permit.release()
            else:
                permit.hold_for(placed.call_id)
        return placed

    def _place(self, campaign: Campaign, plan: Plan) -> Call | NotPlaced:
        board = self._switchboard
        services, snapshot = board.services, board.snapshot
        called = number_of(plan.first) if plan.second is None else number_of(plan.second)
        call = Call(
            services.new_call_id(),
            services,
            snapshot.configuration,
            campaign,
            called=called,
            called_number=called,
        )
        request = first_request(call, plan.first, plan.shown, ring_seconds=plan.ring_seconds)
        why = self._no_room(request.trunk.name, request.trunk.max_calls)
        if why:
            return NotPlaced(why)
        if services.spending is not None and services.spending.refuses(call):
            return NotPlaced(f"campaign {campaign.name} has spent its max_spend_per_hour")
        leg = FirstLeg(call, services, request)
        try:
            leg.open_media(beside=None, prefer=None, ptime_ms=PTIME_MS)
        except PortsExhausted:
            return NotPlaced("no media port is free")
        event = self._presented(call, leg, plan)
        try:
            board.recorder.open(event)
        except WriteError as error:
            assert leg.media is not None
            leg.media.close()
            return NotPlaced(str(error))
        call.caller_number = event.caller
        call.within = plan.within
        board.keep(call, leg)
        self.placed += 1
        board.presented += 1
        services.events.publish(event)
        journey = board.journey(call, event, snapshot)
        if not call.ended:  # by a subscriber that saw it presented
            call.start(partial(run_plan, journey, plan))
        return call

    def _no_room(self, trunk: str, most: int | None) -> str:
        board = self._switchboard
        if board.draining:
            return "the switch is draining"
        if len(board.calls) >= board.snapshot.configuration.switch.max_calls:
            return "the switch is full (max_calls)"
        if most is not None and board.services.trunk_legs[trunk] >= most:
            return f"trunk {trunk} is full (max_calls)"
        return ""

    def _presented(self, call: Call, leg: FirstLeg, plan: Plan) -> CallPresented:
        campaign = call.campaign
        return call.fact(
            CallPresented,
            leg=leg.leg_id,
            trunk=leg.trunk.name,
            sip_call_id="",
            source="",
            called=call.called,
            called_number=call.called_number,
            caller=number_of(plan.first),
            signalling={},
            campaign=campaign.name,
            publisher=campaign.publisher,
            pool=None,
            parameters={},
            config_version=call.configuration.version,
            syndicated=syndicated(call.configuration, campaign),
            direction="outbound",
        )


def number_of(destination: object) -> str:
    """The number of a destination, or the user of its URI."""
    number = getattr(destination, "number", None) or ""
    return dialled(number) or number
