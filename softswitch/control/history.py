"""All events of the switch with a number each, kept for a while, so that a reader may go on where
it stopped.

A subscriber of the event stream, a late one while no reader waits to be woken. Numbers count from 1
within one life of the process, which `epoch` names: a reader that comes back with another epoch's
number begins anew and is told so. Readers pull; a slow one falls behind, never holds anything up,
and is told which numbers it has missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import NamedTuple

from softswitch.call.events import (
    CallEvent,
    CallPresented,
    CallRecorded,
    CampaignChosen,
    ResultPosted,
)
from softswitch.call.stream import EventStream

__all__ = ["MAX_EVENTS", "EventFilter", "EventHistory", "EventReader", "Kept", "Missed"]

MAX_EVENTS = 50_000
"""Events kept: a minute and a half of 50 calls a second, about 40 MB."""

NAMING = (CallPresented, CampaignChosen)
"""Events that say which campaign a call is of."""


class Kept(NamedTuple):
    """An event with its number in the history, and the campaign of its call."""

    sequence: int
    event: CallEvent
    campaign: str


class Missed(NamedTuple):
    """Events that a reader asked for are gone: the first and the last number of them."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a reader wants; empty sets: any."""

    kinds: tuple[str, ...] = ()
    """Names, or patterns such as `call.*`."""
    campaigns: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()

    def takes(self, kept: Kept) -> bool:
        """Whether an event passes."""
        if self.calls and kept.event.call_id not in self.calls:
            return False
        if self.campaigns and kept.campaign not in self.campaigns:
            return False
        kind = kept.event.kind
        return not self.kinds or any(fnmatchcase(kind, pattern) for pattern in self.kinds)


class EventHistory:
    """The last events of all calls."""

    def __init__(self, stream: EventStream, *, epoch: str, limit: int = MAX_EVENTS) -> None:
        self.epoch = epoch
        """Names this life of the process."""
        self._kept: deque[Kept] = deque(maxlen=limit)
        self._campaigns: dict[str, str] = {}
        self._wakers: dict[object, Callable[[], None]] = {}
        self._last = 0
        self._stream = stream
        stream.subscribe_late(self._receive)

    @property
    def last(self) -> int:
        """Number of the newest event; 0 before the first."""
        self._stream.settle()
        return self._last

    @property
    def first(self) -> int:
        """Number of the oldest event that is kept; one more than `last` when there is none."""
        self._stream.settle()
        return self._kept[0].sequence if self._kept else self._last + 1

    def _receive(self, event: CallEvent) -> None:
        self._last += 1
        if isinstance(event, NAMING):
            self._campaigns[event.call_id] = event.campaign
        campaign = self._campaigns.get(event.call_id, "")
        if isinstance(event, CallRecorded):
            self._campaigns.pop(event.call_id, None)
        elif isinstance(event, ResultPosted):
            campaign = event.campaign
        self._kept.append(Kept(self._last, event, campaign))
        for wake in tuple(self._wakers.values()):
            wake()

    @property
    def readers(self) -> int:
        """Readers that wait to be woken."""
        return len(self._wakers)

    @property
    def behind(self) -> int:
        """Events that the slowest reader has not looked at yet, as far as they are kept."""
        places = [getattr(reader, "place", self.last) for reader in self._wakers]
        return self.last - max(min(places, default=self.last), self.first - 1)

    def wake(self, reader: object, waker: Callable[[], None] | None) -> None:
        """Have a reader told of new events, by a call that must cost nothing; None: no more."""
        waited_for = bool(self._wakers)
        if waker is None:
            self._wakers.pop(reader, None)
        else:
            self._wakers[reader] = waker
        if bool(self._wakers) is not waited_for:
            self._hear(at_once=not waited_for)

    def _hear(self, *, at_once: bool) -> None:
        self._stream.unsubscribe(self._receive)
        if at_once:
            self._stream.subscribe(self._receive)
        else:
            self._stream.subscribe_late(self._receive)

    def window(self, after: int, limit: int) -> list[Kept]:
        """Events that are kept and newer than a number, oldest first, at most so many."""
        start = max(0, after + 1 - self.first)
        count = min(limit, len(self._kept) - start)
        if start + count == len(self._kept):
            # Near its newest end, where readers are who keep up, a deque is as quick as a list.
            return [self._kept[-back] for back in range(count, 0, -1)]
        return list(islice(self._kept, start, start + count))


class EventReader:
    """One reader's place in the history."""

    def __init__(
        self, history: EventHistory, wanted: EventFilter, *, after: int | None = None
    ) -> None:
        """`after`: number of the last event the reader has; None: what comes from now on."""
        self._history = history
        self.wanted = wanted
        self.place = history.last if after is None else min(after, history.last)
        """Number of the last event that was looked at for the reader."""
        self.missed = 0

    def take(self, limit: int) -> tuple[Missed | None, list[Kept]]:
        """What is new, at most so many events looked at; and what is gone, when something is."""
        history = self._history
        gone = None
        if self.place + 1 < history.first:
            gone = Missed(self.place + 1, history.first - 1)
            self.missed += gone.last - gone.first + 1
            self.place = history.first - 1
        fresh = history.window(self.place, limit)
        if fresh:
            self.place = fresh[-1].sequence
        return gone, [kept for kept in fresh if self.wanted.takes(kept)]

    @property
    def behind(self) -> int:
        """Events that were not looked at yet."""
        return self._history.last - self.place
