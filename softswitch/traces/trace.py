"""The trace of one call: its SIP messages and its events, in the order in which they happened.

Bounded: what comes when it is full is counted, so that the beginning, which mostly has the reason,
stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from softswitch.call.event import CallEvent

__all__ = ["MAX_TRACE_BYTES", "CallTrace", "SipMessage"]

MAX_TRACE_BYTES = 512 * 1024
"""Of messages and events of one call: some 400 of them, when a plain call has 15."""

EVENT_BYTES = 500
"""What an event is taken to weigh; nearly all are smaller."""

MESSAGE_BYTES = 400
"""What a message weighs beside its text."""


class SipMessage(NamedTuple):
    """One message on the wire, without its secrets."""

    at: float
    """UTC, seconds since the epoch."""
    direction: str
    """in, out, or drop: thrown away without an answer."""
    transport: str
    ours: tuple[str, int]
    """Where we took or sent it."""
    peer: tuple[str, int]
    data: bytes
    leg: str = ""
    why: str = ""
    """Why it was dropped."""

    @property
    def weight(self) -> int:
        """Bytes of memory, about."""
        return len(self.data) + MESSAGE_BYTES


@dataclass(slots=True)
class CallTrace:
    """One call's."""

    call_id: str
    """Of a call that was refused before it was one: the Call-ID of its INVITE."""
    began_at: float
    campaign: str = ""
    called: str = ""
    caller: str = ""
    entries: list[SipMessage | CallEvent] = field(default_factory=list)
    weight: int = 0
    dropped: int = 0
    """Messages and events there was no room for."""
    ended: bool = False
    sip_ids: dict[str, str] = field(default_factory=dict)
    """Call-IDs of its legs, and which leg each is."""

    def add(self, entry: SipMessage | CallEvent) -> int:
        """Take one; how many bytes it weighs, 0 when there was no room."""
        weight = entry.weight if isinstance(entry, SipMessage) else EVENT_BYTES
        if self.weight + weight > MAX_TRACE_BYTES:
            self.dropped += 1
            return 0
        self.entries.append(entry)
        self.weight += weight
        return weight

    @property
    def messages(self) -> int:
        """How many messages it has."""
        return sum(isinstance(entry, SipMessage) for entry in self.entries)
