"""A peer of the engine that speaks SRTP, by an implementation that is not the engine's."""

from __future__ import annotations

import select

from rtp.engine import MediaPort
from rtp.packet import RtpPacket
from tests.rtp.engine.peer import PATIENCE, Peer
from tests.support.srtp import Direction

SUITE = "AES_CM_128_HMAC_SHA1_80"
SHORT_SUITE = "AES_CM_128_HMAC_SHA1_32"
ITS_KEY = bytes(range(30))
OUR_KEY = bytes(range(100, 130))


class SecurePeer(Peer):
    """Seals what it sends, opens what it receives."""

    def __init__(
        self,
        port: MediaPort | None = None,
        suite: str = SUITE,
        *,
        its_key: bytes = ITS_KEY,
        our_key: bytes = OUR_KEY,
    ) -> None:
        super().__init__(port)
        self.sealing = Direction(suite, its_key)
        self.opening = Direction(suite, our_key)

    def send_raw(self, data: bytes) -> None:
        super().send_raw(self.sealing.seal(data))

    def send_plain(self, data: bytes) -> None:
        super().send_raw(data)

    def receive_sealed(self, *, within: float = PATIENCE) -> bytes:
        ready, _, _ = select.select([self.socket], [], [], within)
        assert ready, "nothing arrived"
        return self.socket.recv(4096)

    def receive(self, *, within: float = PATIENCE) -> RtpPacket:
        return RtpPacket.parse(self.opening.open(self.receive_sealed(within=within)))

    def waiting(self) -> list[RtpPacket]:
        packets = []
        while select.select([self.socket], [], [], 0)[0]:
            packets.append(RtpPacket.parse(self.opening.open(self.socket.recv(4096))))
        return packets


def secure(port: MediaPort, suite: str = SUITE) -> None:
    """The keys of a call with a SecurePeer."""
    port.secure(suite, send_key=OUR_KEY, receive_key=ITS_KEY)
