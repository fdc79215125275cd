"""Steering a call from outside, step by step: take it, answer, play, ask, call others, bridge, let
it go."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from config.model import Campaign
from ivr.flow import run_treatment
from ivr.journey import Journey, original_of
from softswitch.call.called_leg import CalledLeg
from softswitch.call.events import TreatmentChanged
from softswitch.control import verbs
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.calls import CallState, Which, call_state, leg_of
from softswitch.control.session import Caller
from softswitch.control.showing import ORIGINAL, check_headers, check_original
from softswitch.control.sounding import SoundParams, is_given, sound_of
from softswitch.control.steering import SteeredCall
from softswitch.control.verbs import Dialled, Gathered, Keypad

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_HEADERS = 20
"""As for a connect of a treatment."""

CALLER = "a"

_GONE = (ErrorCode.CALL_NOT_FOUND, ErrorCode.CALL_ENDED, ErrorCode.NOT_IN_CONTROL)
_LEG = (*_GONE, ErrorCode.LEG_NOT_FOUND, ErrorCode.WRONG_STATE)
_SOUND = (*_LEG, ErrorCode.NOT_CONFIGURED, ErrorCode.MEDIA_UNAVAILABLE, ErrorCode.NOT_SUPPORTED)

Seconds = Annotated[float, Meta(ge=0.1, le=120)]
RingSeconds = Annotated[float, Meta(ge=1, le=600)]
Count = Annotated[int, Meta(ge=1, le=64)]
Cause = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,39}$")]
HeaderName = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9.-]{1,63}$")]
HeaderText = Annotated[str, Meta(max_length=1000)]


def _steered(desk: Desk, caller: Caller, call_id: str) -> SteeredCall:
    """A call that this connection has taken; raises ControlError."""
    desk.steered(call_id, caller)
    if desk.steering is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "calls are not steered from outside here")
    return desk.steering.held(call_id, caller)


class Steered(msgspec.Struct, frozen=True):
    """It was done."""

    call: str


# To have a call.


@METHODS.method(
    "call.take",
    role="control",
    errors=(*_GONE, ErrorCode.WRONG_STATE, ErrorCode.NOT_SUPPORTED),
)
async def take(desk: Desk, caller: Caller, params: Which) -> CallState:
    """Take a call that is offered (`call.offered`): the first who asks has it, and steers it until
    `call.release`. A connection that is lost has lost its calls."""
    call = desk.steered(params.call, caller)
    if desk.steering is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "calls are not steered from outside here")
    steered = desk.steering.find(params.call)
    if steered is None:
        raise ControlError(
            ErrorCode.WRONG_STATE, "the call is not offered, or no more", call=params.call
        )
    steered.take(caller.session)
    return call_state(desk, call)


@METHODS.method("call.release", role="control", errors=_GONE)
async def release(desk: Desk, caller: Caller, params: Which) -> Steered:
    """Let a call go: its treatment goes on with the step after `controller`. Two who talk go on,
    and the call ends with their talk; legs that talk to nobody are hung up."""
    _steered(desk, caller, params.call).conclude("released")
    return Steered(params.call)


class Route(Params):
    """Where to: one of them."""

    call: str
    treatment: str | None = None
    campaign: str | None = None
    """The call counts for this campaign from now on, and gets its treatment."""


class Routed(msgspec.Struct, frozen=True):
    """The treatment the call goes on in."""

    call: str
    treatment: str


@METHODS.method(
    "call.route", role="control", errors=(*_GONE, ErrorCode.NOT_CONFIGURED, ErrorCode.NOT_SUPPORTED)
)
async def route(desk: Desk, caller: Caller, params: Route) -> Routed:
    """Have a call go on in another treatment, from its beginning, and steer it no more. Whoever the
    caller talks to is left. Also for a call that nobody steers, wherever in its treatment it is."""
    call = desk.steered(params.call, caller)
    if (params.treatment is None) == (params.campaign is None):
        raise ControlError(ErrorCode.INVALID_PARAMS, "say one of treatment and campaign")
    steered = None if desk.steering is None else desk.steering.find(params.call)
    journey = desk.journey(call) if steered is None else steered.journey
    if params.campaign is not None:
        campaign = _campaign(journey, caller, params.campaign)
        name = original_of(journey.configuration, campaign).treatment
    else:
        campaign, name = None, params.treatment or ""
    treatment = journey.configuration.treatments.get(name)
    if treatment is None:
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such treatment")
    if campaign is not None:
        journey.choose_campaign(treatment.name, campaign, "controller")
    call.emit(TreatmentChanged, treatment=treatment.name, why="routed")
    if call.ended:
        raise ControlError(ErrorCode.CALL_ENDED, "the call is over", call=params.call)
    call.within = caller.identity.campaigns
    if steered is not None:
        steered.conclude(treatment)
    else:
        call.divert(partial(run_treatment, journey, treatment))
    return Routed(params.call, treatment.name)


def _campaign(journey: Journey, caller: Caller, name: str) -> Campaign:
    campaign = journey.configuration.campaigns.get(name)
    if campaign is None or not caller.identity.sees(name):
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such campaign")
    return campaign


# To speak with the caller, or with a leg that was called.


@METHODS.method("call.ring", role="control", errors=(*_GONE, ErrorCode.WRONG_STATE))
async def ring(desk: Desk, caller: Caller, params: Which) -> Steered:
    """Let a caller that is not answered hear that it rings (180)."""
    steered = _steered(desk, caller, params.call)
    if not steered.call.caller.waiting:
        raise ControlError(ErrorCode.WRONG_STATE, "the caller is answered")
    steered.call.caller.ring(180)
    return Steered(params.call)


@METHODS.method("call.answer", role="control", errors=_GONE)
async def answer(desk: Desk, caller: Caller, params: Which) -> Steered:
    """Answer the caller, if that has not happened; answered when its campaign's notice has been
    played."""
    steered = _steered(desk, caller, params.call)
    await steered.run(verbs.answer(steered))
    return Steered(params.call)


class Play(SoundParams):
    """What is played, on which leg."""

    leg: str = CALLER
    """a: the caller; b1, b2...: those called."""
    repeat: bool = False
    """Again and again until something else plays, or `call.stop`; answered at once."""
    barge_in: bool = False
    """Whether a key cuts it; the key is there for `call.gather`."""
    wait: bool = True
    """False: answered when it begins to play."""


class Played(msgspec.Struct, frozen=True):
    """How it ended."""

    call: str
    leg: str
    played: str
    """finished, cut (by a key, or by what played next), or playing: it was not waited for."""


@METHODS.method("call.play", role="control", errors=_SOUND)
async def play(desk: Desk, caller: Caller, params: Play) -> Played:
    """Play to an answered leg in place of what plays; answered when it is over."""
    return await _play(desk, caller, params)


class Say(Params):
    """What is said, on which leg."""

    call: str
    text: Annotated[str, Meta(min_length=1, max_length=1000)]
    leg: str = CALLER
    barge_in: bool = False
    wait: bool = True


@METHODS.method("call.say", role="control", errors=_SOUND)
async def say(desk: Desk, caller: Caller, params: Say) -> Played:
    """Speak a text: `call.play` with a text."""
    asked = Play(**msgspec.structs.asdict(params))
    return await _play(desk, caller, asked)


async def _play(desk: Desk, caller: Caller, params: Play) -> Played:
    steered = _steered(desk, caller, params.call)
    leg = verbs.ready(leg_of(steered.call, params.leg))

    async def work() -> str:
        sound = await sound_of(desk.sounds, steered.journey, params)
        verbs.ready(leg)
        if params.repeat or not params.wait:
            leg.start_playing(sound, repeat=params.repeat)
            return "playing"
        whole = await verbs.play(leg, sound, barge_in=params.barge_in)
        return "finished" if whole else "cut"

    return Played(params.call, params.leg, await steered.run(work()))


class SteeredLeg(Params):
    """Which leg."""

    call: str
    leg: str = CALLER


@METHODS.method("call.stop", role="control", errors=_LEG)
async def stop(desk: Desk, caller: Caller, params: SteeredLeg) -> Steered:
    """Cut what plays on a leg."""
    steered = _steered(desk, caller, params.call)
    leg_of(steered.call, params.leg).stop_playing()
    return Steered(params.call)


class Gather(SoundParams):
    """How a leg is asked for keys. Without a sound it is only listened to."""

    leg: str = CALLER
    min: Annotated[int, Meta(ge=0, le=64)] = 1
    max: Count = 30
    """As many keys end it."""
    terminator: Annotated[str, Meta(pattern="^[0-9A-D*#]?$")] = "#"
    """Key that ends it; empty: none does."""
    timeout: Seconds = 5.0
    """Wait for the first key, after the sound."""
    inter_digit: Seconds = 3.0
    """Wait for each further key."""
    barge_in: bool = True
    """Whether a key cuts the sound, and counts; else only keys after it count."""
    forget: bool = False
    """Whether keys that were pressed before are dropped."""
    secret: bool = False
    """The keys stand in no log, event, record or recording: only in the answer to this."""


@METHODS.method("call.gather", role="control", errors=_SOUND)
async def gather(desk: Desk, caller: Caller, params: Gather) -> Gathered:
    """Ask an answered leg that talks to nobody for keys; answered when they are there, or the time
    is up."""
    if params.min > params.max:
        raise ControlError(ErrorCode.INVALID_PARAMS, "min is above max")
    steered = _steered(desk, caller, params.call)
    leg = verbs.ready(leg_of(steered.call, params.leg))
    keypad = Keypad(
        least=params.min,
        most=params.max,
        terminator=params.terminator,
        first_seconds=params.timeout,
        further_seconds=params.inter_digit,
        secret=params.secret,
        barge_in=params.barge_in,
    )

    async def work() -> Gathered:
        if params.forget:
            leg.forget_digits()
        given = is_given(params) and not (params.barge_in and leg.keys)
        sound = await sound_of(desk.sounds, steered.journey, params) if given else None
        return await verbs.gather(steered, verbs.ready(leg), sound, keypad)

    return await steered.run(work())


# To bring others in.


class Dial(Params):
    """Whom to call, and as whom."""

    call: str
    to: Annotated[str, Meta(min_length=3, max_length=300)]
    """A number, or a SIP URI."""
    trunk: str | None = None
    """None: the campaign's."""
    ring_seconds: RingSeconds = 30.0
    caller_id: Annotated[str, Meta(max_length=40)] | None = None
    """The number that is shown; `original`: the caller's, where the campaign shows it or it is
    listed. None: as the campaign says."""
    headers: Annotated[dict[HeaderName, HeaderText], Meta(max_length=MAX_HEADERS)] = msgspec.field(
        default_factory=dict
    )
    """Header fields of the INVITE, beside the campaign's; none that says who calls."""
    credit: bool = True
    """Whether the call counts against the campaign's caps when they talk."""


