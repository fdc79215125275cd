"""What a controller does to a call that it has taken: on its legs, and with further ones.

Each is a coroutine of the call it is done to (`SteeredCall.run`). Every wait has a deadline; a leg
that ends meanwhile, or a call that does, is told as an error with its own code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import msgspec

from config.model import CallerId, Connect, Template
from ivr.dialling import dial_request
from ivr.journey import give_back
from ivr.services import Credit
from softswitch.call.called_leg import CalledLeg
from softswitch.call.events import CallerIdStored
from softswitch.call.leg import Leg
from softswitch.call.outcomes import Answered, DialFailure, DialOutcome, Rejected, TimedOut
from softswitch.call.quiet_dialling import QuietDialling
from softswitch.call.services import LoadedPrompt
from softswitch.campaign.caps import CapExceeded
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.steering import MAX_DIALS, SteeredCall
from softswitch.switchboard.guards import Guards, NotAllowed, Permit

__all__ = ["Dialled", "Gathered", "Keypad", "answer", "bridge", "dial", "gather", "play", "ready"]

PLAY_SLACK_SECONDS = 10.0
"""What plays is over when its sound is; the engine says so at the packet's pace."""

ANSWER_SECONDS = 180.0
"""A notice that is played first is no longer than this."""

MAX_LEGS_UP = 10
"""Legs of one call beside the caller's: each holds a media port."""


# Legs.


def ready(leg: Leg) -> Leg:
    """The leg, if something can be played on it now; raises ControlError."""
    if not leg.answered or leg.ended:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is not answered", leg=leg.leg_id)
    return leg


def _check_there(leg: Leg) -> None:
    """The leg may have ended while something was waited for."""
    if leg.ended:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg ended meanwhile", leg=leg.leg_id)


async def answer(steered: SteeredCall) -> None:
    """Answer the caller, with the notice that comes first."""
    async with asyncio.timeout(ANSWER_SECONDS):
        await steered.journey.answer()


async def play(leg: Leg, sound: LoadedPrompt, *, barge_in: bool) -> bool:
    """Play to the end; False when it was cut short."""
    try:
        async with asyncio.timeout(sound.seconds + PLAY_SLACK_SECONDS):
            whole = await leg.play(sound, barge_in=barge_in)
    except TimeoutError:
        leg.stop_playing()
        whole = False
    _check_there(leg)
    return whole


# Keys.


