"""Earlier calls in memory: implements `softswitch.campaign.history.CallHistory`.

Calls stand in lists by caller, campaign, number and publisher, in the order they were received, so
that counting in a period is two binary searches. Only what is needed is kept: the longest period
that the configuration asks for, and never more than MAX_CALLS. Knows no database.
"""

from __future__ import annotations

import logging
import math
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

import numpy as np

from config.model import Configuration, Constant, Function

logger = logging.getLogger(__name__)

__all__ = ["MemoryHistory", "PastCall", "longest_period"]

MAX_CALLS = 500_000
"""About 300 MB when it is full; the oldest go first, and the log says from when on counts hold."""

DROPPED_AT_ONCE = 500
"""Calls that are forgotten in one turn of the loop, a millisecond or two."""

SLACK_SECONDS = 3600.0
"""Kept longer than needed: a call that lasts looks back from when it was received."""

LONG_PERIOD = 30 * 86400.0
"""Taken for a period that the configuration computes."""

ASKING = frozenset(
    (
        "calls_by_caller", "calls_to_campaign", "calls_to_number", "callers_to_number",
        "short_calls",
    )
)  # fmt: skip
"""Functions of the language whose first argument is a period of earlier calls."""


class PastCall:
    """What counts ask about a call."""

    __slots__ = ("call_id", "caller", "campaign", "number", "publisher", "received_at", "talk")

    def __init__(
        self,
        call_id: str,
        caller: str,
        campaign: str,
        publisher: str,
        number: str,
        received_at: float,
        talk: float | None,
    ) -> None:
        self.call_id = call_id
        self.caller = caller
        self.campaign = campaign
        self.publisher = publisher
        self.number = number
        self.received_at = received_at
        """UTC in seconds."""
        self.talk = talk
        """Seconds talked; None: it has not ended."""


_received = attrgetter("received_at")
_KINDS = ("caller", "campaign", "publisher", "number")


class _Series:
    """Calls in the order they were received, their lengths beside them for counting many at
    once."""

    __slots__ = ("calls", "talks")

    def __init__(self) -> None:
        self.calls: list[PastCall] = []
        self.talks = array("d")

    def add(self, call: PastCall) -> None:
        place = len(self.calls)
        if place and self.calls[-1].received_at > call.received_at:
            place = bisect_right(self.calls, call.received_at, key=_received)
        self.calls.insert(place, call)
        self.talks.insert(place, _length(call))

    def ended(self, call: PastCall) -> None:
        """The call's length has become known."""
        self.talks[self._place(call)] = _length(call)

    def remove(self, call: PastCall) -> None:
        place = self._place(call)
        del self.calls[place], self.talks[place]

    def _place(self, call: PastCall) -> int:
        return self.calls.index(call, bisect_left(self.calls, call.received_at, key=_received))

    def drop(self, count: int) -> None:
        """Forget the oldest."""
        del self.calls[:count], self.talks[:count]

    def between(self, since: float, before: float) -> tuple[int, int]:
        first = bisect_left(self.calls, since, key=_received)
        return first, max(first, bisect_left(self.calls, before, key=_received))

    def shorter(self, first: int, last: int, than: float) -> int:
        """How many of a part talked for less; those that have not ended do not count."""
        if first == last:
            return 0
        return int(np.count_nonzero(np.frombuffer(self.talks)[first:last] < than))


def _length(call: PastCall) -> float:
    return math.inf if call.talk is None else call.talk


_NONE = _Series()


