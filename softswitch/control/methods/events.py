"""Hearing of what happens in calls: by subscription, or by asking again and again."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from softswitch.control.access import Identity
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.history import EventFilter, EventHistory
from softswitch.control.session import Caller
from softswitch.control.subscriptions import collect, deliver, event_object, unknown_kind

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_SUBSCRIPTIONS = 20
"""On one connection; each looks at every event."""

MAX_PATTERNS = 100
"""Kinds, campaigns or calls in one filter; each event is held against all of the kinds."""


MAX_POLLS = 20
"""Polls of one connection that wait at the same time, as with subscriptions."""

MAX_POLLED = 1000
"""Events of one answer: with records among them some megabytes."""

MAX_WAIT = 60.0
"""Seconds; proxies cut off what is silent for longer."""


class Wanted(Params):
    """Which events, from where on."""

    kinds: tuple[str, ...] = ()
    """Names of events, or patterns such as `call.*`; none: all."""
    campaigns: tuple[str, ...] = ()
    """Only events of calls of these campaigns; none: all that one may see."""
    calls: tuple[str, ...] = ()
    """Only events of these calls; none: of all, and those that belong to no call."""
    after: int | None = None
    """Number of the last event that one has; null: only what comes from now on."""
    epoch: str | None = None
    """Of which life of the switch `after` is a number; needed with it."""


class Subscribe(Wanted):
    """Which events, from where on."""


class Subscribed(msgspec.Struct, frozen=True):
    """Where the subscription begins; the events follow as notifications `event`."""

    subscription: int
    epoch: str
    """Names this life of the switch; numbers of events count within it."""
    first: int
    """Number of the oldest event that is kept."""
    last: int
    """Number of the newest."""
    after: int
    """The events that come are newer than this one."""


@METHODS.method(
    "events.subscribe",
    role="read",
    errors=(ErrorCode.EVENTS_GONE, ErrorCode.FORBIDDEN, ErrorCode.LIMIT_REACHED),
)
async def subscribe(desk: Desk, caller: Caller, params: Subscribe) -> Subscribed:
    """Have events sent, from now on or from where one stopped.

    Each comes as a notification `event`. Who falls behind further than events are kept, or comes
    back too late, gets `events.missed` with the first and last number that is gone, and then what
    is left. With an epoch that is not the present one: events_gone, with the present one.
    """
    wanted = _filter(params, caller.identity)
    after = _beginning(desk.history, params)
    subscriptions = caller.session.subscriptions
    if len(subscriptions) >= MAX_SUBSCRIPTIONS:
        raise ControlError(ErrorCode.LIMIT_REACHED, f"{MAX_SUBSCRIPTIONS} subscriptions are enough")
    number = next(caller.session.subscription_numbers)
    subscriptions[number] = asyncio.create_task(
        deliver(desk.history, wanted, caller.session.send, subscription=number, after=after)
    )
    history = desk.history
    return Subscribed(number, history.epoch, history.first, history.last, after)


def _beginning(history: EventHistory, params: Wanted) -> int:
    if params.epoch is not None and params.epoch != history.epoch:
        raise ControlError(
            ErrorCode.EVENTS_GONE,
            "the switch was started anew: its events count from 1 again",
            epoch=history.epoch, first=history.first, last=history.last,
        )  # fmt: skip
    if params.after is None:
        return history.last
    if params.after > 0 and params.epoch is None:
        raise ControlError(ErrorCode.INVALID_PARAMS, "after: needs the epoch it was counted in")
    return min(max(0, params.after), history.last)


def _filter(params: Wanted, identity: Identity) -> EventFilter:
    for name in ("kinds", "campaigns", "calls"):
        if len(getattr(params, name)) > MAX_PATTERNS:
            raise ControlError(ErrorCode.INVALID_PARAMS, f"{name}: at most {MAX_PATTERNS}")
    unknown = unknown_kind(params.kinds)
    if unknown is not None:
        raise ControlError(ErrorCode.INVALID_PARAMS, f"kinds: there are no events {unknown[:100]}")
    campaigns = frozenset(params.campaigns)
    if not all(identity.sees(campaign) for campaign in campaigns):
        raise ControlError(ErrorCode.FORBIDDEN, "campaigns: some of them are not for this token")
    return EventFilter(params.kinds, campaigns or identity.campaigns, frozenset(params.calls))


class Unsubscribe(Params):
    """Which subscription of this connection."""

    subscription: int


class Unsubscribed(msgspec.Struct, frozen=True):
    """The one that has ended."""

    subscription: int


@METHODS.method("events.unsubscribe", role="read", errors=(ErrorCode.SUBSCRIPTION_NOT_FOUND,))
async def unsubscribe(desk: Desk, caller: Caller, params: Unsubscribe) -> Unsubscribed:
    """End a subscription of this connection; no event of it follows the answer."""
    task = caller.session.subscriptions.pop(params.subscription, None)
    if task is None:
        raise ControlError(ErrorCode.SUBSCRIPTION_NOT_FOUND, "there is no such subscription here")
    task.cancel()
    await asyncio.wait((task,))
    return Unsubscribed(params.subscription)


class Poll(Wanted):
    """Which events, from where on, and how long to wait for the first of them."""

    wait: Annotated[float, Meta(ge=0, le=MAX_WAIT)] = 0.0
    """Seconds."""
    limit: Annotated[int, Meta(ge=1, le=MAX_POLLED)] = 100


class Polled(msgspec.Struct, frozen=True):
    """Events, the oldest first."""

    epoch: str
    """Names this life of the switch."""
    after: int
    """Number to go on from: `after` of the next poll."""
    events: list[dict[str, Any]]
    """Each as in the notification `event`, but for `subscription`."""
    missed: dict[str, int] | None
    """`first` and `last` number of what was asked for and is kept no longer."""


@METHODS.method(
    "events.poll",
    role="read",
    errors=(ErrorCode.EVENTS_GONE, ErrorCode.FORBIDDEN, ErrorCode.LIMIT_REACHED),
)
async def poll(desk: Desk, caller: Caller, params: Poll) -> Polled:
    """Ask for events, and wait for the first when there are none: for programs that cannot be told.

    Begin without `after`, go on with `after` and `epoch` of each answer.
    """
    wanted = _filter(params, caller.identity)
    after = _beginning(desk.history, params)
    session = caller.session
    if session.polls >= MAX_POLLS:
        raise ControlError(ErrorCode.LIMIT_REACHED, f"{MAX_POLLS} polls at once are enough")
    session.polls += 1
    try:
        missed, found, place = await collect(
            desk.history, wanted, after=after, limit=params.limit, within=params.wait
        )
    finally:
        session.polls -= 1
    return Polled(
        desk.history.epoch,
        place,
        [event_object(kept) for kept in found],
        None if missed is None else missed._asdict(),
    )
