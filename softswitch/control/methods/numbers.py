"""Numbers: having one live at once, having it live no more, and which there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from heapq import nsmallest
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.model import NOTHING, Configuration, Number
from config.numbers import classify, looks_like_pattern
from config.reading import RefusedError
from ringpool.activated import ActivatedNumbers, key_of
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.number_desk import NumberDesk
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_LISTED = 1000
"""Numbers in one answer."""

Written = Annotated[str, Meta(min_length=1, max_length=250)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Values = Annotated[dict[Name, Annotated[str, Meta(max_length=2000)]], Meta(max_length=20)]
Refusal = Literal[404, 410, 480, 486, 600, 603]


_Listed = tuple[Number, str, bool]
"""A number, where it is from, and whether it is live."""


class Activate(Params):
    """Which number, and what it stands for."""

    number: Written
    """A phone number in any usual form, or a SIP URI; no pattern."""
    campaign: Name | None = None
    """Null: one of the configuration that was withdrawn, as it was."""
    publisher: Name | None = None
    """Party credited for its calls; null: the campaign's."""
    parameters: Values = msgspec.field(default_factory=dict)
    """What the number stands for: values that conditions and templates may ask for."""
    as_is: bool = False
    """Compare it with what is dialled as it is: short codes, extensions."""
    refuse: Refusal | None = None
    """Take the signalling and refuse the call with this status, never answer."""


class LiveNumber(msgspec.Struct, frozen=True):
    """A number that is live, or was."""

    number: str
    """Canonical: E.164, a SIP URI, or as it is dialled."""
    as_is: bool
    campaign: str
    publisher: str | None
    pool: str | None
    parameters: dict[str, str]
    refuse: int | None
    source: str
    """configuration or activated."""
    live: bool
    """False: it was withdrawn, its campaign is gone, or the configuration has the number now."""


