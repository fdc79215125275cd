"""A leg that was another call's: its dialog and its media go on here, and nobody hangs up.

What RFC 3891 does by an INVITE with Replaces where the two dialogs are those of two switches, is
done without any message where both are ours. Who may do that is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.call.called_leg import CalledLeg
from softswitch.call.dial_request import DialRequest
from softswitch.call.events import LegAnswered, LegOriginated
from softswitch.call.holding import take_off_hold

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg

__all__ = ["AdoptedLeg", "adopt"]


class AdoptedLeg(CalledLeg):
    """Stands where a leg would that we have called and that was answered."""

    def take(self, leg: Leg) -> None:
        """Have what is another leg's, which is over with that."""
        dialog, media = leg.dialog, leg.media
        assert dialog is not None
        assert media is not None
        services = self.services
        # What it said up to now was said in the other call.
        services.forget_port(media.port)
        media.port.hears([])
        leg.dialog, leg.media, leg.quality = None, None, media.quality()
        self._take_session(leg)
        leg.finish(status=200, cause="transferred")
        dialog.owner = self
        self.dialog, self.media = dialog, media
        services.media_listeners[media.port.leg] = self
        self.originated_clock = self.answered_clock = services.now()
        self.answered = True
        self.outcome.set_result(None)


def adopt(call: Call, leg: Leg, number: str) -> AdoptedLeg:
    """Take an answered leg, which talks to `number`, out of its call into this one."""
    assert leg.dialog is not None
    take_off_hold(leg.call, leg)
    if leg.fax is not None:
        leg.fax.give_up()
    request = DialRequest(
        uri=leg.dialog.remote_target,
        to_number=number,
        from_number=call.caller_number,
        from_header="",
        flow=leg.dialog.flow,
        trunk=leg.trunk,
        ring_seconds=0.0,
        contact_user=leg.dialog.contact_user,
    )
    adopted = AdoptedLeg(call, call.new_leg_id("called"), call.services, request)
    sip_call_id = leg.dialog.call_id
    adopted.take(leg)
    call.add_leg(adopted)
    call.emit(
        LegOriginated,
        leg=adopted.leg_id,
        trunk=adopted.trunk.name,
        sip_call_id=sip_call_id,
        from_number=request.from_number,
        to_number=number,
    )
    call.emit(LegAnswered, leg=adopted.leg_id, codec=adopted.codec)
    return adopted
