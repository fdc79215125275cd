"""Lists of numbers that are called some at a time, and who has opted out of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from config.model import Destination
from ivr.click_to_call import Plan
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.originate import Address, campaign_of, prompt_named
from softswitch.control.session import Caller
from softswitch.switchboard.call_list import MAX_NUMBERS, ListOrder
from softswitch.switchboard.call_lists import CallLists, OptOuts, RunningList
from softswitch.switchboard.guards import party_names

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_AT_ONCE = 1000
"""Calls of a list at the same time; each holds a port, and the guards may allow fewer."""

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class ListStart(Params):
    """Whom to call, and what those who answer get."""

    list: Name
    """Its name, for events and records (attribute `list`)."""
    campaign: str
    numbers: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=MAX_NUMBERS)]
    """Called in this order; each must be listed under `originate`."""
    treatment: str | None = None
    """What those who answer get."""
    second: Address | None = None
    """Whom they are connected to instead."""
    prompt: str | None = None
    """Name of a prompt they hear first."""
    opt_out_key: Annotated[str, Meta(pattern="^[0-9*#]$")] | None = None
    """Who presses it before being connected is called by no list any more."""
    leave_machines: bool = False
    """Whether answering machines are left, and tried again as who does not answer."""
    at_once: Annotated[int, Meta(ge=1, le=MAX_AT_ONCE)] = 1
    attempts: Annotated[int, Meta(ge=1, le=10)] = 1
    """How often who does not answer is called in all."""
    retry_seconds: Annotated[float, Meta(ge=1, le=604800)] = 3600.0
    hours: str | None = None
    """Name of a schedule: nobody is called outside it. The campaign's when left out."""
    caller_id: Annotated[str, Meta(max_length=64)] | None = None
    ring_seconds: Annotated[float, Meta(ge=1, le=600)] = 30.0
    time_limit: Annotated[float, Meta(ge=1, le=86400)] | None = None


class ListState(msgspec.Struct, frozen=True):
    """How far a list is."""

    list: str
    campaign: str
    state: str
    """running, or why it is over: done, stopped, drained."""
    numbers: int
    calling: int
    """Being called now, or talking."""
    left: int
    """To be called, or called again."""
    answered: int
    unanswered: int
    opted_out: int
    not_allowed: int


