"""A call: one caller's journey over legs, and the interface that treatments are written against.

A call has one task, which walks its treatment; it wakes for keys, answers and the end. Whatever
ends a call goes through `end`, once: every leg is left by the method its state asks for, every
media port is given back, the facts are emitted, the task is cancelled. How legs are called is in
`dialling`, what is done with one leg in `leg`, how a call is turned away in `rejection`. Knows
nothing of YAML nodes (`ivr/`), of look-up and records (`switchboard/`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from config.model import Campaign, Configuration, Prompt
from softswitch import sdp
from softswitch.call import ending
from softswitch.call.called_leg import CalledLeg
from softswitch.call.calling_leg import CallingLeg
from softswitch.call.company import tell
from softswitch.call.dial_request import DialRequest
from softswitch.call.dialling import Dialling, Screen
from softswitch.call.end_hold import EndHold, EndHolds
from softswitch.call.ending import MAX_RETRY_AFTER, NORMAL_CLEARING
from softswitch.call.events import CallBridged, CallEnded, CallEvent, DigitPressed, FaxHeard
from softswitch.call.fax_offer import ANSWERING_TONE, offer_to
from softswitch.call.holding import take_off_hold
from softswitch.call.joining import hear, join, part
from softswitch.call.key_sender import must_press, pass_key
from softswitch.call.leg import Leg
from softswitch.call.outcomes import DialFailure, DialOutcome, TransferOutcome
from softswitch.call.secrecy import Secrecy
from softswitch.call.services import LoadedPrompt, Services
from softswitch.call.staying import keep_called
from softswitch.call.times import CallTimes, times_of
from softswitch.sip.causes import reason_header, sip_reason_header

if TYPE_CHECKING:
    from softswitch.call.moving import Move
from softswitch.stir.verdict import Verified

__all__ = ["MAX_RETRY_AFTER", "Call"]

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=CallEvent)

MAX_FORWARDS = 70
"""RFC 3261 8.1.1.6: what a request says whose caller said nothing."""


class Call:
    """One call, from its INVITE to its record."""

    __deletable__ = ("caller",)
    """What `_part` deletes: a compiled class must know beforehand."""

    left_first: tuple[str, str] | None = None
    """Who has left the other, and how, where that is not what has ended the call at last, or was
    known only after its end."""
    verified: Verified | None = None
    """What became of the caller's signatures; None: nobody looked."""
    moving: Move | None = None
    """The transfer that a party has asked for, while it goes on."""
    moved = 0
    """How many there were."""
    first_callee: CalledLeg | None = None
    """Whom the caller was bridged to before one of the two was moved."""
    _gone: Leg | None = None
    """The leg whose peer has ended the call."""

    def __init__(
        self,
        call_id: str,
        services: Services,
        configuration: Configuration,
        campaign: Campaign,
        *,
        called: str,
        called_number: str,
    ) -> None:
        self.call_id = call_id
        self.services = services
        self.configuration = configuration
        self.called = called
        self.called_number = called_number
        self.campaign = campaign
        """Serves the call: of a syndicated one, the original."""
        self.counts_for = campaign
        """What the call counts for; what it wants heard is heard."""
        self.within: frozenset[str] = frozenset()
        """The only campaigns that whoever placed or routed it sees; empty: all, or nobody did."""
        self.caller: CallingLeg | CalledLeg
        """The leg that the treatment is for; one that we called, where the call is ours or the
        caller has left."""
        self.callee: CalledLeg | None = None
        """The leg the caller is bridged to."""
        self.joined: CalledLeg | None = None
        """The leg whose sound the caller hears, by bridge or early media."""
        self.bridged = False
        self.keeps_caller = False
        """Whether the caller stays when the party it talks to leaves: its treatment goes on."""
        self.keeps_called = False
        """Whether that party stays when the caller leaves: the treatment goes on with it."""
        self.parted_from: CalledLeg | None = None
        """The leg the caller has talked to last, when it talks no more."""
        self.ended = False
        self.caller_number = ""
        self.caller_name = ""
        self.private = False
        self.max_forwards = MAX_FORWARDS
        """What an outbound INVITE may say: one less than the caller's (RFC 7332)."""
        self.passed_headers: tuple[tuple[str, str], ...] = ()
        self.media_expected_from = services.now()
        """Since when RTP should have been heard; moved by answers, holds and resumes."""
        self.on_ending: Callable[[Call, str, str, float], None] | None = None
        """Told who ended the call, why and when (monotonic) when all legs are over, before the end
        is emitted: the last moment for a fact of this call."""
        self.on_ended: Callable[[Call], None] | None = None
        self.last_failure: DialFailure | None = None
        self._legs: list[Leg] = []
        self._event_number = 0
        self._told = False
        self._task: asyncio.Task[None] | None = None
        self._dialling: Dialling | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._talk: asyncio.Future[None] | None = None
        self._holds = EndHolds(call_id)

    # Life.

    def start(self, treatment: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin the treatment as the call's one task; a call that ends before never calls it."""
        task = self.services.loop.create_task(self._run(treatment), name=self.call_id)
        self.services.tasks.add(task)
        task.add_done_callback(self.services.tasks.discard)
        task.add_done_callback(self._part)
        self._task = task

    async def _run(self, treatment: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await treatment()
            self.end("switch", "treatment_ended")
        except asyncio.CancelledError:
            if self._task is asyncio.current_task():
                self.end("switch", "cancelled")
            raise
        except Exception:
            logger.exception("call %s: its treatment failed", self.call_id)
            self.end("switch", "internal_error", status=500, q850=41)

    def divert(self, treatment: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Break the treatment off, leave the legs it has called, and go on with another one."""
        left = self._task

        async def go_on() -> None:
            if left is not None and not left.done():
                await asyncio.wait((left,))
            await treatment()

        if left is not None:
            left.remove_done_callback(self._part)
        if self.moving is not None:
            self.moving.give_up()
        self.start(go_on)
        if left is not None:
            left.cancel()
        self.stop_playing()
        callee = part(self, "diverted")
        self.joined = None
        if callee is not None:
            callee.hang_up(reason_header(NORMAL_CLEARING), cause="diverted")

    @property
    def concluded(self) -> bool:
        """Whether the end of the call has been told."""
        return self._told

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task, for the owner to await at shutdown."""
        return self._task

    def emit(self, kind: type[E], **facts: Any) -> None:
        """Emit a fact of this call; after its end there are none."""
        if self._told:
            return
        self._event_number += 1
        services = self.services
        services.events.publish(
            kind(
                call_id=self.call_id,
                number=self._event_number,
                at=services.wall_clock(),
                clock=services.now(),
                **facts,
            )
        )

    def fact(self, kind: type[E], **facts: Any) -> E:
        """The next event of this call, for the caller to publish."""
        self._event_number += 1
        return kind(
            call_id=self.call_id,
            number=self._event_number,
            at=self.services.wall_clock(),
            clock=self.services.now(),
            **facts,
        )

    def new_leg_id(self, side: str) -> str:
        """`a` for the caller, `b1`, `b2`... for those called."""
        return "a" if side == "calling" else f"b{sum(leg.side == side for leg in self._legs) + 1}"

    def add_leg(self, leg: Leg) -> None:
        """Take a leg into the call, which ends it."""
        self.services.trunk_legs[leg.trunk.name] += 1
        self._legs.append(leg)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All legs there were and are, in the order in which they came."""
        return tuple(self._legs)

    def other_leg(self, leg: Leg) -> Leg | None:
        """The leg this one is bridged to."""
        if not self.bridged:
            return None
        return self.callee if leg is self.caller else self.caller

    # The interface of treatments.

    async def answer(self) -> None:
        """Answer the caller, if that has not happened; ends the call when nothing can be agreed.

        Where it is us who have called, wait until it answers.
        """
        caller = self.caller
        if caller.waiting:
            self._answer_caller(None)
        elif not caller.answered and isinstance(caller, CalledLeg):
            await asyncio.shield(caller.outcome)

    async def play(self, prompt: Prompt | LoadedPrompt, *, barge_in: bool = False) -> bool:
        """Play a prompt to the caller to its end; see `Leg.play`."""
        return await self.caller.play(prompt, barge_in=barge_in)

    def start_playing(self, prompt: LoadedPrompt, *, repeat: bool = False) -> asyncio.Future[bool]:
        """Play to the caller without waiting; the future is set when it has ended or was cut."""
        return self.caller.start_playing(prompt, repeat=repeat)

    def stop_playing(self) -> None:
        """Cut what plays to the caller."""
        self.caller.stop_playing()

    async def next_digit(self, within: float) -> str | None:
        """The next key of the caller, or None when none came within so many seconds."""
        return await self.caller.next_digit(within)

    def forget_digits(self) -> None:
        """Drop keys that the caller pressed ahead."""
        self.caller.forget_digits()

    def secret(self) -> Secrecy:
        """`with call.secret():` the caller's keys meanwhile stand nowhere and reach no leg."""
        return self.caller.secret()

    async def dial(self, request: DialRequest, *, screen: Screen | None = None) -> DialOutcome:
        """Call out and wait for the outcome; provisional answers reach the caller meanwhile.

        With `screen` the answered leg is asked before it counts as answered; see `dial_all`.
        """
        return await self.dial_all((request,), screen=screen)

    async def dial_by(self, dialling: Dialling, requests: Sequence[DialRequest]) -> DialOutcome:
        """Call all of them at once in a way of its own."""
        self._dialling = dialling
        try:
            return await dialling.run(requests)
        finally:
            self._dialling = None

    async def dial_all(
        self, requests: Sequence[DialRequest], *, screen: Screen | None = None
    ) -> DialOutcome:
        """Call all of them at once; the first that answers has the call, the others are cancelled.

        Each rings for its own `ring_seconds`. `screen(leg)` runs for each leg that answers, while
        the others ring on: the first for which it is true wins, one for which it is false is hung
        up. The caller hears ringback, and stays unanswered. When nobody takes it, the best failure
        by RFC 3261 section 16.7. The winner's request is `outcome.leg.request`.
        """
        return await self.dial_by(Dialling(self, screen), requests)

    def bridge(self, leg: CalledLeg) -> bool:
        """Join the caller and an answered leg, answering the caller if that is still due.

        False when there is nothing to bridge any more; the call has ended then, unless it keeps
        the caller.
        """
        if leg.ended:
            # It hung up in the moment between its answer and the bridge.
            if not self.keeps_caller:
                self.end("called", "hung_up")
            return False
        if self.caller.waiting and not self._answer_caller(leg.codec):
            return False
        self.stop_playing()
        leg.stop_playing()
        if self.caller.on_hold or leg.on_hold:
            take_off_hold(self, self.caller)
            take_off_hold(self, leg)
        if self.ended:
            return False  # by a subscriber
        join(self, leg)
        self.callee = leg
        self.bridged = True
        self.media_expected_from = self.services.now()
        self.emit(CallBridged, leg=self.caller.leg_id, other_leg=leg.leg_id)
        for side, other in ((self.caller, leg), (leg, self.caller)):
            if side.direction_untold and not self.ended:
                other.pass_direction()
        return not self.ended

    def unbridge(self) -> CalledLeg | None:
        """Part the two that talk: both stay up and hear nothing. The leg the caller has talked to,
        None when it did not talk. A transfer that goes on is given up."""
        if self.moving is not None:
            self.moving.give_up()
        return part(self, "asked")

    async def talk(self) -> None:
        """Wait until the bridged call ends: whoever hangs up ends it, unless it keeps the caller;
        then until the two are parted."""
        self._talk = self.services.loop.create_future()
        if self.bridged or not (self.keeps_caller or self.keeps_called):
            await self._talk

    def on_parted(self) -> None:
        """The two that talked are parted."""
        goes_on = (self.keeps_caller or self.keeps_called) and self.moving is None
        if goes_on and self._talk is not None and not self._talk.done():
            self._talk.set_result(None)

    async def transfer(self, to: str, *, within: float) -> TransferOutcome:
        """Send the caller elsewhere by REFER; when that has worked the call ends, `transferred`.

        `to` is a SIP or tel URI. A caller that was not answered is answered first.
        """
        await self.answer()
        return await self.caller.transfer(to, within=within)

    def times(self) -> CallTimes:
        """When the legs began, answered and ended, on the monotonic clock; whole at the end."""
        return times_of(self._legs, self.callee or self.parted_from, self.first_callee)

    def limit(self, seconds: float, cause: str = "max_duration") -> None:
        """End the call after so many seconds from now; a shorter limit replaces a longer one."""
        when = self.services.now() + seconds
        if self._limit is not None:
            if self._limit.when() <= when:
                return
            self._limit.cancel()
        self._limit = self.services.loop.call_at(when, self.end, "switch", cause)

    # What legs report.

    def on_digit(self, leg: Leg, digit: str, source: str = "rfc4733") -> None:
        """A key was heard: as an event, in the sound, or told by INFO."""
        if leg.secrets:
            leg.keys.press(digit)
            return
        if leg.after_secret(self.services.now()):
            return
        self.emit(DigitPressed, leg=leg.leg_id, digit=digit, source=source)
        if not (self.bridged and self._carries(leg)):
            leg.keys.press(digit)
        elif source == "info" or (source == "rfc4733" and must_press(self.other_leg(leg))):
            # Events and tones reach the other leg by themselves; events do not where it hears more.
            leg.when_told_only_by(source, lambda: self._pass_key(leg, digit))

    def _pass_key(self, leg: Leg, digit: str) -> None:
        if self.bridged and self._carries(leg) and not (leg.secrets or leg.on_hold):
            pass_key(self.other_leg(leg), digit)

    def on_fax(self, leg: Leg, tone: str) -> None:
        """A fax tone was heard."""
        self.emit(FaxHeard, leg=leg.leg_id, tone=tone)
        if tone == ANSWERING_TONE and self.bridged and self._carries(leg):
            offer_to(leg)

    def on_secrecy(self, leg: Leg) -> None:
        """A leg begins or ends to press keys that are nobody's business."""
        if self.joined is not None and not self.ended:
            hear(self.caller, self.joined)
        elif leg.company is not None:
            tell(leg)

    def on_progress(self, leg: CalledLeg, status: int, *, described: bool) -> None:
        """A provisional answer of a far end."""
        if self._dialling is not None and not self.ended:
            self._dialling.on_progress(leg, status, described=described)

    def on_cancelled(self, leg: Leg, *, reason: str | None, q850: int = NORMAL_CLEARING) -> None:
        """The caller took its INVITE back; the stack has answered 487."""
        self.end("calling", "cancelled", reason=reason, status=487, q850=q850)

    def on_hung_up(self, leg: Leg, *, reason: str | None, q850: int = NORMAL_CLEARING) -> None:
        """A side sent BYE: with one that is not bridged only its leg is over."""
        if self._depends_on(leg, "hung_up"):
            self._gone = leg
            self.end(leg.side, "hung_up", reason=reason, q850=q850)
        else:
            leg.finish(status=200, cause="hung_up", q850=q850)

    def on_taken_elsewhere(self, leg: Leg) -> None:
        """The party of a leg talks to somebody else by now, without us: as if it had hung up."""
        if self._depends_on(leg, "transferred"):
            self.end("switch", "transferred")
        else:
            leg.hang_up(reason_header(NORMAL_CLEARING), cause="transferred")

    def on_leg_lost(self, leg: Leg, *, why: str) -> None:
        """A dialog ended without a BYE: no ACK, or the far end knows it no more."""
        if self._depends_on(leg, "leg_lost"):
            self.end("switch", "leg_lost", q850=41, detail=f"leg {leg.leg_id}: {why}")
        else:
            leg.finish(status=200, cause="leg_lost", q850=41)

    def on_media_refused(self, leg: Leg, why: str) -> None:
        """A description that we cannot use, where no other answer is possible any more."""
        if self._depends_on(leg, "not_acceptable"):
            self.end("switch", "not_acceptable", status=488, q850=88, detail=why)
        elif isinstance(leg, CalledLeg):
            leg.hang_up(sip_reason_header(488), cause="not_acceptable", q850=88)

    def _carries(self, leg: Leg) -> bool:
        """Whether it is one of the two that talk."""
        return leg is self.caller or leg is self.callee

    def _depends_on(self, leg: Leg, why: str) -> bool:
        """Whether the call cannot go on without a leg that leaves; if it can, whoever talked to it
        is parted from it."""
        if leg is self.callee and self.keeps_caller:
            part(self, why)
        elif leg is self.caller and self.keeps_called:
            keep_called(self, why)
        return self._carries(leg)

    # The end.

    def end(
        self,
        ended_by: str,
        cause: str,
        *,
        status: int | None = None,
        q850: int = NORMAL_CLEARING,
        reason: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        detail: str = "",
    ) -> None:
        """End the call, once; later calls do nothing.

        `status` refuses a caller that was not answered (480 by default); `reason` is the Reason
        value passed to the other legs, made of `q850` where the far end gave none (RFC 3326).
        """
        if self.ended:
            return
        self.ended = True
        if detail:
            logger.info("call %s ends: %s: %s", self.call_id, cause, detail)
        if self._limit is not None:
            self._limit.cancel()
        passed = reason or reason_header(q850)
        gone = self._gone or ending.who_left(ended_by, self.caller, self.callee)
        if self.moving is not None:
            self.moving.on_call_ended()
        # One after the other, each whatever became of those before it, so that no failure
        # leaves a caller waiting, a port taken or a call without its record.
        try:
            self.stop_playing()
        finally:
            try:
                ending.leave_callees(self._legs, self.caller, gone, passed, cause, q850)
            finally:
                try:
                    ending.leave_caller(
                        self.caller, gone, ended_by, cause, status, passed, q850, headers
                    )
                finally:
                    self._settle(ended_by, cause)

    def _settle(self, ended_by: str, cause: str) -> None:
        try:
            ending.close_legs(self._legs, cause)
        finally:
            services = self.services
            at, clock = services.wall_clock(), services.now()
            if not self._holds:
                self._conclude(ended_by, cause, at, clock)
            else:
                # The treatment is over too; the end is told later, with the time of now.
                if self._task is not None:
                    self._task.cancel()
                conclude = partial(self._conclude, ended_by, cause, at, clock)
                self._holds.wait(services.loop, conclude)

    def hold_end(self, what: str) -> EndHold:
        """Facts of this call may still come in when its legs are over (a recording's hash, a word
        said at the very end): its end is told when every hold is released, at latest
        MAX_HOLD_SECONDS after it."""
        return self._holds.add(what)

    def _conclude(self, ended_by: str, cause: str, at: float, clock: float) -> None:
        ended_by, cause = self.left_first or (ended_by, cause)
        try:
            self._tell_end(ended_by, cause, at, clock)
        finally:
            self._release()

    def _tell_end(self, ended_by: str, cause: str, at: float, clock: float) -> None:
        try:
            if self.on_ending is not None:
                self.on_ending(self, ended_by, cause, clock)
        finally:
            self._event_number += 1
            event = CallEnded(
                call_id=self.call_id,
                number=self._event_number,
                at=at,
                clock=clock,
                ended_by=ended_by,
                cause=cause,
            )
            self._told = True
            self.services.events.publish(event)

    def _release(self) -> None:
        """Let go of everything: no timer, task or cycle outlives the call."""
        if self.on_ended is not None:
            self.on_ended(self)
        # Also when it is the task itself that has ended the call: it waits for nothing any more.
        if self._task is not None and not self._task.done():
            self._task.cancel()
        else:
            self._part()

    def _part(self, _task: object = None) -> None:
        """Part call, legs and task, so that they are freed without the garbage collector.

        Twice is once: a task that was told to end while the call's end was held back says so when
        the call has been released already.
        """
        if self._told and hasattr(self, "caller"):
            self._task = self.callee = self.joined = self._dialling = None
            self.parted_from = self._talk = self._gone = self.moving = None
            self.first_callee = None
            self._legs.clear()
            del self.caller

    def refuse_offer(self, error: sdp.NotAcceptable | sdp.ParseError) -> None:
        """End a call whose offer leaves nothing to agree on (RFC 3261 21.4.26)."""
        warning = ("Warning", error.warning(self.services.advertised_host))
        self.end(
            "switch", "not_acceptable", status=488, q850=88, headers=(warning,), detail=str(error)
        )

    # Media.

    def _answer_caller(self, prefer: str | None) -> bool:
        try:
            self.caller.answer(prefer)
        except sdp.NotAcceptable as error:
            self.refuse_offer(error)
            return False
        if self.ended:
            return False  # by a subscriber that saw it answered
        self.media_expected_from = self.services.now()
        maximum = self.campaign.max_call_seconds or self.configuration.switch.max_call_seconds
        self.limit(maximum)
        return True
