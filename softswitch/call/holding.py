"""Putting a leg on hold: its peer hears a prompt or nothing, and nobody hears it.

RFC 3264 section 8.4: a re-INVITE says that we send only, or neither send nor want to receive. A
peer whose trunk has `hold: local` is told nothing. That a peer holds us is not this: `leg.held`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.call.company import tell
from softswitch.call.events import LegPutOnHold, LegTakenOffHold
from softswitch.call.joining import hear

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg
    from softswitch.call.services import LoadedPrompt

__all__ = ["put_on_hold", "take_off_hold"]

MUSIC = "sendonly"
SILENCE = "inactive"


def put_on_hold(call: Call, leg: Leg, prompt: LoadedPrompt | None, *, at_most: float) -> None:
    """Put an answered leg on hold for so many seconds at most: whoever asked for it may be gone.
    One that is on hold already hears another prompt from now on."""
    was_held = leg.on_hold is not None
    if leg.fax is not None:
        leg.fax.give_up()
    _cancel_timer(leg)
    leg.hold_timer = call.services.loop.call_later(at_most, take_off_hold, call, leg)
    leg.on_hold = SILENCE if prompt is None else MUSIC
    _hear_again(call, leg)
    if prompt is None:
        leg.stop_playing()
    else:
        leg.start_playing(prompt, repeat=True)
    leg.pass_direction()
    if not was_held:
        name = None if prompt is None else prompt.name
        call.emit(LegPutOnHold, leg=leg.leg_id, prompt=name)


def take_off_hold(call: Call, leg: Leg) -> None:
    """Have a leg back; nothing happens to one that is not on hold."""
    if leg.on_hold is None:
        return
    leg.on_hold = None
    _cancel_timer(leg)
    leg.stop_playing()
    if not (call.ended or leg.ended):  # by a subscriber
        call.media_expected_from = call.services.now()
        _hear_again(call, leg)
        leg.pass_direction()
        call.emit(LegTakenOffHold, leg=leg.leg_id)


def _cancel_timer(leg: Leg) -> None:
    timer, leg.hold_timer = leg.hold_timer, None
    if timer is not None:
        timer.cancel()


def _hear_again(call: Call, leg: Leg) -> None:
    joined = call.joined
    if joined is not None and leg in (call.caller, joined) and not joined.ended:
        hear(call.caller, joined)
    else:
        tell(leg)
