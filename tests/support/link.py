"""A network of two stacks on a virtual clock, which loses, doubles and delays packets by pattern.

Time only moves from one deadline or delivery to the next, so half a minute of timers passes in
milliseconds and every run is the same. It knows stacks by their public face and nothing of calls.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from softswitch.sip.flow import Flow
from softswitch.sip.message import Response, parse_message
from softswitch.sip.stack import Stack

# One way through the network, in seconds: short against T1.
TRANSIT = 0.02
# Longer than this no exchange may go on: every timer of RFC 3261 is over by then.
MAX_RUN = 600.0

# What happens to one packet: the delays after which copies of it arrive; none means lost.
Fate = tuple[float, ...]
LOST: Fate = ()
DOUBLED: Fate = (0.0, 0.001)
DOUBLED_LATE: Fate = (0.0, 0.7)
LATE: Fate = (0.7,)
VERY_LATE: Fate = (5.3,)


@dataclass(frozen=True, slots=True, order=True)
class PacketName:
    """Which packet of a run: who sent it, what it is, and its how-manieth of that kind, from 1."""

    sender: str
    what: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.sender}:{self.what}#{self.count}"


@dataclass
class Side:
    """One stack on the link, under the address it has there."""

    name: str
    stack: Stack
    address: Flow
    on_event: Callable[[object], None]


@dataclass
class Link:
    """Connects two sides; `fates` says what happens to which packet, all others arrive."""

    fates: Mapping[PacketName, Fate] = field(default_factory=dict)
    now: float = 0.0
    transit: float = TRANSIT

    def __post_init__(self) -> None:
        self.sides: list[Side] = []
        self.log: list[tuple[float, PacketName]] = []
        self.sent: list[tuple[PacketName, bytes]] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0

    def join(self, side: Side) -> None:
        """Put a stack on the link."""
        self.sides.append(side)

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Have something done at a moment."""
        self._order += 1
        heapq.heappush(self._queue, (when, self._order, action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Have something done later."""
        self.at(self.now + seconds, action)

    def run(self, *, until: float = MAX_RUN) -> None:
        """Let time pass until nothing is left to happen, or to the moment given."""
        self.pump()
        while (when := self._next()) is not None and when <= until:
            self.now = max(self.now, when)
            self._do_what_is_due()
            self.pump()
        assert self._next() is None or until < MAX_RUN, "the exchange does not come to rest"
        if until < MAX_RUN:
            self.now = max(self.now, until)

    def pump(self) -> None:
        """Carry what the stacks want to send, and hand out their events, until they are quiet."""
        busy = True
        while busy:
            busy = False
            for side in self.sides:
                for data, flow in side.stack.datagrams_to_send():
                    busy = True
                    self._carry(side, data, flow)
                while (event := side.stack.next_event()) is not None:
                    busy = True
                    side.on_event(event)

    def names(self) -> list[PacketName]:
        """Every packet that was sent so far, in order."""
        return [name for _, name in self.log]

    def _next(self) -> float | None:
        moments = [self._queue[0][0]] if self._queue else []
        for side in self.sides:
            timeout = side.stack.next_timeout()
            if timeout is not None:
                moments.append(timeout)
        return min(moments, default=None)

    def _do_what_is_due(self) -> None:
        for side in self.sides:
            timeout = side.stack.next_timeout()
            if timeout is not None and timeout <= self.now:
                side.stack.handle_timeout(now=self.now)
        self.pump()
        while self._queue and self._queue[0][0] <= self.now:
            heapq.heappop(self._queue)[2]()
            self.pump()

    def _carry(self, sender: Side, data: bytes, flow: Flow) -> None:
        what = describe(data)
        self._counts[sender.name, what] += 1
        name = PacketName(sender.name, what, self._counts[sender.name, what])
        self.log.append((self.now, name))
        self.sent.append((name, data))
        receiver = self._at(flow)
        if receiver is None:
            return
        for delay in self.fates.get(name, (0.0,)):
            self.after(self.transit + delay, lambda: self._deliver(sender, receiver, data))

    def _at(self, flow: Flow) -> Side | None:
        for side in self.sides:
            if side.address[:3] == flow[:3]:
                return side
        return None

    def _deliver(self, sender: Side, receiver: Side, data: bytes) -> None:
        if sender.address.reliable:
            receiver.stack.receive_stream(data, sender.address, now=self.now)
        else:
            receiver.stack.receive_datagram(data, sender.address, now=self.now)


def describe(data: bytes) -> str:
    """Name a packet: `INVITE`, or `180 INVITE` for a response to it."""
    message = parse_message(data)
    if isinstance(message, Response):
        return f"{message.status} {message.cseq.method}"
    return message.method
