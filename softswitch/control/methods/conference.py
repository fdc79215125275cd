"""Conferences: legs of any calls that hear each other."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from softswitch.call.call import Call
from softswitch.call.conference import Conference, Full, Member
from softswitch.call.leg import Leg
from softswitch.control.access import Identity
from softswitch.control.attending import Attending, answered_leg
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.inviting import call_out
from softswitch.control.methods.calls import leg_of
from softswitch.control.session import Caller

__all__ = ["METHODS", "sees"]

METHODS = Catalogue()

MAX_LISTED = 1000
"""Participants in one answer: some hundred kilobytes, written in one turn of the loop."""

ConferenceName = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class MemberState(msgspec.Struct, frozen=True):
    """A leg in a conference."""

    call: str
    leg: str
    muted: bool
    """Whether the others do not hear it."""
    seconds: float
    """Since it came in."""


class ConferenceState(msgspec.Struct, frozen=True):
    """A conference and who is in it."""

    conference: str
    stays: bool
    """Whether it goes on when nobody is left."""
    members: list[MemberState]


class Named(Params):
    """Which conference."""

    conference: ConferenceName


@METHODS.method("conference.create", role="control", errors=(ErrorCode.LIMIT_REACHED,))
async def create(desk: Desk, caller: Caller, params: Named) -> ConferenceState:
    """Make a conference that stays until it is destroyed; one that is there stays as it is."""
    return _state(_opened(desk, caller, params.conference, stays=True))


class Add(Params):
    """Who is to be in it."""

    conference: ConferenceName
    """Made where there is none; it is over then when the last has left."""
    call: str | None = None
    """A call in progress; or give `to`."""
    leg: str | None = None
    """One leg of it; null: all that are answered."""
    to: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    """A number or SIP URI to be called; it is in when it answers."""
    campaign: str | None = None
    """Whose call that is."""
    muted: bool = False
    """Hears the others, and is not heard."""


class Added(msgspec.Struct, frozen=True):
    """What was added."""

    conference: str
    call: str
    """The call, or the one that was placed."""
    legs: list[str]
    """Those that are in it now."""


@METHODS.method(
    "conference.add",
    role="control",
    errors=(
        ErrorCode.CALL_NOT_FOUND,
        ErrorCode.CALL_ENDED,
        ErrorCode.LEG_NOT_FOUND,
        ErrorCode.WRONG_STATE,
        ErrorCode.NOT_IN_CONTROL,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.NOT_CONFIGURED,
        ErrorCode.DESTINATION_NOT_ALLOWED,
        ErrorCode.NO_CAPACITY,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def add(desk: Desk, caller: Caller, params: Add) -> Added:
    """Take a call's legs into a conference.

    Parties that talk go on hearing each other beside it, and a call that is steered goes on being
    steered. Any other call leaves its treatment for the conference, and ends with it.
    """
    if (params.call is None) == (params.to is None):
        raise ControlError(ErrorCode.INVALID_PARAMS, "give either call or to")
    if params.to is not None:
        return _invited(desk, caller, params, params.to)
    assert params.call is not None
    call = desk.steered(params.call, caller)
    legs = _legs(call, params.leg)
    conference = _opened(desk, caller, params.conference)
    before = conference.members
    try:
        within = caller.identity.campaigns
        members = [conference.add(leg, muted=params.muted, within=within) for leg in legs]
    except Full as error:
        for member in conference.members:
            if member not in before:
                conference.remove(member.leg)
        conference.tidy()
        raise ControlError(
            ErrorCode.LIMIT_REACHED, str(error), conference=params.conference
        ) from None
    _attend(desk, call, members)
    return Added(conference.name, call.call_id, [leg.leg_id for leg in legs if leg in conference])


def _invited(desk: Desk, caller: Caller, params: Add, to: str) -> Added:
    name = params.conference
    there = desk.services.conferences.find(name)
    if there is not None and not sees(caller.identity, there):
        raise _another(name)

    async def come_in(call: Call) -> None:
        try:
            conference = desk.services.conferences.open(name, campaigns=caller.identity.campaigns)
            member = conference.add(call.caller, muted=params.muted, within=call.within)
        except Full:
            call.end("switch", "conference_full")
            return
        await _attending(call, [member]).run()

    placed = call_out(desk, caller, params.campaign, to, come_in)
    return Added(name, placed.call_id, [])


def _attend(desk: Desk, call: Call, members: list[Member]) -> None:
    if call.ended or call.bridged or any(member.on_out for member in members):
        return
    _attending(call, members).begin(desk.holders)


def _attending(call: Call, members: list[Member]) -> Attending:
    def leave() -> None:
        for member in members:
            conference = call.services.conferences.of(member.leg)
            if conference is not None:
                conference.remove(member.leg, "diverted")

    attending = Attending(call, "conference", leave)
    for member in members:
        member.on_out.append(attending.conclude)
    return attending


def _legs(call: Call, leg_id: str | None) -> list[Leg]:
    if leg_id is not None:
        return [answered_leg(leg_of(call, leg_id))]
    legs = [leg for leg in call.legs if leg.answered and not leg.ended]
    return legs or [answered_leg(call.caller)]


class Remove(Params):
    """Who is to leave it."""

    conference: ConferenceName
    call: str
    leg: str | None = None
    """One leg; null: all of the call."""


@METHODS.method("conference.remove", role="control", errors=(ErrorCode.CONFERENCE_NOT_FOUND,))
async def remove(desk: Desk, caller: Caller, params: Remove) -> ConferenceState:
    """Take a call's legs out of a conference; a call that did nothing else ends."""
    conference = _found(desk, caller, params.conference)
    for member in _members(conference, params.call, params.leg):
        conference.remove(member.leg)
    return _state(conference)


