"""The one in-process stream of events.

Publishing is synchronous and in order: a subscriber that must come before the world (the journal)
subscribes first. A subscriber may publish while it handles an event; what it publishes is
delivered after the event in hand, so that all subscribers see one order. The stream knows nothing
of what events mean.

Subscribers that only count or keep are told late, of many events in a row: what they do is then
done with warm caches, not once an event with cold ones.

Bounds: one publication sets off at most MAX_BURST events, MAX_LATE wait for late subscribers.
Subscribers that cannot keep up use a `Subscription`, a bounded queue that counts what it had to
drop; the stream itself never waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from softswitch.call.events import CallEvent

logger = logging.getLogger(__name__)

Subscriber = Callable[[CallEvent], None]

MAX_BURST = 4096
"""Events that one publication may set off; more can only be subscribers that answer each other
without end."""

FAILED = "a subscriber failed on %s of call %s"

MAX_LATE = 256
"""Events that wait for late subscribers: some twenty calls, less than a millisecond of work."""


class EventStream:
    """Delivers every event to every subscriber, once and in one order."""

    def __init__(self) -> None:
        self._subscribers: tuple[tuple[Subscriber, frozenset[type] | None], ...] = ()
        self._of_kind: dict[type, tuple[Subscriber, ...]] = {}
        """Who hears of each kind of event, as far as it was asked."""
        self._late: tuple[Subscriber, ...] = ()
        self._waiting: list[CallEvent] = []
        """What late subscribers have not heard of yet."""
        self._pending: deque[CallEvent] = deque()
        self._delivering = False
        self.published = 0
        self.failures = 0
        """Times a subscriber raised: a bug, logged, that stops neither the call nor the other
        subscribers."""

    def subscribe(
        self, subscriber: Subscriber, *, kinds: Collection[type[CallEvent]] | None = None
    ) -> None:
        """Add a subscriber behind those there are; with `kinds` it hears of these events only."""
        wanted = None if kinds is None else frozenset(kinds)
        self._subscribers = (*self._subscribers, (subscriber, wanted))
        self._of_kind = {}

    def subscribe_late(self, subscriber: Subscriber) -> None:
        """Add a subscriber that need not know at once: it hears of all events in their order, but
        only when MAX_LATE of them wait or somebody has called `settle`."""
        self.settle()
        self._late = (*self._late, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Take a subscriber out, which has heard of everything then; unknown ones are ignored."""
        if subscriber in self._late:
            self.settle()
            self._late = tuple(one for one in self._late if one != subscriber)
        self._subscribers = tuple(one for one in self._subscribers if one[0] != subscriber)
        self._of_kind = {}

    def _who_hears(self, kind: type[CallEvent]) -> tuple[Subscriber, ...]:
        heard = tuple(
            subscriber for subscriber, kinds in self._subscribers if kinds is None or kind in kinds
        )
        self._of_kind[kind] = heard
        return heard

    def tell(self, kind: type[CallEvent], *, at: float, clock: float, **facts: Any) -> None:
        """Publish an event that belongs to no call."""
        self.publish(kind(call_id="", number=1, at=at, clock=clock, **facts))

    def publish(self, event: CallEvent) -> None:
        """Deliver an event to all subscribers, or after the event that is being delivered."""
        if self._delivering:
            self._pending.append(event)
            return
        self._delivering = True
        if self._pending:  # left by a delivery that was broken off
            self._pending.append(event)
            event = self._pending.popleft()
        try:
            self._deliver(event)
            delivered = 1
            while self._pending and delivered < MAX_BURST:
                self._deliver(self._pending.popleft())
                delivered += 1
            if self._pending:
                self._break_loop()
        finally:
            self._delivering = False

    def _break_loop(self) -> None:
        self.failures += 1
        logger.error(
            "subscribers publish without end: %d events are dropped, the last is %s",
            len(self._pending), self._pending[-1].kind,
        )  # fmt: skip
        self._pending.clear()

    def _deliver(self, event: CallEvent) -> None:
        self.published += 1
        subscribers = self._of_kind.get(type(event))
        if subscribers is None:
            subscribers = self._who_hears(type(event))
        if self._late:
            # Before it is told: who becomes prompt, or late again, meanwhile misses nothing.
            self._waiting.append(event)
        for subscriber in subscribers:
            try:
                subscriber(event)
            except Exception:
                self.failures += 1
                logger.exception(FAILED, event.kind, event.call_id)
        if len(self._waiting) >= MAX_LATE:
            self.settle()

    def settle(self) -> None:
        """Have late subscribers hear of everything there was."""
        events, self._waiting = self._waiting, []
        for subscriber in self._late:
            for event in events:
                try:
                    subscriber(event)
                except Exception:
                    self.failures += 1
                    logger.exception(FAILED, event.kind, event.call_id)


class Subscription:
    """A bounded queue between the stream and a reader that may be slow.

    When it is full the oldest event goes, `missed` counts it, and the stream goes on.
    """

    def __init__(self, stream: EventStream, *, limit: int = 1000) -> None:
        self._stream = stream
        self._events: deque[CallEvent] = deque(maxlen=limit)
        self._wake = asyncio.Event()
        self.missed = 0
        stream.subscribe(self._receive)

    def _receive(self, event: CallEvent) -> None:
        if len(self._events) == self._events.maxlen:
            self.missed += 1
        self._events.append(event)
        self._wake.set()

    async def next_event(self) -> CallEvent:
        """Wait for the next event."""
        while not self._events:
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def close(self) -> None:
        """Stop receiving."""
        self._stream.unsubscribe(self._receive)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()
