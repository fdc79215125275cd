"""UDPTL for tests (ITU-T T.38 section 9): packets of fax in datagrams, each with those before it.

A datagram is a number of 16 bits, the packet of that number, and what heals losses: copies of
the packets before it, the newest first, or parity, which is not made here and not read. Lengths
and counts are written as ASN.1's aligned packed rules have it: one octet below 128, two below
16,384. Written apart from the product; knows nothing of what is in the packets.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MAX_GAP = 1000
"""Numbers further ahead than this belong to no fax: RTP begins with 0x80."""
_COPIES, _PARITY = 0x00, 0x80


class MalformedError(ValueError):
    """A datagram that is no UDPTL."""


@dataclass
class Sender:
    """What one end sends; `depth` is how many packets go along with each."""

    depth: int = 3
    number: int = 0
    _before: deque[bytes] = field(default_factory=deque)

    def frame(self, packet: bytes) -> bytes:
        """The datagram of the next packet."""
        copies = [_length(len(copy)) + copy for copy in self._before]
        head = self.number.to_bytes(2, "big") + _length(len(packet)) + packet
        self.number = (self.number + 1) & 0xFFFF
        self._before.appendleft(packet)
        while len(self._before) > self.depth:
            self._before.pop()
        return head + bytes([_COPIES]) + _length(len(copies)) + b"".join(copies)


@dataclass
class Receiver:
    """What one end has received: packets in their order, with those that were lost put back."""

    expected: int = 0
    healed: int = 0
    missing: int = 0

    def take(self, datagram: bytes) -> list[tuple[int, bytes]]:
        """The packets that are new in a datagram, with their numbers; raises MalformedError."""
        number, packet, copies = parse(datagram)
        gap = (number - self.expected) & 0xFFFF
        if gap > MAX_GAP:
            return []  # it came before, or is none
        back = min(gap, len(copies))
        self.healed += back
        self.missing += gap - back
        self.expected = (number + 1) & 0xFFFF
        found = [((number - at) & 0xFFFF, copies[at - 1]) for at in range(back, 0, -1)]
        return [*found, (number, packet)]


def parse(datagram: bytes) -> tuple[int, bytes, list[bytes]]:
    """Number, packet, and the packets before it, the newest first; raises MalformedError."""
    reader = _Reader(datagram)
    number = int.from_bytes(reader.take(2), "big")
    packet = reader.take(reader.length())
    (kind,) = reader.take(1)
    if kind == _PARITY:
        return number, packet, []
    if kind != _COPIES:
        raise MalformedError("neither copies nor parity")
    copies = [reader.take(reader.length()) for _ in range(reader.length())]
    if reader.rest:
        raise MalformedError("more than was told")
    return number, packet, copies


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        if count > len(self.rest):
            raise MalformedError("cut short")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def length(self) -> int:
        (first,) = self.take(1)
        if first < 0x80:
            return first
        if first >= 0xC0:
            raise MalformedError("in fragments")
        return (first & 0x3F) << 8 | self.take(1)[0]


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes([count])
    assert count < 0x4000, "a packet of fax is shorter"
    return (0x8000 | count).to_bytes(2, "big")
