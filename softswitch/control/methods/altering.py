"""Altering calls in progress: what they show and know, holding a leg, sending one elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from config.addresses import sip_uri_problem
from config.caller_ids import parse_caller_id
from config.e164 import normalise
from config.model import CallerId
from config.reading import RefusedError
from softswitch.call.attended import transfer_to_leg
from softswitch.call.call import Call
from softswitch.call.events import AttributesSet, CallerIdChanged
from softswitch.call.holding import put_on_hold, take_off_hold
from softswitch.call.leg import Leg
from softswitch.call.outcomes import TransferOutcome, Transferred
from softswitch.campaign.evaluate import plain
from softswitch.campaign.operators import as_value
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.calls import leg_of
from softswitch.control.methods.originate import permit_for
from softswitch.control.rpc import json_bytes
from softswitch.control.session import Caller
from softswitch.control.sounding import SoundParams, is_given, sound_of
from softswitch.routing.number_forms import called_uri

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_ATTRIBUTES = 50
"""Of one request."""

MAX_KNOWN_BYTES = 8192
"""Of all attributes of one call, as JSON: they stand in its record, and in each event of a change,
thousands of which are kept."""

MAX_HOLD_SECONDS = 86_400.0
"""The longest call there can be."""

MAX_TRANSFER_SECONDS = 120.0
"""Longer than this no phone rings."""

Name = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Text = Annotated[str, Meta(max_length=2000)]

_STEERING = (ErrorCode.CALL_NOT_FOUND, ErrorCode.CALL_ENDED, ErrorCode.NOT_IN_CONTROL)
_ABOUT_LEG = (*_STEERING, ErrorCode.LEG_NOT_FOUND, ErrorCode.WRONG_STATE)
_SOUND_ERRORS = (
    ErrorCode.NOT_CONFIGURED,
    ErrorCode.MEDIA_UNAVAILABLE,
    ErrorCode.NOT_SUPPORTED,
    ErrorCode.TOO_MANY_REQUESTS,
)


class Set(Params):
    """What of a call is to be otherwise; what is left out stays."""

    call: str
    attributes: dict[Name, Text | bool | int | float | None] = msgspec.field(default_factory=dict)
    """`attribute.NAME` in expressions from now on; null: not known."""
    caller_id: str | msgspec.UnsetType | None = msgspec.UNSET
    """What further outbound legs show: `original`, `called`, or a number that may be shown; null:
    what treatment and campaign say."""


class Altered(msgspec.Struct, frozen=True):
    """What the call has now."""

    call: str
    attributes: dict[str, Any]
    """All of them."""
    caller_id: str | None
    """Null: as treatment and campaign say."""


@METHODS.method(
    "call.set", role="control", errors=(*_STEERING, ErrorCode.FORBIDDEN, ErrorCode.LIMIT_REACHED)
)
async def set_(desk: Desk, caller: Caller, params: Set) -> Altered:
    """Give a call attributes, or another caller id for the legs it will call.

    Attributes are facts (`attribute.NAME`) for conditions, ratings and payouts from now on, and
    stand in the record. Numbers may be shown that `originate` lists as `caller_ids`.
    """
    call = desk.steered(params.call, caller)
    journey = desk.journey(call)
    caller_id = None
    if isinstance(params.caller_id, str):
        caller_id = _caller_id(desk, call, params.caller_id, caller.identity.name)
    known = _attributes(desk, call, params.attributes)
    if params.caller_id is not msgspec.UNSET:
        journey.caller_id = caller_id
        call.emit(CallerIdChanged, caller_id=_told(caller_id))
    if params.attributes:
        for name, value in params.attributes.items():
            journey.facts.set(f"attribute.{name}", value)
        call.emit(AttributesSet, values=known)
    return Altered(params.call, known, _told(journey.caller_id))


def _attributes(desk: Desk, call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """All attributes of a call, with those that are given."""
    if len(given) > MAX_ATTRIBUTES:
        raise ControlError(ErrorCode.INVALID_PARAMS, f"attributes: at most {MAX_ATTRIBUTES}")
    before = desk.switchboard.recorder.so_far(call.call_id).get("attributes", {})
    known = {**before, **{name: plain("", as_value(value)) for name, value in given.items()}}
    if len(json_bytes(known)) > MAX_KNOWN_BYTES:
        message = f"the attributes of a call have at most {MAX_KNOWN_BYTES} bytes"
        raise ControlError(ErrorCode.LIMIT_REACHED, message)
    return known


def _caller_id(desk: Desk, call: Call, written: str, token: str) -> CallerId:
    country = call.configuration.switch.country
    try:
        caller_id = parse_caller_id(written, country)
    except RefusedError:
        caller_id = None
    if caller_id is None or caller_id.kind not in ("original", "called", "fixed"):
        raise ControlError(ErrorCode.INVALID_PARAMS, "caller_id: original, called, or a number")
    if caller_id.number is not None and not (
        desk.guards is not None
        and desk.guards.may_show(call.counts_for, caller_id.number, token=token)
    ):
        raise ControlError(ErrorCode.FORBIDDEN, "caller_id: this number may not be shown")
    return caller_id


def _told(caller_id: CallerId | None) -> str | None:
    return None if caller_id is None else caller_id.number or caller_id.kind


# Hold.


class Hold(SoundParams):
    """Which leg, and what it hears over and over: nothing, unless something is said."""

    leg: str = "a"
    """a: the caller; b1, b2...: those called."""
    at_most: Annotated[float, Meta(ge=1, le=MAX_HOLD_SECONDS)] = 3600.0
    """Seconds after which it is taken off hold if nobody else has: who asked for it may be gone."""


class Unhold(Params):
    """Which leg."""

    call: str
    leg: str = "a"


class Held(msgspec.Struct, frozen=True):
    """Whether the leg is on hold now."""

    call: str
    leg: str
    on_hold: bool


@METHODS.method("call.hold", role="control", errors=(*_ABOUT_LEG, *_SOUND_ERRORS))
async def hold(desk: Desk, caller: Caller, params: Hold) -> Held:
    """Put an answered leg on hold: it hears a sound or nothing, and nobody hears it.

    Its phone is told by re-INVITE, unless its trunk has `hold: local`. Bridging the leg ends it.
    """
    call = desk.steered(params.call, caller)
    _answered(call, params.leg)
    sound = None
    if is_given(params):
        sound = await sound_of(desk.sounds, desk.journey(call), params)
        call = desk.steered(params.call, caller)  # it may have taken a moment
    put_on_hold(call, _answered(call, params.leg), sound, at_most=params.at_most)
    return Held(params.call, params.leg, on_hold=True)


@METHODS.method("call.unhold", role="control", errors=_ABOUT_LEG)
async def unhold(desk: Desk, caller: Caller, params: Unhold) -> Held:
    """Have a leg back that is on hold; one that is not stays as it is."""
    call = desk.steered(params.call, caller)
    take_off_hold(call, _answered(call, params.leg))
    return Held(params.call, params.leg, on_hold=False)


def _answered(call: Call, leg_id: str) -> Leg:
    leg = leg_of(call, leg_id)
    if not leg.answered:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is not answered", leg=leg_id)
    return leg


# Transfer.


class TransferTo(Params):
    """Who is sent where."""

    call: str
    to: str | None = None
    """A number, or a SIP URI; one that `originate` lists."""
    to_call: str | None = None
    """In place of `to`: another call, with a leg of which the leg's side is to talk."""
    to_leg: str = "a"
    """That leg of the other call."""
    leg: str = "a"
    """a: the caller; b1, b2...: those called."""
    within: Annotated[float, Meta(ge=1, le=MAX_TRANSFER_SECONDS)] = 30.0
    """Seconds to wait for what the leg's side tells of its new call."""


