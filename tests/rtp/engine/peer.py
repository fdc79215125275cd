"""A peer of the engine for tests: one UDP socket that sends and receives RTP as told."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rtp.engine import Engine, MediaPort
from rtp.packet import RtpPacket
from rtp.telephone_event import TelephoneEvent

T = TypeVar("T")
PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9}
FRAME = 160
# Long for loopback, so that a busy machine fails no test; reached only when something is wrong.
PATIENCE = 10.0


def until(probe: Callable[[], T], *, within: float = PATIENCE) -> T:
    """What `probe` gives as soon as it is true; fails when it never is."""
    deadline = time.monotonic() + within
    while not (value := probe()):
        assert time.monotonic() < deadline, f"never: {probe}"
        time.sleep(0.001)
    return value


class Peer:
    """Speaks with one media port. Sequence and timestamp go on from packet to packet."""

    def __init__(self, port: MediaPort | None = None, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((host, 0))
        self.host = host
        self.port: int = self.socket.getsockname()[1]
        self.target = (host, port.rtp_port) if port is not None else None
        self.sequence = 100
        self.timestamp = 5000
        self.ssrc = 0xABCD
        self.sent = 0

    def close(self) -> None:
        self.socket.close()

    def send_raw(self, data: bytes) -> None:
        assert self.target is not None
        self.socket.sendto(data, self.target)
        self.sent += 1

    def send(
        self,
        payload: bytes,
        *,
        payload_type: int = 0,
        marker: bool = False,
        samples: int | None = None,
    ) -> None:
        """The next packet of this peer's stream."""
        packet = RtpPacket(
            payload_type, self.sequence, self.timestamp, self.ssrc, payload, marker=marker
        )
        self.send_raw(bytes(packet))
        self.sequence = (self.sequence + 1) & 0xFFFF
        step = len(payload) if samples is None else samples
        self.timestamp = (self.timestamp + step) & 0xFFFF_FFFF

    def lose(self, packets: int = 1) -> None:
        """As if so many packets were sent and never arrived."""
        self.sequence = (self.sequence + packets) & 0xFFFF
        self.timestamp = (self.timestamp + FRAME * packets) & 0xFFFF_FFFF

    def press(self, digit: str, *, updates: int = 3, ends: int = 3) -> None:
        """A key press of `updates` packets and `ends` more with the end bit."""
        code = "0123456789*#ABCD".index(digit)
        for number in range(updates + ends):
            duration = 160 * min(number + 1, updates + 1)
            event = TelephoneEvent(code, number >= updates, 10, duration)
            self.send(bytes(event), payload_type=101, marker=number == 0, samples=0)
        self.timestamp += 160 * (updates + 1)

    def receive(self, *, within: float = PATIENCE) -> RtpPacket:
        """The next packet that arrives."""
        ready, _, _ = select.select([self.socket], [], [], within)
        assert ready, "nothing arrived"
        return RtpPacket.parse(self.socket.recv(4096))

    def receive_many(self, count: int) -> list[RtpPacket]:
        return [self.receive() for _ in range(count)]

    def waiting_raw(self) -> int:
        """How many datagrams have arrived by now; they are gone then."""
        count = 0
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(4096)
            count += 1
        return count

    def waiting(self) -> list[RtpPacket]:
        """All that has arrived by now."""
        packets = []
        while select.select([self.socket], [], [], 0)[0]:
            packets.append(RtpPacket.parse(self.socket.recv(4096)))
        return packets


def agree(port: MediaPort, peer: Peer, codec: str = "PCMU", *, ptime_ms: int = 20) -> None:
    """Settings as after an offer and an answer with one codec and telephone events."""
    port.set_codecs(
        send=codec,
        send_payload_type=PAYLOAD_TYPES[codec],
        ptime_ms=ptime_ms,
        receive={PAYLOAD_TYPES[codec]: codec, 101: "telephone-event", 13: "CN"},
        digit_payload_type=101,
    )
    port.set_remote(peer.host, peer.port)


@contextmanager
def call(
    engine: Engine, codecs: tuple[str, str] = ("PCMU", "PCMU"), host: str = "127.0.0.1"
) -> Iterator[tuple[MediaPort, MediaPort, Peer, Peer]]:
    """Two legs that hear each other, and their peers."""
    first = engine.open_port()
    second = engine.open_port(beside=first)
    peers = (Peer(first, host), Peer(second, host))
    first.hears([second])
    second.hears([first])
    agree(first, peers[0], codecs[0])
    agree(second, peers[1], codecs[1])
    try:
        yield first, second, *peers
    finally:
        first.close()
        second.close()
        for peer in peers:
            peer.close()