class Mute(Params):
    """Who is to be heard, or not."""

    conference: ConferenceName
    call: str
    leg: str | None = None
    """One leg; null: all of the call."""
    muted: bool = True


@METHODS.method("conference.mute", role="control", errors=(ErrorCode.CONFERENCE_NOT_FOUND,))
async def mute(desk: Desk, caller: Caller, params: Mute) -> ConferenceState:
    """Have nobody hear a call's legs, or everybody again."""
    conference = _found(desk, caller, params.conference)
    for member in _members(conference, params.call, params.leg):
        conference.mute(member.leg, params.muted)
    return _state(conference)


class ConferenceList(msgspec.Struct, frozen=True):
    """Conferences, the oldest first."""

    conferences: list[ConferenceState]
    total: int


class ConferencesListed(Params):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = 100


@METHODS.method("conference.list", role="read")
async def list_conferences(desk: Desk, caller: Caller, params: ConferencesListed) -> ConferenceList:
    """The conferences, and who is in them."""
    found = [one for one in desk.services.conferences if sees(caller.identity, one)]
    return ConferenceList([_state(one) for one in found[: params.limit]], len(found))


class Destroyed(msgspec.Struct, frozen=True):
    """The conference that is no more."""

    conference: str


@METHODS.method("conference.destroy", role="control", errors=(ErrorCode.CONFERENCE_NOT_FOUND,))
async def destroy(desk: Desk, caller: Caller, params: Named) -> Destroyed:
    """Let everybody go; calls that did nothing else end."""
    _found(desk, caller, params.conference).destroy()
    return Destroyed(params.conference)


def sees(identity: Identity, conference: Conference) -> bool:
    """Whether a conference is somebody's business: one whose campaigns are all theirs."""
    return conference.is_open_to(identity.campaigns)


def _opened(desk: Desk, caller: Caller, name: str, *, stays: bool = False) -> Conference:
    conferences = desk.services.conferences
    there = conferences.find(name)
    if there is not None:
        if not sees(caller.identity, there):
            raise _another(name)
        there.stays = there.stays or stays
        return there
    try:
        return conferences.open(name, stays=stays, campaigns=caller.identity.campaigns)
    except Full as error:
        raise ControlError(ErrorCode.LIMIT_REACHED, str(error)) from None


def _another(name: str) -> ControlError:
    return ControlError(ErrorCode.FORBIDDEN, "the conference is another's", conference=name)


def _found(desk: Desk, caller: Caller, name: str) -> Conference:
    conference = desk.services.conferences.find(name)
    if conference is None or not sees(caller.identity, conference):
        raise ControlError(
            ErrorCode.CONFERENCE_NOT_FOUND, "there is no such conference", conference=name
        )
    return conference


def _members(conference: Conference, call_id: str, leg_id: str | None) -> list[Member]:
    found = [
        member
        for member in conference.members
        if member.leg.call.call_id == call_id and leg_id in (None, member.leg.leg_id)
    ]
    if not found:
        raise ControlError(
            ErrorCode.CONFERENCE_NOT_FOUND, "the call is not in the conference", call=call_id
        )
    return found


def _state(conference: Conference) -> ConferenceState:
    return ConferenceState(
        conference.name,
        conference.stays,
        [
            MemberState(
                member.leg.call.call_id,
                member.leg.leg_id,
                member.muted,
                round(member.leg.services.now() - member.since, 3),
            )
            for member in conference.members
        ],
    )