@METHODS.method(
    "call.dial",
    role="control",
    errors=(
        *_GONE,
        ErrorCode.DESTINATION_NOT_ALLOWED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def dial(desk: Desk, caller: Caller, params: Dial) -> Dialled:
    """Call somebody for this call; answered with the outcome. The caller hears nothing of it; a leg
    that answers is up and talks to nobody until `call.bridge`. What may be called is in
    `originate` of the campaign."""
    steered = _steered(desk, caller, params.call)
    check_headers(params.headers)
    original = params.caller_id == ORIGINAL
    if original:
        call = steered.call
        check_original(desk, caller, call.campaign, (call.caller_number,))
    work = verbs.dial(
        steered,
        desk.guards,
        params.to,
        token=caller.identity.name,
        trunk=params.trunk,
        ring_seconds=params.ring_seconds,
        caller_id=None if original else params.caller_id,
        original=original,
        headers=params.headers,
        credit=params.credit,
    )
    return await steered.run(work)


class Bridge(Params):
    """Whom the caller is to talk to."""

    call: str
    leg: str


class Bridged(msgspec.Struct, frozen=True):
    """Who talk."""

    call: str
    leg: str


@METHODS.method("call.bridge", role="control", errors=_LEG)
async def bridge(desk: Desk, caller: Caller, params: Bridge) -> Bridged:
    """Let the caller, answered by this if that is due, and a leg that was called hear each other.
    When the leg hangs up the caller stays (`call.unbridged`)."""
    steered = _steered(desk, caller, params.call)
    verbs.bridge(steered, leg_of(steered.call, params.leg))
    return Bridged(params.call, params.leg)


class Unbridge(SoundParams):
    """What the caller hears from now on, again and again; nothing without a sound."""


@METHODS.method("call.unbridge", role="control", errors=_SOUND)
async def unbridge(desk: Desk, caller: Caller, params: Unbridge) -> Bridged:
    """Part the two who talk: both stay up and hear nothing of each other."""
    steered = _steered(desk, caller, params.call)
    call, given = steered.call, is_given(params)

    async def work() -> CalledLeg | None:
        sound = await sound_of(desk.sounds, steered.journey, params) if given else None
        leg = call.unbridge()
        if leg is not None and sound is not None and not call.ended:
            call.start_playing(sound, repeat=True)
        return leg

    leg = await steered.run(work())
    if leg is None:
        raise ControlError(ErrorCode.WRONG_STATE, "nobody talks to the caller")
    return Bridged(params.call, leg.leg_id)


class LegHangUp(Params):
    """Which leg, and why."""

    call: str
    leg: str
    cause: Cause = "controlled"


@METHODS.method("call.leg_hangup", role="control", errors=_LEG)
async def leg_hangup(desk: Desk, caller: Caller, params: LegHangUp) -> Steered:
    """End a leg that was called, also one that rings; the caller stays. The whole call is ended by
    `call.hangup`."""
    steered = _steered(desk, caller, params.call)
    call, leg = steered.call, leg_of(steered.call, params.leg)
    if not isinstance(leg, CalledLeg) or leg is call.caller:
        raise ControlError(ErrorCode.WRONG_STATE, "the caller's leg ends with the call")
    if leg is call.callee:
        call.unbridge()
    leg.hang_up(cause=params.cause)
    return Steered(params.call)
