"""Who hears whom in a call: the caller and one leg, or nobody, or ringback.

Says it to the engine; when it is to be said is decided by bridge and dial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.called_leg import CalledLeg
    from softswitch.call.calling_leg import CallingLeg

__all__ = ["hear", "join", "ring_back", "unjoin"]


def join(call: Call, leg: CalledLeg) -> None:
    """Let the caller and a leg hear each other."""
    if not call.ended:
        call.joined = leg
        hear(call.caller, leg)


def hear(caller: CallingLeg, leg: CalledLeg) -> None:
    """Have two joined legs hear each other; nobody hears one that presses secret keys."""
    assert caller.media is not None
    assert leg.media is not None
    caller.media.port.hears([] if leg.secrets else [leg.media.port])
    leg.media.port.hears([] if caller.secrets else [caller.media.port])


def unjoin(call: Call) -> None:
    """Let the caller hear nobody again."""
    leg, call.joined = call.joined, None
    if leg is None or call.ended:
        return
    for side in (call.caller, leg):
        if side.media is not None and not side.ended:
            side.media.port.hears([])


def ring_back(call: Call) -> None:
    """Have a caller that can hear us hear ringback, unless something plays already."""
    caller = call.caller
    if caller.media is None or caller.media.agreement is None or caller.player.playing:
        return
    caller.start_playing(call.services.prompts.ringback(call.campaign.ringback), repeat=True)
