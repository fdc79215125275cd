"""Calls in progress: which there are, what is known of one, ending one, pressing keys on a leg."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.leg import Leg
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller

__all__ = ["METHODS", "call_state", "going_on", "leg_of"]

METHODS = Catalogue()

MAX_LISTED = 10_000
"""Calls in one answer, about 2 MB; there are not many more at once."""

Cause = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,39}$")]
Keys = Annotated[str, Meta(pattern="^[0-9A-Da-d*#wW,]{1,128}$")]


class List(Params):
    """Which calls."""

    campaign: str | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = 1000


class CallLine(msgspec.Struct, frozen=True):
    """A call in a list."""

    call: str
    campaign: str
    called: str
    caller: str
    private: bool
    """Whether the caller does not want its number shown."""
    state: str
    """presented, ringing, answered, bridged, or ending: its last facts are awaited."""
    seconds: float
    """Since it was received."""


class Calls(msgspec.Struct, frozen=True):
    """Calls, the oldest first."""

    calls: list[CallLine]
    total: int
    """How many there are, also beyond the limit."""


@METHODS.method("call.list", role="read")
async def list_calls(desk: Desk, caller: Caller, params: List) -> Calls:
    """The calls in progress."""
    found = [
        call
        for call in desk.switchboard.calls.values()
        if caller.identity.sees(call.counts_for.name)
        and params.campaign in (None, call.counts_for.name)
    ]
    return Calls([_line(call) for call in found[: params.limit]], len(found))


class Which(Params):
    """Which call."""

    call: str


class LegState(msgspec.Struct, frozen=True):
    """A leg of a call."""

    leg: str
    side: str
    """calling or called."""
    trunk: str
    number: str
    state: str
    """ringing, answered, held (by its peer), on_hold (by us), or ended."""
    codec: str | None
    seconds: float
    """Since it began."""
    talk_seconds: float | None
    """Since it was answered; null: it was not."""
    srtp: str | None = None
    """The suite by which its sound is encrypted; null: it is not."""


class CallState(msgspec.Struct, frozen=True):
    """What is known of a call."""

    call: str
    campaign: str
    called: str
    caller: str
    private: bool
    state: str
    """As in `call.list`."""
    seconds: float
    legs: list[LegState]
    record: dict[str, Any]
    """The call record as far as it is known by now."""


@METHODS.method("call.get", role="read", errors=(ErrorCode.CALL_NOT_FOUND,))
async def get(desk: Desk, caller: Caller, params: Which) -> CallState:
    """A call in progress: its legs, and its record as far as it is known."""
    return call_state(desk, desk.call(params.call, caller))


def call_state(desk: Desk, call: Call) -> CallState:
    """What is known of a call now."""
    line = _line(call)
    return CallState(
        **{name: getattr(line, name) for name in line.__struct_fields__},
        legs=[_leg_state(leg) for leg in call.legs],
        record=dict(desk.switchboard.recorder.so_far(call.call_id)),
    )


def _line(call: Call) -> CallLine:
    return CallLine(
        call=call.call_id,
        campaign=call.counts_for.name,
        called=call.called,
        caller=call.caller_number,
        private=call.private,
        state=_state(call),
        seconds=_since(call.caller, call.caller.opened_clock),
    )


def _state(call: Call) -> str:
    if call.ended:
        return "ending"
    if call.bridged:
        return "bridged"
    if any(leg.side == "called" and not (leg.answered or leg.ended) for leg in call.legs):
        return "ringing"
    return "answered" if call.caller.answered else "presented"


def _leg_state(leg: Leg) -> LegState:
    began = leg.opened_clock if leg.originated_clock is None else leg.originated_clock
    return LegState(
        leg=leg.leg_id,
        side=leg.side,
        trunk=leg.trunk.name,
        number=leg.request.to_number if isinstance(leg, CalledLeg) else leg.call.caller_number,
        state=_state_of_leg(leg),
        codec=leg.codec,
        seconds=_since(leg, began),
        talk_seconds=None if leg.answered_clock is None else _since(leg, leg.answered_clock),
        srtp=None if leg.media is None else leg.media.srtp,
    )


def _state_of_leg(leg: Leg) -> str:
    if leg.ended:
        return "ended"
    if not leg.answered:
        return "ringing"
    if leg.on_hold is not None:
        return "on_hold"
    return "held" if leg.media is not None and leg.media.held else "answered"


def _since(leg: Leg, clock: float) -> float:
    until = leg.services.now() if leg.ended_clock is None else leg.ended_clock
    return round(until - clock, 3)


class HangUp(Params):
    """Which call, and why."""

    call: str
    cause: Cause = "controlled"
    """What the record says of it, beside `ended_by`: switch."""


class HungUp(msgspec.Struct, frozen=True):
    """The call that was ended."""

    call: str


@METHODS.method(
    "call.hangup",
    role="control",
    errors=(ErrorCode.CALL_NOT_FOUND, ErrorCode.CALL_ENDED, ErrorCode.NOT_IN_CONTROL),
)
async def hang_up(desk: Desk, caller: Caller, params: HangUp) -> HungUp:
    """End a call with all its legs; a caller who was not answered is refused with 480. A call that
    another connection steers is ended by an administrator alone."""
    if caller.identity.may("admin"):
        call = going_on(desk, caller, params.call)
    else:
        call = desk.steered(params.call, caller)
    call.end("switch", params.cause)
    return HungUp(params.call)


def going_on(desk: Desk, caller: Caller, call_id: str) -> Call:
    """A call whose legs are not over; raises ControlError."""
    call = desk.call(call_id, caller)
    if call.ended:
        raise ControlError(ErrorCode.CALL_ENDED, "the call is over", call=call_id)
    return call


def leg_of(call: Call, leg_id: str) -> Leg:
    """A leg of a call that is not over; raises ControlError."""
    leg = next((one for one in call.legs if one.leg_id == leg_id), None)
    if leg is None:
        raise ControlError(ErrorCode.LEG_NOT_FOUND, "the call has no such leg", leg=leg_id[:40])
    if leg.ended:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is over", leg=leg_id)
    return leg


class SendDtmf(Params):
    """Which keys, on which leg."""

    call: str
    digits: Keys
    """0-9 * # A-D; `w` or a comma waits half a second."""
    leg: str = "a"
    """a: the caller; b1, b2...: those called."""


class DtmfSent(msgspec.Struct, frozen=True):
    """How many keys and pauses there were."""

    call: str
    leg: str
    count: int


@METHODS.method(
    "call.send_dtmf",
    role="control",
    errors=(
        ErrorCode.CALL_NOT_FOUND,
        ErrorCode.CALL_ENDED,
        ErrorCode.LEG_NOT_FOUND,
        ErrorCode.WRONG_STATE,
    ),
)
async def send_dtmf(desk: Desk, caller: Caller, params: SendDtmf) -> DtmfSent:
    """Press keys towards the peer of an answered leg; answered when they have been sent."""
    call = going_on(desk, caller, params.call)
    leg = leg_of(call, params.leg)
    if not leg.answered:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is not answered", leg=params.leg)
    if not await leg.send_dtmf(params.digits):
        code = ErrorCode.CALL_ENDED if call.ended else ErrorCode.WRONG_STATE
        raise ControlError(code, "the leg ended meanwhile", leg=params.leg)
    return DtmfSent(params.call, params.leg, len(params.digits))
