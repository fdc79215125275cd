"""Subscriptions to events: from the history to a connection, as fast as the peer takes them.

A subscription pulls. It holds its place in the history and nothing else, so that a peer that is
slow, or sends nothing on, costs no memory and holds up no call: it falls behind, and when what it
has not seen is kept no longer it is told which numbers it has missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from softswitch.call.events import CallEvent
from softswitch.control.history import EventFilter, EventHistory, EventReader, Kept, Missed
from softswitch.control.rpc import event_message
from softswitch.switchboard.record import utc_text

__all__ = ["collect", "deliver", "event_kinds", "event_object", "events_of", "unknown_kind"]

PORTION = 200
"""Events looked at before anybody else has a turn of the loop: about a millisecond."""

Send = Callable[..., Awaitable[None]]


async def deliver(
    history: EventHistory, wanted: EventFilter, send: Send, *, subscription: int, after: int
) -> None:
    """Send a peer what it wants to know, for as long as it is there."""
    reader = EventReader(history, wanted, after=after)
    news = asyncio.Event()
    history.wake(reader, news.set)
    try:
        while True:
            news.clear()
            missed, events = reader.take(PORTION)
            messages = [*_missed_message(subscription, missed)]
            messages += [_message(subscription, kept) for kept in events]
            if messages:
                await send(*messages)
            await (asyncio.sleep(0) if reader.behind else news.wait())
    except (OSError, TimeoutError):
        return  # the peer has gone; whoever reads from it sees that too
    finally:
        history.wake(reader, None)


async def collect(
    history: EventHistory, wanted: EventFilter, *, after: int, limit: int, within: float
) -> tuple[Missed | None, list[Kept], int]:
    """What is wanted of the events behind a number, at most so many; when there are none, those
    that come within so many seconds. Also what is gone, and the number to go on from."""
    reader = EventReader(history, wanted, after=after)
    deadline = asyncio.get_running_loop().time() + within
    gone: Missed | None = None
    found: list[Kept] = []
    while True:
        missed, events = reader.take(min(PORTION, limit - len(found)))
        gone = _both(gone, missed)
        found += events
        if len(found) >= limit:
            break
        if reader.behind:
            await asyncio.sleep(0)
        elif found or gone or not await _news(history, reader, deadline):
            break
    return gone, found, reader.place


async def _news(history: EventHistory, reader: EventReader, deadline: float) -> bool:
    """Wait for events that a reader has not looked at; False: there was none in time."""
    news = asyncio.Event()
    history.wake(reader, news.set)
    try:
        async with asyncio.timeout_at(deadline):
            await news.wait()
    except TimeoutError:
        return False
    finally:
        history.wake(reader, None)
    return True


def _both(one: Missed | None, other: Missed | None) -> Missed | None:
    """From the first of what is gone to the last: between them nothing was there either."""
    if one is None or other is None:
        return one or other
    return Missed(one.first, other.last)


def _missed_message(subscription: int, missed: Missed | None) -> Iterator[bytes]:
    if missed is not None:
        told = {"subscription": subscription, "first": missed.first, "last": missed.last}
        yield event_message("events.missed", told)


def _message(subscription: int, kept: Kept) -> bytes:
    return event_message("event", {"subscription": subscription, **event_object(kept)})


def event_object(kept: Kept) -> dict[str, Any]:
    """An event as the outside world sees it."""
    event = kept.event
    return {
        "sequence": kept.sequence,
        "kind": event.kind,
        "call": event.call_id or None,
        "campaign": kept.campaign or None,
        "at": utc_text(event.at),
        "number": event.number,
        "facts": event.facts(),
    }


def events_of(base: type[CallEvent] = CallEvent) -> Iterator[type[CallEvent]]:
    """All kinds of events there are, as classes."""
    for one in base.__subclasses__():
        if one.kind and one.__module__.startswith("softswitch."):
            yield one
        yield from events_of(one)


@cache
def event_kinds() -> frozenset[str]:
    """The names of all kinds of events."""
    return frozenset(one.kind for one in events_of())


def unknown_kind(patterns: tuple[str, ...]) -> str | None:
    """The first pattern that no event can ever match: a slip of the pen."""
    return next((one for one in patterns if not _matches_any(one)), None)


def _matches_any(pattern: str) -> bool:
    return any(fnmatchcase(kind, pattern) for kind in event_kinds())
