"""The traces that are kept, who asked for them, and messages that may turn out to belong to one.

An INVITE comes before its call has a number of ours, and ours leaves before it is told: messages of
unknown dialogs wait for a while, by Call-ID, until an event says whose they are. Bounded in calls
and in bytes; the oldest goes first. Told messages and events; knows neither stack nor sockets.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from softswitch.call.events import (
    CallEnded,
    CallEvent,
    CallPresented,
    CallRecorded,
    CallRefused,
    CampaignChosen,
    LegOriginated,
)
from softswitch.traces.sip_text import call_id_of
from softswitch.traces.trace import CallTrace, SipMessage

__all__ = ["MAX_ORDERS", "CallBrief", "Order", "TraceBook"]

MAX_TRACES = 10_000
"""Calls kept at most, whatever was asked for; bytes are mostly the closer bound."""

MAX_BYTES = 64 << 20
"""Of all traces: about 3,000 plain calls."""

MAX_WAITING = 500
"""Dialogs of which nobody knows yet whose they are: what comes in a moment."""

MAX_WAITING_MESSAGES = 20
"""Of one of them, until it is told: an INVITE, its repetitions and provisional answers."""

MAX_ORDERS = 100
"""Each is held against every new call."""


class CallBrief(NamedTuple):
    """What a trace says of its call."""

    campaign: str
    called: str
    caller: str
    legs: Mapping[str, str]
    """Call-IDs of its legs, and which leg each is."""


@dataclass(slots=True)
class Order:
    """What somebody wants traced."""

    number: int
    what: str
    """call, number, trunk or all."""
    value: str
    calls_left: int
    until: float
    """Monotonic."""
    by: str = ""
    """Who asked."""
    standing: bool = False
    """Whether it is the configuration's, which never ends."""

    def takes(self, *, numbers: Iterable[str], trunk: str | None) -> bool:
        """Whether a call that begins is meant."""
        if self.what == "all":
            return True
        if self.what == "trunk":
            return trunk == self.value
        return self.what == "number" and self.value in numbers


