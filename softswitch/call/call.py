"""A call: one caller's journey over legs, and the interface that treatments are written against.

A call has one task, which walks its treatment; it wakes for keys, answers and the end. Whatever
ends a call goes through `end`, once: every leg is left by the method its state asks for, every
media port is given back, the facts are emitted, the task is cancelled. Knows nothing of YAML nodes
(`ivr/`), of look-up and records (`switchboard/`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from config.model import Campaign, Configuration, Prompt
from rtp.engine import PortsExhausted
from softswitch import sdp
from softswitch.call.called_leg import CalledLeg
from softswitch.call.calling_leg import CallingLeg
from softswitch.call.dial_request import DialRequest
from softswitch.call.events import (
    CallBridged,
    CallEnded,
    CallEvent,
    DigitPressed,
    PromptEnded,
    PromptStarted,
)
from softswitch.call.leg import Leg
from softswitch.call.outcomes import Answered, DialFailure, DialOutcome, Rejected
from softswitch.call.services import LoadedPrompt, Services
from softswitch.sip.causes import q850_for_status, reason_header

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=CallEvent)

MAX_DIGITS_WAITING = 64
"""Keys pressed ahead of the question that takes them; more is noise, and the oldest go."""

NORMAL_CLEARING = 16

MAX_FORWARDS = 70
"""RFC 3261 8.1.1.6: what a request says whose caller said nothing."""

MAX_RETRY_AFTER = 5
"""Seconds in Retry-After of a 503 at most; the time is drawn at random so that callers do not come
back together."""


class Call:
    """One call, from its INVITE to its record."""

    __deletable__ = ("caller",)
    """What `_part` deletes: a compiled class must know beforehand."""

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
        self.caller: CallingLeg
        self.callee: CalledLeg | None = None
        self.bridged = False
        self.ended = False
        self.caller_number = ""
        self.caller_name = ""
        self.private = False
        self.max_forwards = MAX_FORWARDS
        """What an outbound INVITE may say: one less than the caller's (RFC 7332)."""
        self.passed_headers: tuple[tuple[str, str], ...] = ()
        self.media_expected_from = services.now()
        """Since when RTP should have been heard; moved by answers, holds and resumes."""
        self.on_ending: Callable[[Call, str, str], None] | None = None
        """Told who ended the call and why when all legs are over, before the end is emitted: the
        last moment for a fact of this call."""
        self.on_ended: Callable[[Call], None] | None = None
        self.last_failure: DialFailure | None = None
        self._legs: list[Leg] = []
        self._event_number = 0
        self._told = False
        self._task: asyncio.Task[None] | None = None
        self._digits: deque[str] = deque(maxlen=MAX_DIGITS_WAITING)
        self._digit_waiter: asyncio.Future[None] | None = None
        self._playback: tuple[int, LoadedPrompt] | None = None
        self._playback_waiter: asyncio.Future[bool] | None = None
        self._limit: asyncio.TimerHandle | None = None

    # Life.

    def start(self, treatment: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin the treatment as the call's one task; a call that ends before never calls it."""
        self._task = self.services.loop.create_task(self._run(treatment), name=self.call_id)
        self._task.add_done_callback(self._part)

    async def _run(self, treatment: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await treatment()
            self.end("switch", "treatment_ended")
        except asyncio.CancelledError:
            self.end("switch", "cancelled")
            raise
        except Exception:
            logger.exception("call %s: its treatment failed", self.call_id)
            self.end("switch", "internal_error", status=500, q850=41)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task, for the owner to await at shutdown."""
        return self._task

    def emit(self, kind: type[E], **facts: Any) -> None:
        """Emit a fact of this call; after its end there are none."""
        if not self._told:
            self.services.events.publish(self.fact(kind, **facts))

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

    def other_leg(self, leg: Leg) -> Leg | None:
        """The leg this one is bridged to."""
        if not self.bridged:
            return None
        return self.callee if leg is self.caller else self.caller

    # The interface of treatments.

    async def answer(self) -> None:
        """Answer the caller, if that has not happened; ends the call when nothing can be agreed."""
        if self.caller.waiting:
            self._answer_caller(None)

    async def play(self, prompt: Prompt, *, barge_in: bool = False) -> bool:
        """Play a prompt to its end; False when a key cut it short.

        With `barge_in` a key pressed before or during the prompt ends it and stays to be read.
        """
        if self.ended or (barge_in and self._digits):
            return False
        waiter: asyncio.Future[bool] = self.services.loop.create_future()
        loaded = self.services.prompts.prompt(prompt, country=self.campaign.ringback)
        self._start_playback(loaded, waiter=waiter)
        if not barge_in:
            return await waiter
        heard = asyncio.ensure_future(self._wait_for_digit())
        try:
            await asyncio.wait((waiter, heard), return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
        if waiter.done():
            return waiter.result()
        self.stop_playing()
        return False

    def start_playing(self, prompt: LoadedPrompt, *, repeat: bool = False) -> asyncio.Future[bool]:
        """Play to the caller without waiting; the future is set when it has ended or was cut."""
        waiter: asyncio.Future[bool] = self.services.loop.create_future()
        self._start_playback(prompt, waiter=waiter, repeat=repeat)
        return waiter

    def stop_playing(self) -> None:
        """Cut what plays to the caller."""
        if self._playback is not None and self.caller.media is not None:
            self.caller.media.port.stop_playback()
            self._playback_over(completed=False)

    async def next_digit(self, within: float) -> str | None:
        """The next key of the caller, or None when none came within so many seconds."""
        if not self._digits:
            try:
                async with asyncio.timeout(within):
                    await self._wait_for_digit()
            except TimeoutError:
                return None
        return self._digits.popleft()

    def forget_digits(self) -> None:
        """Drop keys that were pressed ahead."""
        self._digits.clear()

    async def dial(self, request: DialRequest) -> DialOutcome:
        """Call out and wait for the outcome; provisional answers reach the caller meanwhile."""
        limit = request.trunk.max_calls
        if limit is not None and self.services.trunk_legs[request.trunk.name] >= limit:
            logger.warning("call %s: trunk %s is full", self.call_id, request.trunk.name)
            return Rejected(503, "trunk full", 34, no_capacity=True)
        leg = CalledLeg(self, self.new_leg_id("called"), self.services, request)
        caller_media = self.caller.media
        try:
            leg.open_media(
                beside=None if caller_media is None else caller_media.port,
                prefer=self._callers_codec(),
                ptime_ms=20 if caller_media is None or caller_media.agreement is None
                else caller_media.agreement.ptime_ms,
            )  # fmt: skip
        except PortsExhausted:
            logger.warning("call %s: no media port for the outbound leg", self.call_id)
            return Rejected(503, "no media port", 34, no_capacity=True)
        self.add_leg(leg)
        self.callee = leg
        leg.originate()
        failure = await leg.outcome
        if failure is None:
            return Answered(leg)
        self.callee = None
        self._unjoin()
        return failure

    def bridge(self, leg: CalledLeg) -> None:
        """Join the caller and an answered leg, answering the caller if that is still due."""
        if self.caller.waiting and not self._answer_caller(leg.codec):
            return
        self.stop_playing()
        if self.ended:
            return  # by a subscriber
        self._join(leg)
        self.bridged = True
        self.media_expected_from = self.services.now()
        self.emit(CallBridged, leg=self.caller.leg_id, other_leg=leg.leg_id)

    async def talk(self) -> None:
        """Wait until the bridged call ends; whoever hangs up ends the call."""
        await self.services.loop.create_future()

    def limit(self, seconds: float, cause: str = "max_duration") -> None:
        """End the call after so many seconds from now; a shorter limit replaces a longer one."""
        when = self.services.now() + seconds
        if self._limit is not None:
            if self._limit.when() <= when:
                return
            self._limit.cancel()
        self._limit = self.services.loop.call_at(when, self._on_limit, cause)

    def _on_limit(self, cause: str) -> None:
        self.end("switch", cause, q850=NORMAL_CLEARING)

    # What legs report.

    def on_digit(self, leg: Leg, digit: str) -> None:
        """A key was heard."""
        self.emit(DigitPressed, leg=leg.leg_id, digit=digit)
        if leg is self.caller and not self.bridged:
            self._digits.append(digit)
            if self._digit_waiter is not None and not self._digit_waiter.done():
                self._digit_waiter.set_result(None)

    def on_playback_ended(self, leg: Leg, playback: int, *, completed: bool) -> None:
        """The engine is through with a playback."""
        if leg is self.caller and self._playback is not None and self._playback[0] == playback:
            self._playback_over(completed=completed)

    def on_progress(self, leg: CalledLeg, status: int, *, described: bool) -> None:
        """A provisional answer of the far end: passed on, or its media let through."""
        if self.ended:
            return
        if self.caller.answered:
            if leg.early_media and described:
                self.stop_playing()
                self._join(leg)
            return
        if status == 199:
            return  # RFC 6228: one early dialog of several is over; the caller has but one with us
        try:
            if leg.early_media:
                if self.caller.open_early_media(status, leg.codec):
                    self._join(leg)
            else:
                self.caller.ring(status)
        except sdp.NotAcceptable as error:
            self.refuse_offer(error)

    def on_cancelled(self, leg: Leg, *, reason: str | None) -> None:
        """The caller took its INVITE back; the stack has answered 487."""
        self.end("calling", "cancelled", reason=reason, status=487)

    def on_hung_up(self, leg: Leg, *, reason: str | None) -> None:
        """A side sent BYE."""
        self.end(leg.side, "hung_up", reason=reason)

    def on_leg_lost(self, leg: Leg, *, why: str) -> None:
        """A dialog ended without a BYE: no ACK, or the far end knows it no more."""
        self.end("switch", "leg_lost", q850=41, detail=why)

    def on_media_refused(self, leg: Leg, why: str) -> None:
        """A description that we cannot use, where no other answer is possible any more."""
        self.end("switch", "not_acceptable", status=488, q850=88, detail=why)

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
        # One after the other, each whatever became of those before it, so that no failure
        # leaves a caller waiting, a port taken or a call without its record.
        try:
            self.stop_playing()
        finally:
            try:
                self._end_callees(ended_by, cause, passed, q850)
            finally:
                try:
                    self._end_caller(ended_by, cause, status, passed, q850, headers)
                finally:
                    self._settle(ended_by, cause)

    def _settle(self, ended_by: str, cause: str) -> None:
        try:
            self._close_legs(cause)
        finally:
            try:
                self._tell_end(ended_by, cause)
            finally:
                self._release()

    def _end_callees(self, ended_by: str, cause: str, reason: str, q850: int) -> None:
        for leg in self._legs:
            if isinstance(leg, CalledLeg) and not leg.ended:
                if not (ended_by == "called" and leg is self.callee):
                    leg.hang_up(reason)
                if not leg.ended:
                    leg.finish(status=200 if leg.answered else 487, cause=cause, q850=q850)

    def _end_caller(
        self, ended_by: str, cause: str, status: int | None, reason: str, q850: int,
        headers: tuple[tuple[str, str], ...],
    ) -> None:  # fmt: skip
        leg = self.caller
        if leg.answered:
            if ended_by != "calling":
                leg.send_bye(reason)
            leg.finish(status=200, cause=cause, q850=q850)
            return
        final = status or 480
        code: int | None = None
        if ended_by != "calling":
            code = q850 if q850 != NORMAL_CLEARING else q850_for_status(final)
            if final == 503 and not any(name == "Retry-After" for name, _ in headers):
                headers = (*headers, ("Retry-After", str(random.randint(1, MAX_RETRY_AFTER))))
            leg.refuse(final, headers=(*headers, ("Reason", reason_header(code))))
        leg.finish(status=final, cause=cause, q850=code)

    def _close_legs(self, cause: str) -> None:
        """Close what a failure has left open."""
        for leg in self._legs:
            if not leg.ended:
                leg.finish(status=200 if leg.answered else 500, cause=cause)

    def _tell_end(self, ended_by: str, cause: str) -> None:
        try:
            if self.on_ending is not None:
                self.on_ending(self, ended_by, cause)
        finally:
            event = self.fact(CallEnded, ended_by=ended_by, cause=cause)
            self._told = True
            self.services.events.publish(event)

    def _release(self) -> None:
        """Let go of everything: no timer, task or cycle outlives the call."""
        for waiter in (self._digit_waiter, self._playback_waiter):
            if waiter is not None and not waiter.done():
                waiter.cancel()
        if self.on_ended is not None:
            self.on_ended(self)
        # Also when it is the task itself that has ended the call: it waits for nothing any more.
        if self._task is not None:
            self._task.cancel()
        else:
            self._part()

    def _part(self, _task: object = None) -> None:
        """Part call, legs and task, so that they are freed without the garbage collector."""
        if self.ended:
            self._task = self.callee = None
            self._legs.clear()
            del self.caller

    def refuse_offer(self, error: sdp.NotAcceptable | sdp.ParseError) -> None:
        """End a call whose offer leaves nothing to agree on (RFC 3261 21.4.26)."""
        warning: tuple[tuple[str, str], ...] = ()
        if isinstance(error, sdp.NotAcceptable):
            warning = (("Warning", error.warning(self.services.advertised_host)),)
        self.end(
            "switch", "not_acceptable", status=488, q850=88, headers=warning, detail=str(error)
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

    def _callers_codec(self) -> str | None:
        """What the caller speaks, or would like best, so that the far end is offered it first."""
        return self.caller.codec or self.caller.best_codec

    def _join(self, leg: CalledLeg) -> None:
        if self.ended:
            return
        caller, callee = self.caller.media, leg.media
        assert caller is not None
        assert callee is not None
        caller.port.hears([callee.port])
        callee.port.hears([caller.port])

    def _unjoin(self) -> None:
        if self.caller.media is not None and not self.caller.ended:
            self.caller.media.port.hears([])

    def _start_playback(
        self, prompt: LoadedPrompt, *, waiter: asyncio.Future[bool], repeat: bool = False
    ) -> None:
        assert self.caller.media is not None
        if self._playback is not None:
            self._playback_over(completed=False)
        playback = self.caller.media.port.play(prompt.audio, repeat=repeat)
        self._playback = (playback, prompt)
        self._playback_waiter = waiter
        self.emit(PromptStarted, leg=self.caller.leg_id, prompt=prompt.name, seconds=prompt.seconds)

    def _playback_over(self, *, completed: bool) -> None:
        assert self._playback is not None
        prompt, self._playback = self._playback[1], None
        waiter, self._playback_waiter = self._playback_waiter, None
        self.emit(PromptEnded, leg=self.caller.leg_id, prompt=prompt.name, completed=completed)
        if waiter is not None and not waiter.done():
            waiter.set_result(completed)

    async def _wait_for_digit(self) -> None:
        if self._digits:
            return
        waiter = self._digit_waiter = self.services.loop.create_future()
        try:
            await waiter
        finally:
            # The wait that a prompt's end has cancelled wakes after the next one has begun.
            if self._digit_waiter is waiter:
                self._digit_waiter = None
