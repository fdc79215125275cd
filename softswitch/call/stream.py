"""The one in-process stream of events.

Publishing is synchronous and in order: a subscriber that must come before the world (the journal)
subscribes first. A subscriber may publish while it handles an event; what it publishes is
delivered after the event in hand, so that all subscribers see one order. The stream knows nothing
of what events mean.

Bounds: one publication sets off at most MAX_BURST events. Subscribers that cannot keep up use a
`Subscription`, a bounded queue that counts what it had to drop; the stream itself never waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from softswitch.call.events import CallEvent

logger = logging.getLogger(__name__)

Subscriber = Callable[[CallEvent], None]

MAX_BURST = 4096
"""Events that one publication may set off; more can only be subscribers that answer each other
without end."""


class EventStream:
    """Delivers every event to every subscriber, once and in one order."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._pending: deque[CallEvent] = deque()
        self._delivering = False
        self.published = 0
        self.failures = 0
        """Times a subscriber raised: a bug, logged, that stops neither the call nor the other
        subscribers."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Add a subscriber behind those there are."""
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Take a subscriber out; unknown ones are ignored."""
        self._subscribers = tuple(s for s in self._subscribers if s != subscriber)

    def publish(self, event: CallEvent) -> None:
        """Deliver an event to all subscribers, or after the event that is being delivered."""
        self._pending.append(event)
        if self._delivering:
            return
        self._delivering = True
        try:
            delivered = 0
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
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:
                self.failures += 1
                logger.exception("a subscriber failed on %s of call %s", event.kind, event.call_id)


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
