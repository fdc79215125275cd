"""An INVITE with Replaces takes a leg over: the leg goes on by the dialog of another phone.

RFC 3891 sections 3 and 4. The leg, its number in the call and its media port stay; its peer gets a
BYE, or a CANCEL where it rings. Who may take what over is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch import sdp
from softswitch.call.called_leg import CalledLeg
from softswitch.call.events import LegReplaced
from softswitch.call.leg_media import LegMedia, session_description_of
from softswitch.sip.causes import reason_header
from softswitch.sip.multipart import has_session_description

if TYPE_CHECKING:
    from softswitch.call.leg import Leg
    from softswitch.sip.invite_server import IncomingInvite

__all__ = ["take_over"]

NORMAL_CLEARING = 16


def take_over(leg: Leg, invite: IncomingInvite, by: str) -> None:
    """Answer the INVITE of `by` for the leg, and leave the leg's former peer.

    Raises sdp.ParseError or sdp.NotAcceptable; everything is as before then.
    """
    media = leg.media
    assert media is not None
    held_before, rings = media.held, not leg.answered
    body, direction = _describe(leg, media, invite)
    dialog = invite.accept(body=body, now=leg.services.now())
    dialog.credentials = leg.services.logins.of(leg.trunk)
    if rings and isinstance(leg, CalledLeg):
        leg.pick_up()
    else:
        leg.send_bye(reason_header(NORMAL_CLEARING))
    leg.go_on_by(dialog, direction, has_offered=not has_session_description(invite.request))
    leg.services.flush_soon()
    leg.call.emit(
        LegReplaced, leg=leg.leg_id, trunk=leg.trunk.name, sip_call_id=dialog.call_id, by=by
    )
    if rings and isinstance(leg, CalledLeg):
        leg.on_picked_up()
    elif not leg.ended:
        leg.tell_media(held_before)


def _describe(leg: Leg, media: LegMedia, invite: IncomingInvite) -> tuple[bytes, str]:
    """Our description for the new peer, and the direction it has."""
    direction = leg.wanted_direction()
    offer = session_description_of(invite.request)
    if not offer:
        return media.offer(direction=direction, anew=True), direction
    description = sdp.SessionDescription.parse(offer)
    return media.answer(description, prefer=media.codec, direction=direction), direction
