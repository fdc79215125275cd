"""An outbound leg: an INVITE of ours, its forks, its early media and its outcome. RFC 3261
sections 9, 13.2 and 14."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, ClassVar

from rtp.engine import MediaPort
from softswitch import sdp
from softswitch.call.dial_request import DialRequest
from softswitch.call.events import LegAnswered, LegOriginated, LegProgressed
from softswitch.call.forks import Forks
from softswitch.call.leg import DIALOG_HANDLERS, Handler, Leg
from softswitch.call.leg_media import LegMedia, codecs_named, session_description_of
from softswitch.call.outcomes import Cancelled, DialFailure, Rejected, TimedOut
from softswitch.call.redirecting import FOLLOWED, Redirections
from softswitch.sip import events as sip_events
from softswitch.sip.causes import q850_for_status, sip_reason_header
from softswitch.sip.flow import Flow
from softswitch.sip.headers.reason import q850_cause_of
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.message import Response
from softswitch.sip.multipart import has_session_description

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.services import Services
    from softswitch.sip.digest import Credentials

logger = logging.getLogger(__name__)

REJECTING_TONES = {"busy": (486, 17), "reorder": (503, 34), "sit": (404, 1)}
"""The status and the Q.850 cause that a tone stands for: user busy, no circuit available,
unallocated number (what the special information tones announce most often)."""

COMPLETED_ELSEWHERE = sip_reason_header(200, "Call completed elsewhere")
"""RFC 3326 section 2: the CANCEL of a call that was answered by another phone."""

__all__ = ["COMPLETED_ELSEWHERE", "CalledLeg"]


UNUSABLE = "the answer's session description is not usable"


class CalledLeg(Leg):
    """A leg that we originate."""

    side: ClassVar[str] = "called"

    def __init__(self, call: Call, leg_id: str, services: Services, request: DialRequest) -> None:
        super().__init__(call, leg_id, request.trunk, services)
        self.handlers = CALLED_HANDLERS
        self.request = request
        self.invite: OutgoingInvite | None = None
        self.outcome: asyncio.Future[DialFailure | None] = services.loop.create_future()
        """Set once: why nobody answered, or None when somebody did."""
        self.early_media = False
        self._ring_timer: asyncio.TimerHandle | None = None
        self._prefer: str | None = None
        """The codec that the other party speaks."""
        self._forks: Forks | None = None
        """Those that have described themselves before the answer."""
        self._redirections: Redirections | None = None
        """Where its far end has sent it."""
        self._goes_to = request
        """What its INVITE says: `request`, unless the far end has sent it elsewhere."""
        self._ways: list[Flow] = []
        """Servers that were not tried yet."""
        self._way: Flow = request.flow
        self._heard = False
        """Whether a provisional response has come."""
        self._why_unusable = ""
        """What was wrong with the last description that could not be used."""
        self._patience: asyncio.TimerHandle | None = None

    def open_media(self, *, beside: MediaPort | None, prefer: str | None, ptime_ms: int) -> None:
        """Take a media port on the shard of the caller's; raises PortsExhausted."""
        self._prefer = prefer if prefer in self.trunk.codecs else None
        self.media = LegMedia(
            self.services,
            self,
            codecs_named(self.trunk.codecs, prefer),
            beside=beside,
            trunk=self.trunk,
            socket=self.request.flow.listener,
        )
        if self.trunk.ptime_ms is None:
            self.media.ptime_ms = ptime_ms

    def originate(self) -> None:
        """Send the INVITE and start the ring timer."""
        assert self.media is not None
        request = self._goes_to = self.request
        services = self.services
        self._ways = services.ways.of(self.trunk, request.flow, services.servers, services.now())
        self._send_invite()
        assert self.invite is not None
        self.originated_clock = services.now()
        self._ring_timer = services.loop.call_later(request.ring_seconds, self._on_no_answer)
        self.call.emit(
            LegOriginated,
            leg=self.leg_id,
            trunk=self.trunk.name,
            sip_call_id=self.invite.call_id,
            from_number=request.from_number,
            to_number=request.to_number,
        )

    def _send_invite(self) -> None:
        """Call the first server that was not tried yet."""
        assert self.media is not None
        request, self._way = self._goes_to, self._ways.pop(0)
        if request.trunk.identity is not None and self.services.vouching is not None:
            request = self.services.vouching.vouched(self.call, request)
        self._heard = False
        self.invite = self.services.stack.invite(
            uri=request.uri,
            to_flow=self._way,
            from_=request.from_header,
            to=f"<{request.uri}>",
            contact_user=request.contact_user,
            body=b"" if self.trunk.offers == "late" else self.media.offer(),
            headers=request.headers,
            owner=self,
            credentials=self._credentials(),
            session_interval=int(self.trunk.session_expires or 0),
            may_use_tcp=request.trunk.may_use_tcp,
            tcp_listener=request.trunk.tcp_listener,
            peer=request.trunk,
            now=self.services.now(),
        )
        self._be_patient()

    def _credentials(self) -> Credentials | None:
        """Those of the trunk; nobody whom it names gets an answer made of its password."""
        if self._goes_to is not self.request and self._goes_to.flow.host != self.trunk.host:
            return None
        return self.services.logins.of(self.trunk)

    def _be_patient(self) -> None:
        """Wait as long as the trunk may say nothing."""
        if self.trunk.no_response_seconds is not None:
            self._patience = self.services.loop.call_later(
                self.trunk.no_response_seconds, self._on_no_response
            )
        self.services.flush_soon()

    def _on_no_response(self) -> None:
        """Nothing was heard, not even 100: the server is as good as gone."""
        self._patience = None
        if self.invite is None or self.invite.is_heard or self.outcome.done():
            return
        if self.invite.try_udp(now=self.services.now()):
            # It was too large for a datagram, and TCP leads nowhere.
            self._be_patient()
            return
        self.invite.owner = None
        self.invite.cancel(now=self.services.now())
        if not self._tries_next("no response"):
            self._conclude(Rejected(408, "no response", 102))

    def _tries_next(self, why: str) -> bool:
        """Go to the next server of the trunk, if there is one."""
        self._stop_patience()
        services = self.services
        services.ways.failed(self._way, services.now())
        if not self._ways:
            return False
        logger.info(
            "call %s leg %s: %s:%d: %s; trying the next server",
            self.call.call_id, self.leg_id, self._way.host, self._way.port, why,
        )  # fmt: skip
        self._send_invite()
        return True

    def _stop_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # Picked up by another phone, while it rings.

    def pick_up(self) -> None:
        """Ring nowhere any more: another phone has the call."""
        invite, self.invite = self.invite, None
        if invite is not None:
            invite.owner = None
            invite.cancel(headers=(("Reason", COMPLETED_ELSEWHERE),), now=self.services.now())

    def on_picked_up(self) -> None:
        """The other phone's dialog is the leg's: it is answered."""
        if self.ended or self.outcome.done():
            return
        self.answered = True
        self.answered_clock = self.services.now()
        self._conclude(None)
        self.call.emit(LegAnswered, leg=self.leg_id, codec=self.codec)

    # In a caller's place: nobody waits for our answer there.

    @property
    def waiting(self) -> bool:
        """Whether its INVITE waits for an answer of ours."""
        return False

    @property
    def best_codec(self) -> str | None:
        """What its party would speak best, beside what was agreed."""
        return None

    def ring(self, status: int) -> None:
        """There is nobody to be told."""

    def open_early_media(self, status: int, prefer: str | None) -> bool:
        """Nobody hears anything on this leg before it has answered."""
        return False

    def answer(self, prefer: str | None = None) -> None:
        """It is the far end that answers."""

    def refuse(self, status: int, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Take our INVITE back."""
        reason = next((value for name, value in headers if name == "Reason"), None)
        self.hang_up(reason, cause="cancelled")

    # What is heard.

    def on_tone(self, tone: str) -> None:
        """A call progress tone; some gateways play what others say with a status."""
        super().on_tone(tone)
        meant = REJECTING_TONES.get(tone)
        if meant is None or not self.request.act_on_tones or self.ended or self.outcome.done():
            return
        status, q850 = meant
        self._cancel(f'SIP;cause={status};text="heard {tone}"')
        self._conclude(Rejected(status, f"heard {tone}", q850, by_far_end=True))

    # What the stack says.

    def _on_provisional(self, event: sip_events.ProvisionalReceived) -> None:
        if self.outcome.done():
            return
        response = event.response
        self._heard = True
        described = self._is_described(response)
        if described:
            self.early_media = True
        self.call.emit(
            LegProgressed, leg=self.leg_id, status=response.status, early_media=self.early_media
        )
        self._on_progress(response.status, described=described)

    def _is_described(self, response: Response) -> bool:
        """Whether a description has come into force by a provisional response."""
        if self.trunk.offers == "late":
            return False  # it could be answered in the ACK only
        if response.status == 199:
            other = None if self._forks is None else self._forks.ends(response)
            return other is not None and self._accept(other)
        if not has_session_description(response):
            return False
        if self._forks is None:
            self._forks = Forks()
        return self._forks.describes(response) and self._accept(response)

    def _on_progress(self, status: int, *, described: bool) -> None:
        self.call.on_progress(self, status, described=described)

    def _accept(self, response: Response) -> bool:
        """Take a description of the far end into force; False when there is none to be used."""
        assert self.media is not None
        try:
            body = session_description_of(response)
            if body:
                self.media.accept(body)
        except (sdp.NotAcceptable, sdp.ParseError) as error:
            self._note_unusable(error)
            logger.info(
                "call %s leg %s: a description that cannot be used: %s",
                self.call.call_id, self.leg_id, error,
            )  # fmt: skip
            return False
        return bool(body)

    def _note_unusable(self, error: sdp.NotAcceptable | sdp.ParseError) -> None:
        """Keep what is to be told of it: only our own words, which have an end."""
        self._why_unusable = f": {error.text}" if isinstance(error, sdp.NotAcceptable) else ""

    def _on_answered(self, event: sip_events.InviteAnswered) -> None:
        self.dialog = event.dialog
        self.dialog.owner = self
        self.answered = True
        self.answered_clock = self.services.now()
        # A 2xx may leave out what a provisional response of the same leg has said already.
        late = self.trunk.offers == "late"
        agreed = self._answer_offer(event) if late else self._accept_answer(event.response)
        if self.outcome.done() or not agreed:
            self.answered = False
            self.send_bye('SIP;cause=488;text="Not Acceptable Here"' if not agreed else None)
            self._conclude(Rejected(488, f"{UNUSABLE}{self._why_unusable}", 88))
            return
        assert self.media is not None
        self._conclude(None)
        self.call.emit(LegAnswered, leg=self.leg_id, codec=self.media.codec)

    def _accept_answer(self, response: Response) -> bool:
        """Take the description of who has answered into force: that of the answer, or one from
        before."""
        if has_session_description(response):
            return self._accept(response)
        before = None if self._forks is None else self._forks.answers(response)
        return before is not None and self._accept(before)

    def _answer_offer(self, event: sip_events.InviteAnswered) -> bool:
        """Answer the offer that has come with the 2xx, in the ACK (RFC 3261 section 13.2.1)."""
        assert self.media is not None
        try:
            offer = sdp.SessionDescription.parse(session_description_of(event.response))
            answer = self.media.answer(offer, prefer=self._prefer)
        except (sdp.NotAcceptable, sdp.ParseError) as error:
            self._note_unusable(error)
            logger.info(
                "call %s leg %s: an offer that cannot be answered: %s",
                self.call.call_id, self.leg_id, error,
            )  # fmt: skip
            return False
        event.dialog.acknowledge(body=answer, now=self.services.now())
        self.services.flush_soon()
        return True

    def _on_rejected(self, event: sip_events.InviteRejected) -> None:
        response = event.response
        gone = event.status == 503 or event.why in ("timeout", "transport")
        why = event.why if response is None else f"{event.status}"
        if event.why == "transport":
            why = self._unsent()
        # RFC 3263 section 4.3: a 503, no response or no way there: the next server is asked.
        if gone and not (self._heard or self.outcome.done()) and self._tries_next(why):
            return
        if response is not None and not self.outcome.done() and self._goes_elsewhere(response):
            return
        if event.why == "transport":
            way = self._way
            self.detail = f"trunk {self.trunk.name}: {way.transport} {way.host}:{way.port}: {why}"
        reason = event.why if response is None else response.reason
        if response is not None and response.status < 300:
            reason = "hung up before it answered"
        cause = None if response is None else q850_cause_of(response.headers)
        q850 = q850_for_status(event.status) if cause is None else cause
        by_far_end = response is not None
        self._conclude(Rejected(event.status, reason, q850, by_far_end=by_far_end, cause=cause))

    def _unsent(self) -> str:
        """Why the INVITE got nowhere; one too large for a datagram went by TCP."""
        services, way = self.services, self._way
        why = services.why_unsent(way) or services.why_unsent(way._replace(transport="tcp"))
        return why or "not sent"

    def _goes_elsewhere(self, response: Response) -> bool:
        """Go where the far end says, or has said before."""
        status = response.status
        if status in FOLLOWED and self.trunk.redirects == "follow":
            if self._redirections is None:
                self._redirections = Redirections(self)
            self._redirections.take(response)
        if self._redirections is None or status >= 600:
            # 21.6: whoever says 6xx knows it for all places.
            return False
        request = self._redirections.next()
        if request is None or self.outcome.done():  # by a subscriber
            return request is not None
        self._stop_patience()
        self._goes_to, self._ways, self._forks = request, [request.flow], None
        self._send_invite()
        return True

    def _on_no_answer(self) -> None:
        self._ring_timer = None
        if not self.outcome.done():
            self._cancel('Q.850;cause=19;text="No answer from user"')
            self._conclude(TimedOut())

    def _cancel(self, reason: str | None) -> None:
        if self.invite is not None:
            headers = () if reason is None else (("Reason", reason),)
            self.invite.cancel(headers=headers, now=self.services.now())
            self.services.flush_soon()

    def _conclude(self, failure: DialFailure | None) -> None:
        """Set the outcome, once; a leg that was not answered is over with it."""
        self._stop_ring_timer()
        if self.outcome.done():
            return
        self.outcome.set_result(failure)
        if failure is not None:
            cause = failure.reason if isinstance(failure, Rejected) else type(failure).__name__
            self.finish(status=failure.status, q850=failure.q850, cause=cause)

    def _stop_ring_timer(self) -> None:
        self._stop_patience()
        if self._ring_timer is not None:
            self._ring_timer.cancel()
            self._ring_timer = None

    def hang_up(
        self, reason: str | None = None, *, cause: str = "hang_up", q850: int | None = None
    ) -> None:
        """End this leg by the method its state asks for: BYE when answered, CANCEL when not.

        `reason` is the value of a Reason header (RFC 3326); the call goes on.
        """
        if self.ended:
            return
        if self.answered:
            self.send_bye(reason)
            self.finish(status=200, cause=cause, q850=q850)
            return
        self._stop_ring_timer()
        self._cancel(reason)
        if not self.outcome.done():
            self.outcome.set_result(Cancelled())
        self.finish(status=487, cause=cause, q850=q850)

    def _detach(self) -> None:
        super()._detach()
        self._redirections = None
        if self.invite is not None:
            self.invite.owner = None


CALLED_HANDLERS: dict[type, Handler] = {
    **DIALOG_HANDLERS,
    sip_events.ProvisionalReceived: CalledLeg._on_provisional,
    sip_events.InviteAnswered: CalledLeg._on_answered,
    sip_events.InviteRejected: CalledLeg._on_rejected,
}