class TraceBook:
    """Keeps traces."""

    def __init__(
        self,
        *,
        find_call: Callable[[str], CallBrief | None] = lambda call_id: None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.traces: OrderedDict[str, CallTrace] = OrderedDict()
        self.orders: dict[int, Order] = {}
        self.casual_calls = 0
        """How many calls are kept that nobody but the configuration asked for."""
        self.bytes = 0
        self.evicted = 0
        """Traces that made room for others."""
        self._open: set[str] = set()
        """Calls that are traced and go on."""
        self._casual: OrderedDict[str, None] = OrderedDict()
        self._max_bytes = max_bytes
        self._find_call = find_call
        self._numbers = itertools.count(1)
        self._owners: dict[str, CallTrace] = {}
        self._waiting: OrderedDict[str, list[SipMessage]] = OrderedDict()

    # Orders.

    def order(
        self, what: str, value: str = "", *, calls: int, until: float, by: str = "",
        standing: bool = False,
    ) -> Order:  # fmt: skip
        """Have calls traced that are of a kind, and begin from now on."""
        order = Order(next(self._numbers), what, value, calls, until, by, standing)
        self.orders[order.number] = order
        return order

    def cancel(self, number: int) -> Order | None:
        """Begin no more traces for an order; those that have begun go on."""
        return self.orders.pop(number, None)

    def expire(self, now: float) -> None:
        """Let go of orders whose time is over."""
        for number in [one.number for one in self.orders.values() if one.until <= now]:
            del self.orders[number]

    @property
    def wanted(self) -> bool:
        """Whether anything that comes may have to be kept."""
        return bool(self.orders) or bool(self._open)

    # What comes.

    def on_message(self, message: SipMessage) -> CallTrace | None:
        """A message was sent, received or dropped; the trace it belongs to, once that is known."""
        sip_id = call_id_of(message.data)
        trace = self._owners.get(sip_id)
        if trace is not None:
            self._add(trace, message._replace(leg=trace.sip_ids.get(sip_id, "")))
        elif sip_id and self.wanted:
            self._wait(sip_id, message)
        return trace

    def on_event(self, event: CallEvent) -> None:
        """Something happened in a call."""
        if isinstance(event, CallPresented):
            self._on_presented(event)
        elif isinstance(event, CallRefused):
            self._on_refused(event)
            return
        elif isinstance(event, LegOriginated):
            self._on_originated(event)
        trace = self.traces.get(event.call_id)
        if trace is None or trace.ended:
            return
        if not isinstance(event, CallRecorded):
            self._add(trace, event)
        if isinstance(event, CampaignChosen):
            trace.campaign = event.campaign
        elif isinstance(event, CallEnded):
            self._end(trace)

    def begin(self, call_id: str, *, at: float, casual: bool = False) -> CallTrace:
        """Trace a call that goes on, from now on."""
        trace = self.traces.get(call_id)
        if trace is not None:
            self._casual.pop(call_id, None)
            return trace
        trace = self._begin(call_id, at, casual=casual)
        call = self._find_call(call_id)
        if call is not None:
            trace.campaign, trace.called, trace.caller = call.campaign, call.called, call.caller
            for sip_id, leg in call.legs.items():
                self._claim(trace, sip_id, leg)
        return trace

    def _on_presented(self, event: CallPresented) -> None:
        order = self._taken((event.called, event.called_number, event.caller), event.trunk)
        if order is None:
            return
        trace = self._begin(event.call_id, event.at, casual=order.standing)
        trace.campaign, trace.called, trace.caller = event.campaign, event.called, event.caller
        if event.sip_call_id:
            self._claim(trace, event.sip_call_id, event.leg)

    def _on_originated(self, event: LegOriginated) -> None:
        trace = self.traces.get(event.call_id)
        if trace is None:
            order = self._taken((event.from_number, event.to_number), event.trunk)
            if order is None:
                return
            trace = self.begin(event.call_id, at=event.at, casual=order.standing)
        self._claim(trace, event.sip_call_id, event.leg)

    def _on_refused(self, event: CallRefused) -> None:
        """A call that never was one has a trace by its Call-ID; its answer was sent already."""
        sip_id = event.sip_call_id
        if not sip_id or sip_id in self.traces:
            return
        order = self._taken((event.called, event.caller), event.trunk)
        if order is None:
            return
        trace = self._begin(sip_id, event.at, casual=order.standing)
        trace.called, trace.caller = event.called, event.caller
        self._claim(trace, sip_id, "a")
        self._add(trace, event)
        self._end(trace)

    def _taken(self, numbers: Iterable[str], trunk: str | None) -> Order | None:
        """The order that a call is meant by, which is then one call nearer to its end."""
        wanted = [one for one in self.orders.values() if one.takes(numbers=numbers, trunk=trunk)]
        if not wanted:
            return None
        order = min(wanted, key=lambda one: one.standing)
        if not order.standing:
            order.calls_left -= 1
            if order.calls_left <= 0:
                del self.orders[order.number]
        return order

    # What is kept.

    def _begin(self, call_id: str, at: float, *, casual: bool) -> CallTrace:
        trace = self.traces[call_id] = CallTrace(call_id, at)
        self._open.add(call_id)
        if casual:
            self._casual[call_id] = None
            while len(self._casual) > max(1, self.casual_calls):
                self._evict()
        self._make_room()
        return trace

    def _end(self, trace: CallTrace) -> None:
        trace.ended = True
        self._open.discard(trace.call_id)

    def _claim(self, trace: CallTrace, sip_id: str, leg: str) -> None:
        """A dialog is a leg of the call: what waits of it belongs to it."""
        trace.sip_ids[sip_id] = leg
        self._owners[sip_id] = trace
        for message in self._waiting.pop(sip_id, ()):
            self._add(trace, message._replace(leg=leg))
        trace.entries.sort(key=lambda entry: entry.at)

    def _wait(self, sip_id: str, message: SipMessage) -> None:
        waiting = self._waiting.setdefault(sip_id, [])
        if len(waiting) < MAX_WAITING_MESSAGES:
            waiting.append(message)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)

    def _add(self, trace: CallTrace, entry: SipMessage | CallEvent) -> None:
        self.bytes += trace.add(entry)
        if self.bytes > self._max_bytes:
            self._make_room()

    def _make_room(self) -> None:
        while len(self.traces) > 1 and (
            len(self.traces) > MAX_TRACES or self.bytes > self._max_bytes
        ):
            self._evict()

    def _evict(self) -> None:
        """Let go of the oldest, of those first that nobody asked for by name."""
        oldest = next(iter(self._casual), None) or next(iter(self.traces))
        self._casual.pop(oldest, None)
        self._open.discard(oldest)
        trace = self.traces.pop(oldest)
        self.evicted += 1
        self.bytes -= trace.weight
        for sip_id in trace.sip_ids:
            if self._owners.get(sip_id) is trace:
                del self._owners[sip_id]

    def clear_waiting(self) -> None:
        """Nothing is wanted any more: what waits belongs to nobody."""
        self._waiting.clear()