class TransferResult(msgspec.Struct, frozen=True):
    """What became of it."""

    call: str
    leg: str
    ok: bool
    """Whether the new call was answered; this one has ended then, `transferred`."""
    status: int
    """The last SIP status that was told."""
    why: str
    """Empty, or: refused (the request), failed (the new call), timeout, untold (it was taken, and
    nothing will be told), hung_up (a party, or the switch, has ended the call), other_ended (the
    leg of `to_call`), not_possible."""


@METHODS.method(
    "call.transfer",
    role="control",
    errors=(*_ABOUT_LEG, ErrorCode.DESTINATION_NOT_ALLOWED, ErrorCode.LIMIT_REACHED),
)
async def transfer(desk: Desk, caller: Caller, params: TransferTo) -> TransferResult:
    """Ask an answered leg's side to call elsewhere (REFER), and wait for what becomes of it.

    When that has worked the call ends; else it goes on. A number is reached by the host the leg's
    trunk has. What may be called is what `call.originate` may call.

    With `to_call` it is asked to take the place of the switch towards an answered leg of that call
    (Replaces): the two talk without the switch then. The other call ends as if its leg had hung up,
    but `transferred`.
    """
    call = desk.steered(params.call, caller)
    leg = _answered(call, params.leg)
    if (params.to is None) == (params.to_call is None):
        raise ControlError(ErrorCode.INVALID_PARAMS, "either to or to_call")
    if params.to is None:
        outcome = await _to_leg(desk, caller, leg, params)
    else:
        outcome = await _to_address(desk, caller, leg, params.to, params.within)
    if isinstance(outcome, Transferred):
        return TransferResult(params.call, params.leg, ok=True, status=outcome.status, why="")
    return TransferResult(params.call, params.leg, ok=False, status=outcome.status, why=outcome.why)


async def _to_address(
    desk: Desk, caller: Caller, leg: Leg, to: str, within: float
) -> TransferOutcome:
    uri = _target(leg.call, leg, to.strip())
    permit = permit_for(desk, caller, leg.call.counts_for, to)
    try:
        return await leg.transfer(uri, within=within)
    finally:
        permit.release()


async def _to_leg(desk: Desk, caller: Caller, leg: Leg, params: TransferTo) -> TransferOutcome:
    """Nobody is called who was not called already: what `originate` lists is not asked."""
    other = desk.steered(params.to_call or "", caller)
    if other is leg.call:
        raise ControlError(ErrorCode.INVALID_PARAMS, "to_call: another call")
    return await transfer_to_leg(leg, _answered(other, params.to_leg), params.within)


def _target(call: Call, leg: Leg, to: str) -> str:
    if to.lower().startswith("sip:"):
        problem = sip_uri_problem(to)
        if problem is not None:
            raise ControlError(ErrorCode.INVALID_PARAMS, f"to: {problem}")
        return f"sip:{to[4:]}"
    number = normalise(to, call.configuration.switch.country)
    if number is None:
        raise ControlError(ErrorCode.INVALID_PARAMS, "to: a number, or a SIP URI")
    return called_uri(number, leg.trunk, call.configuration.switch.country)