@METHODS.method(
    "number.activate",
    role="control",
    errors=(
        ErrorCode.NUMBER_IN_USE,
        ErrorCode.NOT_CONFIGURED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def activate(desk: Desk, caller: Caller, params: Activate) -> LiveNumber:
    """Have calls to a number taken from now on, on this node; it outlives a restart.

    A number that the configuration has, in its numbers, pools or stocks, is number_in_use; one that
    matches a pattern of it is not, and goes before the pattern; for a token with `campaigns` it is,
    when the pattern is of a campaign that the token does not see. Said again it is answered again.
    """
    numbers = _numbers(desk)
    number = _number_of(params, desk.configuration())
    if params.campaign is None and number.pattern not in numbers.kept.numbers.withdrawn:
        raise ControlError(
            ErrorCode.INVALID_PARAMS, "campaign: it was not withdrawn, so it needs one"
        )
    campaign = params.campaign or numbers.kept.numbers.withdrawn[number.pattern]
    if not caller.identity.sees(campaign):
        raise ControlError(ErrorCode.NOT_CONFIGURED, f"there is no campaign {campaign[:100]}")
    done = await numbers.activate(number, asked=caller.identity.name, sees=caller.identity.sees)
    source = "configuration" if desk.switchboard.snapshot.numbers.entry(done) else "activated"
    return _line(done, source, live=True)


class Withdraw(Params):
    """Which number."""

    number: Written
    """As it is dialled, or canonical."""


class NumberGone(msgspec.Struct, frozen=True):
    """It is live no more."""

    number: str
    campaign: str


@METHODS.method(
    "number.withdraw",
    role="control",
    errors=(ErrorCode.NUMBER_NOT_FOUND, ErrorCode.NUMBER_IN_USE, ErrorCode.NOT_SUPPORTED),
)
async def withdraw(desk: Desk, caller: Caller, params: Withdraw) -> NumberGone:
    """Have calls to a number refused from now on, on this node; calls in progress go on.

    One of the configuration stays withdrawn, over reloads and restarts, until it is activated
    again. Numbers of pools are the pool's: number_in_use.
    """
    numbers = _numbers(desk)
    match = numbers.find(params.number)
    if match is None or not caller.identity.sees(match.campaign):
        raise ControlError(ErrorCode.NUMBER_NOT_FOUND, "there is no such number")
    await numbers.withdraw(match, asked=caller.identity.name)
    return NumberGone(match.number, match.campaign)


class ListNumbers(Params):
    """Which numbers."""

    campaign: str | None = None
    source: Literal["configuration", "activated", "withdrawn"] | None = None
    """Null: those of the configuration and those that were activated."""
    after: str | None = None
    """Only numbers behind this one in their order: the last one of the answer before."""
    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = 100


class Numbers(msgspec.Struct, frozen=True):
    """Numbers in their order."""

    numbers: list[LiveNumber]
    more: bool
    """Whether there are more behind these."""


@METHODS.method("number.list", role="read")
async def list_numbers(desk: Desk, caller: Caller, params: ListNumbers) -> Numbers:
    """The numbers there are: those of the configuration, and those activated on this node."""
    configuration = desk.configuration()
    known = ActivatedNumbers() if desk.numbers is None else desk.numbers.kept.numbers
    sees = caller.identity.sees

    def found() -> list[LiveNumber]:
        every = _withdrawn(known) if params.source == "withdrawn" else _every(configuration, known)
        wanted = (one for one in every if sees(one[0].campaign) and _is_wanted(one, params))
        first = nsmallest(params.limit + 1, wanted, key=lambda one: one[0].pattern)
        return [_line(number, source, live=live) for number, source, live in first]

    # Of a hundred thousand: not in the way of calls.
    lines = await asyncio.to_thread(found)
    return Numbers(lines[: params.limit], len(lines) > params.limit)


def _every(configuration: Configuration, known: ActivatedNumbers) -> Iterator[_Listed]:
    for number in configuration.numbers:
        yield number, "configuration", number.pattern not in known.withdrawn
    activated = tuple(known.numbers.values())
    listed = {key_of(number) for number in configuration.numbers} if activated else set()
    for number in activated:
        there = number.campaign in configuration.campaigns and key_of(number) not in listed
        yield number, "activated", there and number.pattern not in known.withdrawn


def _withdrawn(known: ActivatedNumbers) -> Iterator[_Listed]:
    """Also those that the configuration has by a pattern only, or no more."""
    for number, campaign in tuple(known.withdrawn.items()):
        yield Number(number, "exact", campaign), "configuration", False


def _is_wanted(listed: _Listed, params: ListNumbers) -> bool:
    number, source, _ = listed
    if params.campaign not in (None, number.campaign):
        return False
    if params.after is not None and number.pattern <= params.after:
        return False
    return params.source in (None, "withdrawn", source)


def _numbers(desk: Desk) -> NumberDesk:
    if desk.numbers is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch keeps no numbers of its own")
    return desk.numbers


def _number_of(params: Activate, configuration: Configuration) -> Number:
    """The number as the configuration would have it; raises ControlError."""
    country = configuration.switch.country
    try:
        pattern, kind = classify(params.number, country, as_is=params.as_is)
    except RefusedError as error:
        if looks_like_pattern(params.number):
            raise _no_patterns() from None
        cure = f": {error.suggestion}" if error.suggestion else ""
        raise ControlError(ErrorCode.INVALID_PARAMS, f"number: {error}{cure}") from None
    if kind == "pattern":
        raise _no_patterns()
    return Number(
        pattern=pattern,
        kind=kind,
        campaign=params.campaign or "",
        publisher=params.publisher,
        parameters=MappingProxyType(dict(params.parameters)) if params.parameters else NOTHING,
        as_is=params.as_is,
        refuse=params.refuse,
    )


def _no_patterns() -> ControlError:
    return ControlError(
        ErrorCode.INVALID_PARAMS,
        "number: expected one number; patterns stand in the configuration only",
    )


def _line(number: Number, source: str, *, live: bool) -> LiveNumber:
    return LiveNumber(
        number=number.pattern,
        as_is=number.as_is,
        campaign=number.campaign,
        publisher=number.publisher,
        pool=number.pool,
        parameters=dict(number.parameters),
        refuse=number.refuse,
        source=source,
        live=live,
    )