@METHODS.method(
    "list.start",
    role="control",
    errors=(
        ErrorCode.NOT_CONFIGURED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.MEDIA_UNAVAILABLE,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def start(desk: Desk, caller: Caller, params: ListStart) -> ListState:
    """Call numbers some at a time, until each has answered or was called as often as asked for.

    The rules of `originate` hold for each call; over their limits the list waits. A restart of the
    switch forgets the list, not who has opted out.
    """
    lists = _lists(desk)
    campaign = campaign_of(desk, caller, params.campaign)
    configuration = desk.configuration()
    if (params.second is None) == (params.treatment is None):
        raise ControlError(ErrorCode.INVALID_PARAMS, "give either second or treatment")
    if params.treatment is not None and params.treatment not in configuration.treatments:
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such treatment")
    if params.leave_machines and desk.services.ears is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "no machine can be told from a person here")
    hours = params.hours or campaign.hours
    if hours is not None and hours not in configuration.hours:
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such schedule")
    order = ListOrder(
        params.list,
        campaign.name,
        tuple(_party(desk, number) for number in params.numbers),
        Plan(
            Destination("number"),
            treatment=params.treatment,
            prompt=prompt_named(desk, params.prompt),
            leave_machines=params.leave_machines,
            ring_seconds=params.ring_seconds,
            time_limit=params.time_limit,
            within=caller.identity.campaigns,
        ),
        at_once=params.at_once,
        attempts=params.attempts,
        retry_seconds=params.retry_seconds,
        hours=hours,
        opt_out_key=params.opt_out_key,
        second=params.second,
        caller_id=params.caller_id,
        token=caller.identity.name,
    )
    if not lists.start(order):
        raise ControlError(ErrorCode.LIMIT_REACHED, "it is being called already, or too many are")
    return _state(lists.lists[params.list])


class ListStop(Params):
    """Which list."""

    list: Name
    hang_up: bool = False
    """Whether its calls in progress are ended too."""


@METHODS.method(
    "list.stop", role="control", errors=(ErrorCode.NOT_CONFIGURED, ErrorCode.NOT_SUPPORTED)
)
async def stop(desk: Desk, caller: Caller, params: ListStop) -> ListState:
    """Call nobody of a list any more."""
    lists = _lists(desk)
    running = lists.lists.get(params.list)
    if running is None or not caller.identity.sees(running.order.campaign):
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such list")
    lists.stop(params.list, hang_up=params.hang_up)
    return _state(running)


class ListStatus(Params):
    """All of them."""


class ListStates(msgspec.Struct, frozen=True):
    """Lists since the start of the switch; of those that are over, the last hundred."""

    lists: list[ListState]


@METHODS.method("list.status", role="read", errors=(ErrorCode.NOT_SUPPORTED,))
async def status(desk: Desk, caller: Caller, params: ListStatus) -> ListStates:
    """How far the lists are."""
    found = _lists(desk).lists.values()
    return ListStates([_state(one) for one in found if caller.identity.sees(one.order.campaign)])


class OptOut(Params):
    """Who."""

    party: Address
    """A number or SIP URI."""
    called: bool = False
    """True: it may be called by lists again."""


class OptOutState(msgspec.Struct, frozen=True):
    """Whether lists call somebody."""

    party: str
    called: bool


@METHODS.method("list.opt_out", role="control", errors=(ErrorCode.NOT_SUPPORTED,))
async def opt_out(desk: Desk, caller: Caller, params: OptOut) -> OptOutState:
    """Have no list call somebody, or have lists call it again; it is kept on disk. An opt-out holds
    for all campaigns: a token that is bound to some does not take it back."""
    outs = _lists(desk).opt_outs
    if params.called and caller.identity.campaigns:
        raise ControlError(
            ErrorCode.FORBIDDEN, "a token for some campaigns takes back nobody's opt-out"
        )
    names = party_names(params.party, desk.configuration().switch.country)
    if not names:
        raise ControlError(ErrorCode.INVALID_PARAMS, "party: this is no number and no SIP address")
    party = names[-1]
    if not params.called:
        _add(outs, party, by=caller.identity.name)
        return OptOutState(party, called=False)
    try:
        for name in names:
            outs.remove(name, by=caller.identity.name)
    except OSError as error:
        message = f"it cannot be written down, the opt-out holds: {error.strerror or error}"
        raise ControlError(ErrorCode.INTERNAL_ERROR, message) from None
    return OptOutState(party, called=True)


def _add(outs: OptOuts, party: str, *, by: str) -> None:
    try:
        outs.add(party, by=by)
    except OSError as error:
        why = error.strerror or str(error)
        message = (
            f"the opt-out holds in memory only until the disk has room: {why}"
            if outs.has(party)
            else f"the opt-out does not hold: {why}"
        )
        raise ControlError(ErrorCode.INTERNAL_ERROR, message) from None


def _lists(desk: Desk) -> CallLists:
    if desk.lists is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch calls no lists")
    return desk.lists


def _party(desk: Desk, number: str) -> str:
    """A number as it is called, so that it is one party however it is written."""
    names = party_names(number, desk.configuration().switch.country)
    return names[0] if names else number.strip()


def _state(running: RunningList) -> ListState:
    entries = running.entries
    return ListState(
        list=running.order.name,
        campaign=running.order.campaign,
        state=running.ended or "running",
        numbers=entries.total,
        calling=entries.calling,
        left=entries.left,
        answered=entries.outcomes["answered"],
        unanswered=entries.outcomes["unanswered"],
        opted_out=entries.outcomes["opted_out"],
        not_allowed=entries.outcomes["not_allowed"],
    )