class Keypad(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of who is asked."""

    least: int
    most: int
    terminator: str
    first_seconds: float
    further_seconds: float
    secret: bool
    barge_in: bool


class Gathered(msgspec.Struct, frozen=True):
    """The keys that were pressed."""

    digits: str
    why: str
    """How it ended: terminator, most (as many as there may be), silence (after some keys), or
    timeout (none was pressed)."""
    complete: bool
    """Whether there are as many as there must be."""


async def gather(
    steered: SteeredCall, leg: Leg, sound: LoadedPrompt | None, keypad: Keypad
) -> Gathered:
    """Ask a leg for keys; raises ControlError."""
    call = steered.call
    if call.bridged and leg in (call.caller, call.callee):
        raise ControlError(ErrorCode.WRONG_STATE, "the leg talks", leg=leg.leg_id)
    if leg.leg_id in steered.asked:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is being asked", leg=leg.leg_id)
    steered.asked.add(leg.leg_id)
    try:
        with leg.secret() if keypad.secret else nullcontext():
            if sound is not None:
                await play(leg, sound, barge_in=keypad.barge_in)
                if not keypad.barge_in:
                    leg.forget_digits()
            return await _keys_of(leg, keypad)
    finally:
        steered.asked.discard(leg.leg_id)


async def _keys_of(leg: Leg, keypad: Keypad) -> Gathered:
    digits, why, wait = "", "most", keypad.first_seconds
    while len(digits) < keypad.most:
        key = await leg.next_digit(wait)
        _check_there(leg)
        if key is None:
            why = "silence" if digits else "timeout"
            break
        if key == keypad.terminator:
            why = "terminator"
            break
        digits += key
        wait = keypad.further_seconds
    leg.stop_playing()
    return Gathered(digits, why, len(digits) >= keypad.least)


# Further legs.


class Dialled(msgspec.Struct, frozen=True):
    """What became of a leg that was called."""

    outcome: str
    """answered, rejected, no_answer, cancelled (it was hung up before it was answered)."""
    leg: str | None
    """The leg, when it answered; it is up, and talks to nobody yet."""
    status: int
    """Its SIP status."""
    q850: int | None
    reason: str


async def dial(
    steered: SteeredCall,
    guards: Guards | None,
    to: str,
    *,
    token: str,
    trunk: str | None,
    ring_seconds: float,
    caller_id: str | None,
    original: bool,
    headers: Mapping[str, str],
    credit: bool,
) -> Dialled:
    """Call somebody, beside whatever the caller hears; raises ControlError."""
    _check_room(steered)
    permit = _permitted(steered, guards, to, token=token, trunk=trunk, caller_id=caller_id)
    taken: tuple[Credit, ...] = ()
    kept = False
    try:
        taken = _credit(steered, permit) if credit else ()
        node = Connect(
            steered.node,
            (permit.destination,),
            ring_seconds=ring_seconds,
            caller_id=_shown(permit, original=original),
            headers=tuple((name, Template(text, (text,))) for name, text in headers.items()),
        )
        outcome = await _dialled(steered, node)
        if isinstance(outcome, Answered) and not outcome.leg.ended:
            kept = True
            steered.add_leg(outcome.leg, taken, permit)
        return _told(outcome)
    finally:
        if not kept:
            give_back(taken)
            permit.release()


def _shown(permit: Permit, *, original: bool) -> CallerId | None:
    if original:
        return CallerId("original")
    return None if permit.caller_id is None else CallerId("fixed", permit.caller_id)


def _check_room(steered: SteeredCall) -> None:
    if steered.dials >= MAX_DIALS or steered.legs_up >= MAX_LEGS_UP:
        raise ControlError(ErrorCode.LIMIT_REACHED, "too many legs for one call")


def _permitted(steered: SteeredCall, guards: Guards | None, to: str, **asked: Any) -> Permit:
    if guards is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "nobody is called from here")
    permit = guards.check(steered.call.campaign, to, **asked)
    if isinstance(permit, NotAllowed):
        counted = permit.what in ("rate", "concurrency")
        code = ErrorCode.LIMIT_REACHED if counted else ErrorCode.DESTINATION_NOT_ALLOWED
        raise ControlError(code, permit.message, what=permit.what)
    permit.hold_for(steered.call_id)
    return permit


def _credit(steered: SteeredCall, permit: Permit) -> tuple[Credit, ...]:
    name = permit.destination.number
    taken = steered.journey.take_credit(name, beside=steered.credits_beside())
    if isinstance(taken, CapExceeded):
        raise ControlError(ErrorCode.LIMIT_REACHED, "over a cap", what="cap", cap=taken.cap)
    return taken


async def _dialled(steered: SteeredCall, node: Connect) -> DialOutcome:
    journey, call = steered.journey, steered.call
    destination = node.destinations[0]
    steered.dials += 1
    request = dial_request(journey, node, destination)
    unique, journey.unique_caller_id = journey.unique_caller_id, None
    if unique is not None:
        _tell_caller_id_soon(steered, unique)
    name = destination.number or ""
    journey.give(name)
    outcome: DialOutcome | None = None
    try:
        outcome = await QuietDialling(call, None).run((request,))
    finally:
        if not isinstance(outcome, Answered):
            journey.take_away(name)
            if outcome is not None:
                call.last_failure = outcome
    return outcome


def _tell_caller_id_soon(steered: SteeredCall, number: str) -> None:
    """Tell it of the leg that shows it, once that is there."""
    call = steered.call
    expected = call.new_leg_id("called")

    def tell() -> None:
        if any(leg.leg_id == expected for leg in call.legs):
            call.emit(CallerIdStored, leg=expected, caller_id=number)

    call.services.loop.call_soon(tell)


def _told(outcome: DialOutcome) -> Dialled:
    if isinstance(outcome, Answered):
        if outcome.leg.ended:
            return Dialled("rejected", None, 487, None, "hung up at once")
        return Dialled("answered", outcome.leg.leg_id, 200, None, "")
    return _failed(outcome)


def _failed(failure: DialFailure) -> Dialled:
    if isinstance(failure, Rejected):
        return Dialled("rejected", None, failure.status, failure.q850, failure.reason)
    what = "no_answer" if isinstance(failure, TimedOut) else "cancelled"
    return Dialled(what, None, failure.status, failure.q850, "")


def bridge(steered: SteeredCall, leg: Leg) -> None:
    """Let the caller and a leg that was called talk; raises ControlError."""
    call = steered.call
    if not isinstance(leg, CalledLeg) or leg is call.caller:
        raise ControlError(
            ErrorCode.WRONG_STATE, "the caller talks to a leg that was called", leg=leg.leg_id
        )
    if call.bridged:
        raise ControlError(ErrorCode.WRONG_STATE, "the caller talks already; unbridge first")
    ready(leg)
    if not call.bridge(leg):
        code = ErrorCode.CALL_ENDED if call.ended else ErrorCode.WRONG_STATE
        raise ControlError(code, "there is nothing to bridge any more", leg=leg.leg_id)
    steered.on_bridged(leg)