class MemoryHistory:
    """Counts of earlier calls."""

    def __init__(self, period: float = 0.0, *, max_calls: int = MAX_CALLS) -> None:
        """`period`: how far back anybody asks, in seconds; 0: nobody does, and nothing is kept."""
        self.period = period
        self.max_calls = max_calls
        self.complete_since = 0.0
        """Older calls were dropped because there were too many."""
        self._calls: dict[str, PastCall] = {}
        self._every = _Series()
        self._series: dict[str, dict[str, _Series]] = {kind: {} for kind in _KINDS}
        self._names: dict[str, str] = {}
        self._told_full = False

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def kept_seconds(self) -> float:
        """How far back calls are kept; 0: none are."""
        return self.period + SLACK_SECONDS if self.period else 0.0

    # What becomes known.

    def add(self, call: PastCall) -> None:
        """Take a call, or what more is known of it: its campaign and its length at its end."""
        if not self.period:
            return
        known = self._calls.get(call.call_id)
        if known is not None:
            self._renew(known, call)
            return
        if call.received_at < self.complete_since:
            return
        # Many calls share these; one text each will do.
        call.campaign = self._names.setdefault(call.campaign, call.campaign)
        call.publisher = self._names.setdefault(call.publisher, call.publisher)
        call.number = self._names.setdefault(call.number, call.number)
        self._calls[call.call_id] = call
        self._every.add(call)
        for kind in _KINDS:
            self._index(kind, call)
        if len(self._calls) > self.max_calls:
            self._make_room()

    def _renew(self, known: PastCall, call: PastCall) -> None:
        if call.talk is None:
            return  # what was told when it began comes after its end: another node's news
        known.talk = call.talk
        for series in self._series_of(known):
            series.ended(known)
        if known.campaign != call.campaign:
            if known.campaign:
                self._series["campaign"][known.campaign].remove(known)
            known.campaign = call.campaign
            self._index("campaign", known)

    def _series_of(self, call: PastCall) -> Iterator[_Series]:
        for kind in _KINDS:
            name = getattr(call, kind)
            if name:
                yield self._series[kind][name]

    def _index(self, kind: str, call: PastCall) -> None:
        name = getattr(call, kind)
        if name:
            series = self._series[kind].get(name)
            if series is None:
                series = self._series[kind][name] = _Series()
            series.add(call)

    # What is forgotten.

    def forget(self, now: float) -> None:
        """Drop some of what nobody asks for any more; to be called every second or so."""
        _, old = self._every.between(0.0, now - self.kept_seconds)
        self._drop(min(old, DROPPED_AT_ONCE))

    def _make_room(self) -> None:
        count = min(DROPPED_AT_ONCE, max(1, self.max_calls // 10))
        self.complete_since = self._every.calls[count].received_at
        if not self._told_full:
            self._told_full = True
            logger.warning(
                "more than %d earlier calls would have to be remembered: counts leave out those "
                "before %d (UTC, seconds), and more as calls come in",
                self.max_calls,
                self.complete_since,
            )
        self._drop(count)

    def _drop(self, count: int) -> None:
        old = self._every.calls[:count]
        self._every.drop(count)
        for call in old:
            del self._calls[call.call_id]
        for kind, by_name in self._series.items():
            for name, many in Counter(map(attrgetter(kind), old)).items():
                series = by_name.get(name)
                if series is not None:
                    series.drop(many)
                    if not series.calls:
                        del by_name[name]
        if not self._calls:
            self._names.clear()

    # What is asked.

    def calls_by_caller(
        self,
        caller: str,
        *,
        since: float,
        before: float,
        campaign: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        """Calls of a caller; only those to a campaign, publisher or number when it is given."""
        return sum(
            (campaign is None or call.campaign == campaign)
            and (publisher is None or call.publisher == publisher)
            and (number is None or call.number == number)
            for call in self._between("caller", caller, since, before)
        )

    def calls_to_campaign(self, campaign: str, *, since: float, before: float) -> int:
        """Calls to a campaign."""
        return self._count("campaign", campaign, since, before)

    def calls_to_number(self, number: str, *, since: float, before: float) -> int:
        """Calls to a number."""
        return self._count("number", number, since, before)

    def callers_to_number(self, number: str, *, since: float, before: float) -> int:
        """Different callers that called a number; those without a number do not count."""
        callers = {call.caller for call in self._between("number", number, since, before)}
        callers.discard("")
        return len(callers)

    def short_calls(
        self,
        *,
        since: float,
        before: float,
        below_seconds: float,
        caller: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        """Ended calls whose talk was shorter than `below_seconds`, of all that are given."""
        wanted = {"caller": caller, "publisher": publisher, "number": number}
        given = {kind: name for kind, name in wanted.items() if name is not None}
        if not given:
            return 0
        if len(given) == 1:
            ((kind, name),) = given.items()
            series = self._of(kind, name)
            return series.shorter(*series.between(since, before), below_seconds)
        kind, name = min(given.items(), key=lambda one: len(self._of(*one).calls))
        return sum(
            _length(call) < below_seconds
            and all(getattr(call, other) == value for other, value in given.items())
            for call in self._between(kind, name, since, before)
        )

    def _of(self, kind: str, name: str) -> _Series:
        return self._series[kind].get(name, _NONE)

    def _count(self, kind: str, name: str, since: float, before: float) -> int:
        first, last = self._of(kind, name).between(since, before)
        return last - first

    def _between(self, kind: str, name: str, since: float, before: float) -> list[PastCall]:
        series = self._of(kind, name)
        first, last = series.between(since, before)
        return series.calls[first:last]


def longest_period(configuration: Configuration) -> float:
    """How far back the conditions of a configuration ask, in seconds; 0: not at all."""
    asked = (configuration.campaigns, configuration.treatments)
    return max(_periods(asked), default=0.0)


def _periods(value: Any) -> Iterator[float]:
    """The periods in anything of the model."""
    if isinstance(value, Function):
        if value.name in ASKING and value.arguments:
            yield _period(value.arguments[0])
        yield from _of_all(value.arguments)
    elif isinstance(value, Mapping):
        yield from _of_all(value.values())
    elif isinstance(value, tuple | list):
        yield from _of_all(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _of_all(
            getattr(value, field.name) for field in fields(value) if field.name != "location"
        )
        within = getattr(value, "within_seconds", None)
        if isinstance(within, float | int) and type(value).__name__ == "Repeat":
            yield float(within)


def _of_all(values: Iterable[Any]) -> Iterator[float]:
    for value in values:
        yield from _periods(value)


def _period(argument: Any) -> float:
    constant = argument.value if isinstance(argument, Constant) else None
    return float(constant) if isinstance(constant, Decimal) else LONG_PERIOD
