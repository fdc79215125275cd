"""Who hears whom in a call: the caller and one leg, or nobody, or ringback.

Says it to the engine; when it is to be said is decided by bridge and dial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.call.company import apply, tell
from softswitch.call.events import CallUnbridged

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.called_leg import CalledLeg
    from softswitch.call.calling_leg import CallingLeg

__all__ = ["hear", "join", "part", "ring_back", "unjoin"]


def join(call: Call, leg: CalledLeg) -> None:
    """Let the caller and a leg hear each other."""
    if not call.ended:
        call.joined = leg
        hear(call.caller, leg)


def hear(caller: CallingLeg | CalledLeg, leg: CalledLeg) -> None:
    """Have two joined legs hear each other; nobody hears one that presses secret keys, and one that
    is on hold hears nobody either."""
    assert caller.media is not None
    assert leg.media is not None
    if caller.company is not None or leg.company is not None:
        for side in (caller, leg):
            apply(side)
            tell(side)
        return
    on_hold = caller.on_hold or leg.on_hold
    caller.media.port.hears([] if leg.secrets or on_hold else [leg.media.port])
    leg.media.port.hears([] if caller.secrets or on_hold else [caller.media.port])


def unjoin(call: Call) -> None:
    """Let the caller hear nobody again."""
    if call.caller.fax is not None:
        call.caller.fax.give_up()
    leg, call.joined = call.joined, None
    if leg is None or call.ended:
        return
    for side in (call.caller, leg):
        if side.media is not None and not side.ended:
            apply(side)
            tell(side)


def part(call: Call, why: str) -> CalledLeg | None:
    """Have those who talk hear each other no more; the leg the caller talked to, if it did.

    Either peer that had been told of the other's hold is told that it is over.
    """
    leg = call.callee
    if leg is None or not call.bridged or call.ended:
        return None
    unjoin(call)
    call.callee, call.bridged, call.parted_from = None, False, leg
    call.media_expected_from = call.services.now()
    call.emit(CallUnbridged, leg=call.caller.leg_id, other_leg=leg.leg_id, why=why)
    if not call.ended:  # by a subscriber
        staying = (call.caller, leg) if why == "asked" else (call.caller,)
        for side in staying:
            side.direction_untold = side.offered_direction() != "sendrecv"
            side.pass_direction()
        call.on_parted()
    return leg


def ring_back(call: Call) -> None:
    """Have a caller that can hear us hear ringback, unless something plays already."""
    caller = call.caller
    if caller.media is None or caller.media.agreement is None or caller.player.playing:
        return
    caller.start_playing(call.services.prompts.ringback(call.campaign.ringback), repeat=True)
