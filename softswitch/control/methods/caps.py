"""Caps: how full they are; pausing campaigns and destinations, whatever their caps say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from config.e164 import normalise
from softswitch.call.events import CallEvent, CapPaused, CapResumed
from softswitch.campaign.ledger import Block
from softswitch.campaign.pauses import MAX_PAUSES, Pause
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk, PauseDesk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

logger = logging.getLogger(__name__)

MAX_LISTED = 10_000
"""Counts in one answer, about 3 MB."""

PORTION = 1000
"""Counts looked at before anybody else has a turn of the loop."""

Destination = Annotated[str, Meta(min_length=1, max_length=300)]


class ListCaps(Params):
    """Whose caps."""

    campaign: str | None = None
    """Null: of all campaigns."""


class CapCount(msgspec.Struct, frozen=True):
    """One count of a cap, in its present period. Numbers are calls, or money of a budget."""

    campaign: str
    cap: str
    kind: str
    """concurrent, hourly, daily, monthly or budget."""
    scope: str
    """campaign, publisher or destination: for each of what there is a count."""
    who: str
    """Name of the publisher or destination; empty for the campaign's one count."""
    limit: str
    since: str | None
    """Beginning of the period, UTC; null: there is none."""
    until: str | None
    used: str | None
    """For good, by the calls of all nodes, as it was last told; null: the database is away."""
    in_progress: str
    """Held by calls in progress on this node."""
    left: str | None
    """What this node can still give to calls; null: nobody knows."""


class PausedCap(msgspec.Struct, frozen=True):
    """Something that gets no calls."""

    campaign: str | None
    """Null: the destination, for calls of every campaign."""
    destination: str | None
    """Null: the campaign, wherever its calls would go."""
    by: str
    at: str
    """Since when, UTC."""
    why: str


class CapList(msgspec.Struct, frozen=True):
    """Counts by campaign and cap; what is paused."""

    counts: list[CapCount]
    paused: list[PausedCap]


@METHODS.method("cap.list", role="read")
async def list_caps(desk: Desk, caller: Caller, params: ListCaps) -> CapList:
    """How full caps are, and what is paused."""
    counts = []
    if desk.credit is not None:
        at = desk.credit.at
        for looked, block in enumerate(tuple(desk.credit.ledger.blocks.values()), start=1):
            key = block.need.key
            ours = caller.identity.sees(key.campaign) and params.campaign in (None, key.campaign)
            if ours and not block.ended and key.period <= at:
                counts.append(_count(block, desk.services.now()))
            if looked % PORTION == 0:
                await asyncio.sleep(0)
    counts.sort(key=lambda one: (one.campaign, one.cap, one.who))
    return CapList(counts[:MAX_LISTED], list(_pauses(desk, caller, params.campaign)))


def _count(block: Block, now: float) -> CapCount:
    need = block.need
    known = now < block.valid_until
    return CapCount(
        campaign=need.key.campaign,
        cap=need.key.cap,
        kind=need.cap.kind,
        scope=need.cap.scope,
        who=need.key.scope,
        limit=f"{need.cap.limit:f}",
        since=_time(need.key.period or None),
        until=_time(need.ends),
        # What was counted here and not told yet is used, too.
        used=f"{block.used + block.counted - block.acknowledged:f}" if known else None,
        in_progress=f"{block.taken:f}",
        left=f"{max(Decimal(0), block.room + block.free):f}" if known else None,
    )


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pauses(desk: Desk, caller: Caller, campaign: str | None) -> Iterator[PausedCap]:
    for pause in () if desk.paused is None else desk.paused.pauses:
        if pause.campaign and not caller.identity.sees(pause.campaign):
            continue
        if campaign is None or pause.campaign in ("", campaign):
            yield _line(pause)


def _line(pause: Pause) -> PausedCap:
    return PausedCap(
        pause.campaign or None,
        pause.destination or None,
        pause.by,
        _time(pause.at) or "",
        pause.why,
    )


