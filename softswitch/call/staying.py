"""The caller has left and the party it talked to stays: that leg stands in the caller's place.

What follows in the treatment is done with it: prompts, questions, another connect. The call is
told to have ended by whoever left first. The other way round, a caller who stays, is
`joining.part`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.call.events import CallUnbridged
from softswitch.call.joining import unjoin

if TYPE_CHECKING:
    from softswitch.call.call import Call

__all__ = ["keep_called"]


def keep_called(call: Call, why: str) -> bool:
    """Go on with the called leg, now that the caller leaves; False when there is none to go on
    with."""
    left, stays = call.caller, call.callee
    if stays is None or not call.bridged or call.ended or stays.ended:
        return False
    unjoin(call)
    call.callee, call.bridged, call.parted_from = None, False, stays
    call.left_first = ("calling" if why == "hung_up" else "switch", why)
    call.caller = stays
    call.media_expected_from = call.services.now()
    call.emit(CallUnbridged, leg=left.leg_id, other_leg=stays.leg_id, why=why)
    if not call.ended:  # by a subscriber
        stays.forget_digits()
        stays.direction_untold = stays.offered_direction() != "sendrecv"
        stays.pass_direction()
        call.on_parted()
    return True
