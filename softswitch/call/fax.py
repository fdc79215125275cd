"""Fax between the two of a bridged call: what one party asks for is asked of the other.

A party that turns from sound to fax by re-INVITE (T.38, RFC 3362, ITU-T T.38 annex D) gets what the
other party answers to the same question, and so does one that turns back: its re-INVITE waits
meanwhile. From then on the engine passes their datagrams on unread. Whatever goes wrong on the way
leaves both parties with the sound that they had, or has them asked for it again. Whether a trunk
has fax at all is its `t38`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from rtp.engine import MediaPort
from softswitch import sdp
from softswitch.call.events import FaxRelayed, FaxRelayEnded, FaxRelayRefused
from softswitch.call.leg_media import LegMedia, offering, session_description_of
from softswitch.sdp.fax import FaxDescription, answer_fax, asks_for_fax, offer_fax, read_fax
from softswitch.sip import events as sip_events
from softswitch.sip.message import Request, Response
from softswitch.sip.multipart import has_session_description

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg

__all__ = ["MAX_WAIT_SECONDS", "FaxRelay", "refusal_of", "take_offer", "tell_refused"]

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 20.0
"""How long a party's offer may wait for the other party's answer: time for a glare or two, and less
than a client waits with a re-INVITE of its own (Timer B, 32 s)."""

NOT_ACCEPTABLE = 488
SERVER_TIMEOUT = 504
REQUEST_PENDING = 491
PASSED_ON = frozenset({415, NOT_ACCEPTABLE, REQUEST_PENDING, 606})
"""Refusals that mean the same to who has asked; any other becomes 488, upon which fax machines go
on by sound."""


def take_offer(leg: Leg, event: sip_events.ReinviteReceived) -> bool:
    """Take a re-INVITE that has to do with fax; False: it is for the leg itself to answer."""
    if leg.fax is not None:
        leg.fax.on_offer(leg, event.request)
        return True
    request, other = event.request, leg.call.other_leg(leg)
    if other is None or b"image" not in request.body:
        return False
    try:
        description = sdp.SessionDescription.parse(session_description_of(request))
        if not asks_for_fax(description):
            return False
        theirs = read_fax(description, _media(leg).local)
    except (sdp.ParseError, sdp.NotAcceptable):
        return False
    unset = {side.trunk.name for side in (leg, other) if not side.trunk.t38}
    if unset:
        # The leg itself says no to what has no sound.
        names = ", ".join(sorted(unset))
        tell_refused(leg, NOT_ACCEPTABLE, "not_set", f"t38 is not set for trunk {names}")
        return False
    # RFC 3311 5.2: an UPDATE is to be answered at once, and that depends on others.
    status = SERVER_TIMEOUT if request.method != "INVITE" else refusal_of(leg, other)
    if status:
        event.dialog.reject_reinvite(status, now=leg.services.now())
        tell_refused(leg, status, "not_now")
        return True
    FaxRelay(leg.call, leg, other).ask(description, theirs)
    return True


def refusal_of(leg: Leg, other: Leg) -> int:
    """The status that an offer of fax is refused with at once; 0: it can be passed on."""
    for side in (leg, other):
        if side.trunk.srtp == "required" or side.on_hold or side.company is not None:
            return NOT_ACCEPTABLE
        if side.media is None or side.media.held or side.secrets:
            return NOT_ACCEPTABLE
    if leg.is_negotiating or other.is_negotiating or not other.answered:
        return REQUEST_PENDING
    return 0


def _media(leg: Leg) -> LegMedia:
    assert leg.media is not None
    return leg.media


def tell_refused(leg: Leg, status: int, why: str, detail: str = "") -> None:
    """There is no fax, and sound goes on."""
    call = leg.call
    logger.info("call %s leg %s: no fax: %s (%d)", call.call_id, leg.leg_id, detail or why, status)
    call.emit(FaxRelayRefused, leg=leg.leg_id, status=status, why=why)


class FaxRelay:
    """Two legs from the first question for fax until both have sound again."""

    __slots__ = (
        "_asked_first",
        "_asker",
        "_began",
        "_call",
        "_offer",
        "_other",
        "_passed_before",
        "_request",
        "_said",
        "_theirs",
        "_timer",
    )

    def __init__(self, call: Call, leg: Leg, other: Leg) -> None:
        self._call = call
        self._asked_first, self._other = leg, other
        self._asker: Leg | None = None
        """Whose re-INVITE waits for the other party's answer."""
        self._request: Request | None = None
        """That re-INVITE, where it asks for sound again."""
        self._offer: sdp.SessionDescription | None = None
        """What it offers."""
        self._theirs: FaxDescription | None = None
        self._said: dict[Leg, tuple[str, ...]] = {}
        """The attributes that each party was told."""
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None
        """Since when datagrams are passed on; None: they are not."""
        self._passed_before = 0
        leg.fax = other.fax = self

    # What parties ask for.

    def ask(self, offer: sdp.SessionDescription, theirs: FaxDescription) -> None:
        """Ask the other party for the fax that the first has offered."""
        self._offer, self._theirs = offer, theirs
        other = self._other
        self._said[other] = theirs.attributes
        self._wait_for(other, self._asked_first)
        other.offer_other(offer_fax(_media(other).local, theirs.attributes))

    def on_offer(self, leg: Leg, request: Request) -> None:
        """A party has made another offer while there is fax, or while that is being asked for."""
        if self._asker is not None or self._began is None or leg.is_negotiating:
            self._reject(leg, REQUEST_PENDING)
            return
        if not has_session_description(request):
            leg.offer_in_answer(offer_fax(_media(leg).local, self._said[leg]))
            return
        try:
            description = sdp.SessionDescription.parse(session_description_of(request))
            if asks_for_fax(description):
                self._go_on(leg, description)
            else:
                _media(leg).check(description)
                self._ask_for_sound(leg, request)
        except (sdp.ParseError, sdp.NotAcceptable) as error:
            logger.info(
                "call %s leg %s: %s refused: %s", *self._names(leg), offering(request), error
            )
            self._reject(leg, NOT_ACCEPTABLE)

    def _go_on(self, leg: Leg, offer: sdp.SessionDescription) -> None:
        """What is agreed is offered again, perhaps from another address."""
        theirs = read_fax(offer, _media(leg).local)
        body = answer_fax(offer, _media(leg).local, self._said[leg])
        assert leg.dialog is not None
        leg.dialog.accept_reinvite(body=body, now=leg.services.now())
        _aim(leg, theirs)

    def _ask_for_sound(self, leg: Leg, request: Request) -> None:
        other = self._partner(leg)
        if request.method != "INVITE" or other.is_negotiating:
            self._reject(leg, SERVER_TIMEOUT if request.method != "INVITE" else REQUEST_PENDING)
            return
        self._request = request
        self._wait_for(other, leg)
        other.offer_sound()

    def on_cancelled(self, leg: Leg) -> None:
        """A party has taken its offer back; 487 is sent. What the other one answers is undone."""
        if leg is self._asker:
            self._forget_asker()
            if self._began is None:
                tell_refused(leg, 487, "withdrawn")

    def _on_late(self) -> None:
        asker = self._asker
        self._timer = None
        if asker is not None:
            self._refuse(asker, NOT_ACCEPTABLE, "late")

    # What they answer.

    def on_answered(self, leg: Leg, response: Response) -> None:
        """A party agrees to what it was asked for last, as it seems."""
        if self._asker is None:
            self._on_unasked(leg, response)
        elif self._request is not None:
            self._on_sound(leg, self._asker, self._request, response)
        else:
            self._on_fax(leg, self._asker, response)

    def _on_unasked(self, leg: Leg, response: Response) -> None:
        """What it answers is wanted by nobody any more, or it was asked again for what there is."""
        theirs = None if self._began is None else self._read(leg, response)
        if theirs is None:
            self.give_up("refused")
        else:
            _aim(leg, theirs)

    def _on_fax(self, leg: Leg, asker: Leg, response: Response) -> None:
        theirs = self._read(leg, response)
        if theirs is None:
            # It has said yes to something else: it is asked for the sound that it had.
            self._refuse(asker, NOT_ACCEPTABLE, "refused")
            self._close("refused")
            leg.offer_sound()
            return
        assert self._offer is not None
        assert self._theirs is not None
        assert asker.dialog is not None
        body = answer_fax(self._offer, _media(asker).local, theirs.attributes)
        self._said[asker] = theirs.attributes
        asked = self._theirs
        self._forget_asker()
        asker.dialog.accept_reinvite(body=body, now=asker.services.now())
        self._begin(asker, asked, leg, theirs)

    def _on_sound(self, leg: Leg, asker: Leg, request: Request, response: Response) -> None:
        if not leg.take_answer(response):
            self._refuse(asker, NOT_ACCEPTABLE, "refused")
            return
        self._close("asked")
        if not asker.ended:  # by a subscriber
            asker.answer_sound(request)

    def on_rejected(self, leg: Leg, status: int) -> None:
        """A party refuses what it was asked for last."""
        asker = self._asker
        if asker is not None and leg is not asker:
            self._refuse(asker, status if status in PASSED_ON else NOT_ACCEPTABLE, "refused")
        if self._began is None:
            self._close("refused")

    def on_acknowledged(self, leg: Leg, body: bytes) -> None:
        """A party that asked what we would offer has said what it takes of it."""
        theirs = self._read(leg, body)
        if theirs is None:
            self.give_up("refused")
        else:
            _aim(leg, theirs)

    # Its life.

    def refresh(self, leg: Leg) -> None:
        """Say again what is agreed: the session timer wants to see that the party is there."""
        if self._began is not None and self._asker is None and not leg.is_negotiating:
            leg.offer_other(offer_fax(_media(leg).local, self._said[leg]))

    def give_up(self, why: str = "parted") -> None:
        """Have both parties asked for sound, wherever they are."""
        asker, fax = self._asker, self._began is not None
        changed = [self._asked_first, self._other] if fax else [self._other]
        if asker is not None:
            self._refuse(asker, NOT_ACCEPTABLE, why)
        self._close(why)
        for leg in changed:
            if not (leg.ended or self._call.ended):
                leg.offer_sound()

    def on_left(self, leg: Leg) -> None:
        """A leg is over, or has another party."""
        fax, asker, other = self._began is not None, self._asker, self._partner(leg)
        self._close("hung_up")
        if other.ended or self._call.ended:
            return
        if asker is other:
            self._reject(other, NOT_ACCEPTABLE)
        if fax or other is self._other:
            other.offer_sound()

    def _begin(self, asker: Leg, asked: FaxDescription, leg: Leg, theirs: FaxDescription) -> None:
        call = self._call
        self._began = call.services.now()
        call.media_expected_from = self._began
        _aim(asker, asked)
        _aim(leg, theirs)
        _media(asker).port.pass_with(_media(leg).port)
        self._passed_before = self._passed()
        logger.info("call %s leg %s: fax with leg %s", *self._names(asker), leg.leg_id)
        call.emit(FaxRelayed, leg=asker.leg_id, other_leg=leg.leg_id, version=theirs.version)

    def _close(self, why: str) -> None:
        """Nothing is asked any more, and nothing passed on."""
        self._forget_asker()
        began, self._began = self._began, None
        for leg in (self._asked_first, self._other):
            if leg.fax is self:
                leg.fax = None
        if began is None:
            return
        call = self._call
        datagrams = self._passed() - self._passed_before
        for port in self._ports():
            port.pass_no_more()
        call.media_expected_from = call.services.now()
        logger.info("call %s leg %s: fax ends: %s", *self._names(self._asked_first), why)
        call.emit(
            FaxRelayEnded,
            leg=self._asked_first.leg_id,
            other_leg=self._other.leg_id,
            why=why,
            seconds=round(call.services.now() - began, 3),
            datagrams=datagrams,
        )

    def _ports(self) -> list[MediaPort]:
        media = [leg.media for leg in (self._asked_first, self._other)]
        return [one.port for one in media if one is not None and not one.port.closed]

    def _passed(self) -> int:
        return sum(port.statistics().datagrams_sent for port in self._ports())

    def _wait_for(self, other: Leg, asker: Leg) -> None:
        self._asker = asker
        self._timer = other.services.loop.call_later(MAX_WAIT_SECONDS, self._on_late)

    def _forget_asker(self) -> None:
        self._asker = self._request = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, asker: Leg, status: int, why: str) -> None:
        """Tell who has asked that it does not get it."""
        wanted_fax = self._request is None
        self._forget_asker()
        self._reject(asker, status)
        if wanted_fax:
            tell_refused(asker, status, why)

    def _reject(self, leg: Leg, status: int) -> None:
        if leg.dialog is not None:
            leg.dialog.reject_reinvite(status, now=leg.services.now())
            leg.services.flush_soon()

    def _read(self, leg: Leg, answer: Response | bytes) -> FaxDescription | None:
        """The fax that an answer takes; None where it takes none."""
        try:
            body = answer if isinstance(answer, bytes) else session_description_of(answer)
            return read_fax(sdp.SessionDescription.parse(body), _media(leg).local)
        except (sdp.ParseError, sdp.NotAcceptable) as error:
            logger.info("call %s leg %s: no fax in its answer: %s", *self._names(leg), error)
            return None

    def _partner(self, leg: Leg) -> Leg:
        return self._other if leg is self._asked_first else self._asked_first

    def _names(self, leg: Leg) -> tuple[str, str]:
        return self._call.call_id, leg.leg_id


def _aim(leg: Leg, theirs: FaxDescription) -> None:
    """Send to where a party wants its datagrams."""
    media = _media(leg)
    media.port.set_remote(theirs.host, theirs.port)
    if media.agreement is not None:
        # The port is aimed anew when there is sound again, wherever that was before.
        media.agreement = msgspec.structs.replace(media.agreement, remote_port=0)