class CapTarget(Params):
    """A campaign, a destination, or a destination for the calls of a campaign."""

    campaign: str | None = None
    destination: Destination | None = None
    """A number, or what else the treatment calls it."""


class PauseCap(CapTarget):
    """What is to be paused."""

    why: Annotated[str, Meta(max_length=200)] = ""


class ResumedCap(msgspec.Struct, frozen=True):
    """What gets calls again."""

    campaign: str | None
    destination: str | None
    was_paused: bool


_ERRORS = (
    ErrorCode.FORBIDDEN,
    ErrorCode.NOT_CONFIGURED,
    ErrorCode.NOT_SUPPORTED,
    ErrorCode.LIMIT_REACHED,
)


@METHODS.method("cap.pause", role="control", errors=_ERRORS)
async def pause(desk: Desk, caller: Caller, params: PauseCap) -> PausedCap:
    """Give a campaign or a destination no more calls, until `cap.resume`, also beyond a restart.

    Its calls are treated as over a cap: the next destination, then the steps for failure. Calls in
    progress go on. Only this node knows of it.
    """
    paused, campaign, destination = _checked(desk, caller, params)
    if campaign and campaign not in desk.configuration().campaigns:
        raise ControlError(ErrorCode.NOT_CONFIGURED, f"there is no campaign {campaign[:100]}")
    if len(paused.pauses) >= MAX_PAUSES and not paused.pauses.has(campaign, destination):
        raise ControlError(ErrorCode.LIMIT_REACHED, f"{MAX_PAUSES} things are paused")
    by, why = caller.identity.name, params.why
    made = Pause(campaign, destination, by, desk.services.wall_clock(), why)
    try:
        paused.pause(made)
    except OSError as error:
        raise _unwritten(error) from None
    _tell(desk, CapPaused, campaign, destination, by=by, why=why)
    return _line(made)


@METHODS.method("cap.resume", role="control", errors=_ERRORS)
async def resume(desk: Desk, caller: Caller, params: CapTarget) -> ResumedCap:
    """Have something paused get calls again; the same that was paused, not a part of it."""
    paused, campaign, destination = _checked(desk, caller, params)
    try:
        was_paused = paused.resume(campaign, destination)
    except OSError as error:
        raise _unwritten(error) from None
    if was_paused:
        _tell(desk, CapResumed, campaign, destination, by=caller.identity.name)
    return ResumedCap(campaign or None, destination or None, was_paused)


def _checked(desk: Desk, caller: Caller, params: CapTarget) -> tuple[PauseDesk, str, str]:
    """What is asked for, if whoever asks may: a destination alone concerns every campaign."""
    if desk.paused is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "nothing can be paused here")
    campaign, written = params.campaign or "", (params.destination or "").strip()
    if not (campaign or written):
        raise ControlError(ErrorCode.INVALID_PARAMS, "campaign or destination: one is needed")
    if not caller.identity.sees(campaign):
        message = "a destination of every campaign is not for this token"
        if not campaign:
            raise ControlError(ErrorCode.FORBIDDEN, message)
        raise ControlError(ErrorCode.NOT_CONFIGURED, f"there is no campaign {campaign[:100]}")
    if written and not written.isprintable():
        raise ControlError(ErrorCode.INVALID_PARAMS, "destination: a number, or a SIP URI")
    number = normalise(written, desk.configuration().switch.country) if written else None
    return desk.paused, campaign, number or written


def _unwritten(error: OSError) -> ControlError:
    logger.error("what is paused cannot be written down: %s", error)
    return ControlError(ErrorCode.INTERNAL_ERROR, f"it cannot be written down: {error.strerror}")


def _tell(desk: Desk, kind: type[CallEvent], campaign: str, destination: str, **facts: str) -> None:
    desk.services.tell(
        kind,
        campaign=campaign or None,
        destination=destination or None,
        **facts,
    )
