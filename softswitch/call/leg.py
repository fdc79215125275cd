"""A leg: one dialog and its media port.

What both sides of a call share: events of the stack find their method here, re-INVITEs are
answered at once and a hold is passed on, BYE ends the leg; what treatments do with one leg (play,
read keys, press keys, transfer). Which side a leg is on is in its subclasses. RFC 3261 sections
12-15, RFC 3264 section 8.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from config.model import Prompt, Trunk
from softswitch import sdp
from softswitch.call.company import Company, left
from softswitch.call.digit_sieve import WINDOW_SECONDS, DigitSieve
from softswitch.call.events import LegEnded, LegHeld, LegQuality, LegResumed, ProgressHeard
from softswitch.call.fax import FaxRelay, take_offer
from softswitch.call.key_sender import send_keys
from softswitch.call.keys import Keys
from softswitch.call.leg_media import LegMedia, offering, session_description_of
from softswitch.call.outcomes import TransferOutcome
from softswitch.call.player import Player
from softswitch.call.reasons import parting_of
from softswitch.call.secrecy import SECRET_REST_SECONDS, Secrecy
from softswitch.call.seldom import how_often
from softswitch.call.services import LoadedPrompt
from softswitch.call.transfer import Transfer, transfer
from softswitch.sip import events as sip_events
from softswitch.sip.causes import q850_for_status
from softswitch.sip.dialog import Dialog
from softswitch.sip.message import Request, Response
from softswitch.sip.multipart import has_session_description

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.moving import Move
    from softswitch.call.services import Services
    from softswitch.sip.in_turn import InTurn
    from softswitch.sip.requests import OutgoingRequest

logger = logging.getLogger(__name__)

Handler = Callable[[Any, Any], None]


class Leg:
    """Base of the calling and the called leg; `side` says which."""

    side: ClassVar[str]

    quality = LegQuality()
    """What was received, where another leg has the media by now."""
    move: Move | None = None
    """The transfer that its peer has asked for last."""
    fax: FaxRelay | None = None
    """What becomes of fax between it and the leg it is bridged to; None: there is sound."""
    asked_clock = float("-inf")
    """When its peer was last asked whether it is there, since nothing was heard of it."""
    question: OutgoingRequest | None = None
    """What it was asked by then."""
    told_keys: InTurn | None = None
    """What its peer is told of keys by INFO; made at the first one."""

    def __init__(self, call: Call, leg_id: str, trunk: Trunk, services: Services) -> None:
        self.handlers = DIALOG_HANDLERS
        """What each event of the stack does; the subclass knows more."""
        self.call = call
        self.leg_id = leg_id
        self.trunk = trunk
        self.services = services
        self.dialog: Dialog | None = None
        self.media: LegMedia | None = None
        self.ended = False
        self.ended_as = ""
        self.detail: str | None = None
        """Why its INVITE got nowhere."""
        """The cause of its end."""
        self.answered = False
        self.opened_clock = services.now()
        self.originated_clock: float | None = None
        """When our INVITE was sent; None on the caller's leg."""
        self.answered_clock: float | None = None
        self.ended_clock: float | None = None
        self.keys = Keys(services.loop)
        self._sieve: DigitSieve | None = None
        """Made at the first key: most legs press none."""
        self.player = Player(call, leg_id)
        self.secrets = 0
        """How many secret questions are being answered on this leg now."""
        self.secret_until = 0.0
        """Until when a key counts as the rest of a secret; each such key moves it on."""
        self.secret_spans: tuple[tuple[float, float], ...] = ()
        """The last stretches in which a secret was asked for, monotonic; what was said in them is
        recognised later."""
        self.transferring: Transfer | None = None
        self.company: Company | None = None
        """The conferences and supervisors it hears and is heard by; None: there are none."""
        self.on_hold: str | None = None
        """The direction in which we have put the leg on hold; None: it is not."""
        self.hold_timer: asyncio.TimerHandle | None = None
        """Takes it off hold."""
        self.direction_untold = False
        """Whether the peer held or resumed while there was nobody to pass it on to."""
        # re-INVITE state
        self._reinviting = False
        self._passed_direction = "sendrecv"
        self._answering_offer_with_ours = False

    @property
    def codec(self) -> str | None:
        """Name of the codec agreed with this leg's peer."""
        return None if self.media is None else self.media.codec

    # The interface of treatments.

    async def play(self, prompt: Prompt | LoadedPrompt, *, barge_in: bool = False) -> bool:
        """Play a prompt to its end; False when a key or the end of the leg cut it short.

        With `barge_in` a key pressed before or during the prompt ends it and stays to be read.
        """
        if barge_in and self.keys:
            return False
        played = self.start_playing(prompt)
        if not barge_in:
            return await played
        pressed = asyncio.ensure_future(self.keys.wait())
        try:
            await asyncio.wait((played, pressed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pressed.cancel()
        if played.done():
            return played.result()
        self.stop_playing()
        return False

    def start_playing(
        self, prompt: Prompt | LoadedPrompt, *, repeat: bool = False
    ) -> asyncio.Future[bool]:
        """Play without waiting; the future is set when it has ended or was cut."""
        if self.ended or self.media is None:
            cut: asyncio.Future[bool] = self.services.loop.create_future()
            cut.set_result(False)
            return cut
        if isinstance(prompt, Prompt):
            prompt = self.services.prompts.prompt(prompt, country=self.call.campaign.ringback)
        return self.player.start(self.media.port, prompt, repeat=repeat)

    def stop_playing(self) -> None:
        """Cut what plays."""
        self.player.stop()

    async def next_digit(self, within: float) -> str | None:
        """The next key pressed on this leg, or None when none came within so many seconds.

        Keys of legs that hear each other are not kept.
        """
        return await self.keys.next(within)

    def forget_digits(self) -> None:
        """Drop keys that were pressed ahead."""
        self.keys.forget()

    async def send_dtmf(self, digits: str) -> bool:
        """Press keys towards the peer and wait until they are sent; False when it could not be.

        `digits` are 0-9 * # A-D; `w` waits half a second, anything else is left out. They go as
        events (RFC 4733) where the peer agreed to them, else as tones.
        """
        return await send_keys(self, digits)

    async def transfer(self, to: str, *, within: float) -> TransferOutcome:
        """Ask the peer by REFER to call elsewhere (RFC 3515); `to` is a SIP or tel URI.

        When that has worked the call ends, `transferred`; else it goes on, unless the peer left.
        """
        return await transfer(self, to, within)

    def secret(self) -> Secrecy:
        """`with leg.secret():` the keys pressed meanwhile stand nowhere and reach no other leg."""
        return Secrecy(self)

    def after_secret(self, now: float) -> bool:
        """Whether a key pressed now is the rest of a secret entry that was long enough already:
        nobody's business either."""
        if now >= self.secret_until:
            return False
        self.secret_until = now + SECRET_REST_SECONDS
        if self.secret_spans and not self.secrets:
            begin, _ = self.secret_spans[-1]
            self.secret_spans = (*self.secret_spans[:-1], (begin, self.secret_until))
        return True

    def on_key_sounds(self, now: float) -> None:
        """A key heard in the sound is still down: the rest of a secret is over a while after its
        end, not its begin."""
        if not self.secrets:
            self.after_secret(now)

    def secret_during(self, start: float, end: float) -> bool:
        """Whether a secret was being asked for at some moment of a stretch (monotonic)."""
        return any(begin < end and start < until for begin, until in self.secret_spans)

    # What the stack says.

    def receive(self, event: object) -> None:
        """Take an event of the stack that is about this leg; events after the end are nobody's."""
        if self.ended:
            return
        handler = self.handlers.get(type(event))
        if handler is not None:
            handler(self, event)

    def _on_bye(self, event: sip_events.ByeReceived) -> None:
        if self.transferring is not None:
            self.transferring.on_bye(self)
        parting = parting_of(event.request.headers)
        self.call.on_hung_up(self, reason=parting.reason, q850=parting.q850)

    def _on_dialog_terminated(self, event: sip_events.DialogTerminated) -> None:
        self.call.on_leg_lost(self, why=event.why)

    def _on_reinvite(self, event: sip_events.ReinviteReceived) -> None:
        """RFC 3261 14.2 and RFC 3264 8: answer at once; a refused offer changes nothing."""
        dialog, media, now = event.dialog, self.media, self.services.now()
        if media is None:
            dialog.reject_reinvite(488, now=now)
        elif media.agreement is None:
            # An UPDATE while the first offer is not answered yet (RFC 3311 5.2).
            dialog.reject_reinvite(500, headers=(("Retry-After", "1"),), now=now)
        elif take_offer(self, event):
            pass
        elif not has_session_description(event.request):
            self._answering_offer_with_ours = True
            offer = media.offer(direction=self.wanted_direction(), anew=True)
            dialog.accept_reinvite(body=offer, now=now)
        else:
            self._answer_reinvite(dialog, media, event.request, now)
        self.services.flush_soon()

    def _answer_reinvite(
        self, dialog: Dialog, media: LegMedia, request: Request, now: float
    ) -> None:
        held_before = media.held
        prefer = media.codec
        try:
            description = sdp.SessionDescription.parse(session_description_of(request))
            answer = media.answer(description, prefer=prefer, direction=self.wanted_direction())
        except (sdp.NotAcceptable, sdp.ParseError) as error:
            logger.info(
                "call %s leg %s: %s refused: %s",
                self.call.call_id, self.leg_id, offering(request), error,
            )  # fmt: skip
            warning = ("Warning", error.warning(self.services.advertised_host))
            dialog.reject_reinvite(488, headers=(warning,), now=now)
            return
        dialog.accept_reinvite(body=answer, now=now)
        if self._reinviting:
            # Ours waits after glare: its offer must come after the answer just given (its version
            # in o= counts on, RFC 3264 section 8).
            self._offer(dialog, media)
        self._tell_hold(held_before, media.held)
        self._tell_direction()

    def _on_key(self, event: sip_events.KeyTold) -> None:
        self.on_digit(event.digit, "info", held=event.held)

    def _on_ack(self, event: sip_events.AckReceived) -> None:
        """The ACK of a 2xx whose offer was ours carries the answer (RFC 3261 13.2.1)."""
        if self.media is None or not self._answering_offer_with_ours:
            return
        self._answering_offer_with_ours = False
        if event.body and self.fax is not None:
            self.fax.on_acknowledged(self, event.body)
        elif event.body:
            self._accept_in_ack(self.media, event.body)
        elif self.media.agreement is None:
            self.call.on_media_refused(self, "the ACK has no answer to our offer")
        self.pass_direction()

    def _accept_in_ack(self, media: LegMedia, body: bytes) -> None:
        held_before = media.held
        try:
            media.accept(body)
        except (sdp.NotAcceptable, sdp.ParseError) as error:
            self.call.on_media_refused(self, str(error))
            return
        self._tell_hold(held_before, media.held)
        self._tell_direction()

    def _on_ack_timed_out(self, event: sip_events.AckTimedOut) -> None:
        self.call.on_leg_lost(self, why="no ACK")

    def _on_request(self, event: sip_events.RequestReceived) -> None:
        """REFER is all that the stack leaves to us."""
        desk = self.services.transfers
        if desk is None:
            event.transaction.respond(603, now=self.services.now())
            self.services.flush_soon()
        else:
            desk.receive(self, event)

    def _on_refer_told(self, event: sip_events.ReferTold) -> None:
        """The peer knows what became of its REFER."""
        if self.move is not None:
            self.move.on_told()

    def _on_clear_asked(self, event: sip_events.ClearAsked) -> None:
        """The peer names a way for our requests that is none by TLS: they are sent by TLS."""
        name = self.trunk.name
        times = self.services.seldom.tells(("clear", name), self.services.now())
        if times is not None:
            logger.warning(
                "call %s leg %s: trunk %s asks by TLS for requests to %.100s: they stay on TLS%s",
                self.call.call_id, self.leg_id, name, event.uri,
                how_often(times),
            )  # fmt: skip

    def _on_refer_progressed(self, event: sip_events.ReferProgressed) -> None:
        if self.transferring is not None:
            self.transferring.on_progress(event.status)

    def _on_refer_ended(self, event: sip_events.ReferEnded) -> None:
        if self.transferring is not None:
            self.transferring.on_ended(event)

    def _take_session(self, leg: Leg) -> None:
        """Go on where another leg is in its talk with the peer about media."""
        self._reinviting = leg._reinviting
        self._passed_direction = leg._passed_direction
        self._answering_offer_with_ours = leg._answering_offer_with_ours

    def go_on_by(self, dialog: Dialog, direction: str, *, has_offered: bool) -> None:
        """Have another dialog from now on, in which we have said this direction; the one before is
        left already. What was under way in that is nothing any more."""
        if self.dialog is not None:
            self.dialog.owner = None
        if self.fax is not None:
            self.fax.on_left(self)
        self.dialog = dialog
        dialog.owner = self
        self._reinviting = False
        self._passed_direction = direction
        self._answering_offer_with_ours = has_offered

    def tell_media(self, held_before: bool) -> None:
        """The peer has said what it wants."""
        if self.media is not None:
            self._tell_hold(held_before, self.media.held)
            self._tell_direction()

    # Hold, passed on.

    def wanted_direction(self) -> str:
        """The direction we would have towards this leg: what the other leg's peer asked of us, or
        that of our own hold."""
        other = self.call.other_leg(self)
        if self.trunk.hold == "local":
            return "sendrecv"
        if other is None or self.on_hold is not None:
            return self.on_hold or "sendrecv"
        return other.offered_direction()

    def _tell_direction(self) -> None:
        """The peer has said what it wants: whoever it is bridged to is told, now or then."""
        other = self.call.other_leg(self)
        self.direction_untold = other is None
        if other is not None:
            other.pass_direction()

    def offered_direction(self) -> str:
        """The direction this leg's peer wants, as it wrote it."""
        return "sendrecv" if self.media is None else self.media.peer_direction

    def pass_direction(self) -> None:
        """Tell this leg's peer, by re-INVITE, when the other leg's peer holds or resumes."""
        direction = self.wanted_direction()
        if self.dialog is None or self.media is None or not self.answered or self.ended:
            return
        if self._reinviting or direction == self._passed_direction or self.fax is not None:
            return
        if self._answering_offer_with_ours:
            return  # one offer at a time (RFC 3264 section 4): the ACK brings us back here
        self._reinviting = True
        self._passed_direction = direction
        self._offer(self.dialog, self.media)

    def _offer(self, dialog: Dialog, media: LegMedia) -> None:
        dialog.reinvite(body=media.offer(direction=self._passed_direction), now=self.services.now())
        self.services.flush_soon()

    def _on_refresh_due(self, event: sip_events.SessionRefreshDue) -> None:
        """The session timer wants to see that the peer is there (RFC 4028): nothing changes."""
        if self.media is None or self._reinviting or self._answering_offer_with_ours:
            return  # what is under way refreshes it too
        if self.fax is not None:
            self.fax.refresh(self)
            return
        self._reinviting = True
        self._offer(event.dialog, self.media)

    def _on_reinvite_answered(self, event: sip_events.ReinviteAnswered) -> None:
        self._reinviting = False
        if self.fax is not None:
            self.fax.on_answered(self, event.response)
        else:
            self.take_answer(event.response)
        self.pass_direction()

    def take_answer(self, response: Response) -> bool:
        """Take the answer to an offer of sound into force; False when it has none."""
        if self.media is None or not has_session_description(response):
            return False
        try:
            self.media.accept(session_description_of(response))
        except (sdp.NotAcceptable, sdp.ParseError) as error:
            logger.info(
                "call %s leg %s: answer to our re-INVITE not understood: %s",
                self.call.call_id, self.leg_id, error,
            )  # fmt: skip
            return False
        return True

    def _on_reinvite_rejected(self, event: sip_events.ReinviteRejected) -> None:
        """RFC 3261 14.1: the description in force stays as it was."""
        self._reinviting = False
        if self.fax is not None:
            self.fax.on_rejected(self, event.status)

    def _on_reinvite_cancelled(self, event: sip_events.ReinviteCancelled) -> None:
        if self.fax is not None:
            self.fax.on_cancelled(self)

    # Fax in place of sound, and back.

    @property
    def is_negotiating(self) -> bool:
        """Whether an offer of ours is not answered yet."""
        return self._reinviting or self._answering_offer_with_ours

    def offer_other(self, body: bytes) -> None:
        """Offer something else than sound."""
        if self.dialog is not None:
            self._reinviting = True
            self.dialog.reinvite(body=body, now=self.services.now())
            self.services.flush_soon()

    def offer_in_answer(self, body: bytes) -> None:
        """Answer a re-INVITE that has left the offer to us."""
        if self.dialog is not None:
            self._answering_offer_with_ours = True
            self.dialog.accept_reinvite(body=body, now=self.services.now())

    def offer_sound(self) -> None:
        """Offer sound again."""
        if self.dialog is not None and self.media is not None:
            self._reinviting = True
            self._passed_direction = self.wanted_direction()
            self._offer(self.dialog, self.media)

    def answer_sound(self, request: Request) -> None:
        """Answer a re-INVITE that offers sound, and has waited."""
        if self.dialog is not None and self.media is not None:
            self._answer_reinvite(self.dialog, self.media, request, self.services.now())
            self.services.flush_soon()

    def _tell_hold(self, before: bool, after: bool) -> None:
        if before != after:
            self.call.emit(LegHeld if after else LegResumed, leg=self.leg_id)
            self.call.media_expected_from = self.services.now()

    # What is heard.

    def on_tone(self, tone: str) -> None:
        """A call progress tone: ringback, busy, reorder, sit, or silence."""
        if not self.ended:
            self.call.emit(ProgressHeard, leg=self.leg_id, tone=tone)

    def on_fax(self, tone: str) -> None:
        """A fax tone: cng, ced or ansam."""
        if not self.ended:
            self.call.on_fax(self, tone)

    # What the engine says.

    def on_digit(self, digit: str, source: str = "rfc4733", *, held: float = 0.0) -> None:
        """A key was pressed on this leg; by which way that is told, and how long it is down."""
        if self.ended:
            return
        if self._sieve is None:
            self._sieve = DigitSieve()
        if self._sieve.is_new(digit, source, now=self.services.now(), held=held):
            self.call.on_digit(self, digit, source)

    def when_told_only_by(self, source: str, action: Callable[[], None]) -> None:
        """Do something for the key just told, once it is sure that the peer tells of it in no other
        way: at once, where it never has of any."""
        if self._sieve is None or self._sieve.is_only(source):
            action()
            return
        press = self._sieve.newest

        def look() -> None:
            if not self.ended and press.sources == {source}:
                action()

        self.services.loop.call_later(WINDOW_SECONDS, look)

    def on_playback_ended(self, playback: int, *, completed: bool) -> None:
        """A playback to this leg ended."""
        self.player.on_ended(playback, completed=completed)

    # The end.

    def hang_up(
        self, reason: str | None = None, *, cause: str = "hang_up", q850: int | None = None
    ) -> None:
        """Leave a leg that was answered; `reason` is the value of a Reason header (RFC 3326)."""
        if not self.ended:
            self.send_bye(reason)
            self.finish(status=200, cause=cause, q850=q850)

    def send_bye(self, reason: str | None) -> None:
        """Leave the dialog; the stack sees to the rest (RFC 3261 15.1.1)."""
        if self.dialog is not None:
            headers = () if reason is None else (("Reason", reason),)
            self.dialog.bye(headers=headers, now=self.services.now())
            self.services.flush_soon()

    def finish(self, *, status: int, cause: str, q850: int | None = None) -> None:
        """Close the media port and say that the leg is over, once."""
        if self.ended:
            return
        if self.transferring is not None:
            self.transferring.on_leg_over(self)
        if self.move is not None:
            self.move.on_left()
        self.stop_playing()
        self.ended, self.ended_as = True, cause
        if self.fax is not None:
            self.fax.on_left(self)
        self.ended_clock = self.services.now()
        self.keys.close()
        if self.hold_timer is not None:
            self.hold_timer.cancel()
        if self.company is not None:
            left(self)
        self.services.trunk_legs[self.trunk.name] -= 1
        quality = self.quality if self.media is None else self.media.close()
        self.call.emit(
            LegEnded,
            leg=self.leg_id,
            status=status,
            q850=q850_for_status(status) if q850 is None else q850,
            cause=cause,
            codec=self.codec,
            quality=quality,
            srtp=None if self.media is None else self.media.told_srtp,
            detail=self.detail,
        )
        self._detach()

    def _detach(self) -> None:
        """Break the ties between stack and leg, so that what lingers in the stack keeps no call
        alive."""
        if self.dialog is not None:
            self.dialog.owner = None


DIALOG_HANDLERS: dict[type, Handler] = {
    sip_events.ByeReceived: Leg._on_bye,
    sip_events.DialogTerminated: Leg._on_dialog_terminated,
    sip_events.ReinviteReceived: Leg._on_reinvite,
    sip_events.ReinviteAnswered: Leg._on_reinvite_answered,
    sip_events.ReinviteRejected: Leg._on_reinvite_rejected,
    sip_events.ReinviteCancelled: Leg._on_reinvite_cancelled,
    sip_events.SessionRefreshDue: Leg._on_refresh_due,
    sip_events.KeyTold: Leg._on_key,
    sip_events.AckReceived: Leg._on_ack,
    sip_events.AckTimedOut: Leg._on_ack_timed_out,
    sip_events.ClearAsked: Leg._on_clear_asked,
    sip_events.ReferProgressed: Leg._on_refer_progressed,
    sip_events.ReferEnded: Leg._on_refer_ended,
    sip_events.RequestReceived: Leg._on_request,
    sip_events.ReferTold: Leg._on_refer_told,
}
