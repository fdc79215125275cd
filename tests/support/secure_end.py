"""An RTP end that speaks SRTP with keys out of session descriptions (RFC 4568), for tests."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence

from tests.support.rtp_end import DIGITS, PCMU, RtpEnd
from tests.support.srtp import Direction, NotAuthentic

LONG, SHORT = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
_CRYPTO = re.compile(rb"a=crypto:([0-9]+) ([A-Z0-9_]+) inline:([A-Za-z0-9+/]{40})\r\n")


def crypto_lines(body: bytes) -> list[tuple[int, str, bytes]]:
    """Tag, suite and key of each `a=crypto` of a description."""
    return [
        (int(tag), suite.decode(), base64.b64decode(key))
        for tag, suite, key in _CRYPTO.findall(body)
    ]


class SecureEnd(RtpEnd):
    """Offers one suite, or answers an offer with a suite of it; what is not authentic is counted.

    It sends nothing before it is aimed by the other side's description, which also has its key.
    """

    def __init__(self, suite: str = LONG, *, payload_type: int = PCMU) -> None:
        self.suite, self.tag = suite, 1
        self.key = secrets.token_bytes(30)
        self.not_authentic = 0
        self.sealed_reports: list[bytes] = []
        """RTCP that came to the port of RTP, opened."""
        self.sealing = Direction(suite, self.key)
        self.opening: Direction | None = None
        super().__init__(payload_type=payload_type)

    def secure_sdp(
        self,
        payload_types: Sequence[int] = (PCMU, DIGITS),
        *,
        protocol: str = "RTP/SAVP",
        version: int = 1,
        extra: str = "",
    ) -> bytes:
        """A session description with our key."""
        inline = base64.b64encode(self.key).decode()
        line = f"a=crypto:{self.tag} {self.suite} inline:{inline}\r\n"
        plain = self.sdp(payload_types, version=version, extra=line + extra)
        return plain.replace(b"RTP/AVP", protocol.encode())

    def new_key(self) -> None:
        """Send by another key from now on; the next description has it."""
        self.key = secrets.token_bytes(30)
        self.sealing = Direction(self.suite, self.key)

    def meet(self, body: bytes) -> None:
        """Take the other side's description: its line of our suite, its key, its address."""
        tag, _, key = next(line for line in crypto_lines(body) if line[1] == self.suite)
        self.tag, self.opening = tag, Direction(self.suite, key)
        self.aim_by(body)

    def has_sealed_report(self) -> bool:
        return bool(self.sealed_reports)

    def _transmit(self, packet: bytes, target: tuple[str, int]) -> None:
        super()._transmit(self.sealing.seal(packet), target)

    def _note(self, data: bytes, source: tuple[str, int]) -> None:
        if self.opening is None:
            return  # it does not know the key yet
        try:
            if len(data) > 8 and 192 <= data[1] <= 223:
                self.sealed_reports.append(self.opening.open_rtcp(data))
                return
            super()._note(self.opening.open(data), source)
        except NotAuthentic:
            self.not_authentic += 1
