"""Mutated RTP datagrams against the Python parsers: nothing but ParseError may come out of them.

`python -m fuzz.fuzz_rtp [--seconds 10] [--seed N] [--keep]`. Every input is parsed as RTP and as a
telephone event, written and read again, and then, as a row of datagrams with their lengths before
them, given to one receiver, which must stay within its limits. A finding is printed as a Python
literal, for a new test.
"""

from __future__ import annotations

import random
import sys

from fuzz.kept import Fuzz
from rtp.errors import ParseError
from rtp.packet import HeaderExtension, RtpPacket
from rtp.stream import MAX_KEPT_UNITS, RtpReceiver
from rtp.telephone_event import TelephoneEvent

# The only exception that a peer's bytes may cause.
ALLOWED = (ParseError,)
# No datagram may hold anybody for longer; generous for a busy machine.
MAX_SECONDS = 0.25

_VOICE = bytes(RtpPacket(0, 1, 160, 7, b"\xff" * 40, marker=True))
_DIGIT = bytes(RtpPacket(101, 2, 160, 7, bytes(TelephoneEvent(5, True, 10, 800))))
_ODD = bytes(RtpPacket(8, 3, 320, 7, b"abc", False, (1, 2), HeaderExtension(0xBEDE, bytes(8)), 5))
_WRAPPED = bytes(RtpPacket(0, 65_535, 0xFFFFFFFF, 7, b"\xff" * 160))
_OTHER = bytes(RtpPacket(0, 9, 160, 8, b"\xff" * 160))


def row(*datagrams: bytes) -> bytes:
    """Datagrams one behind the other, each with its length before it."""
    return b"".join(len(one).to_bytes(2, "big") + one for one in datagrams)


SEEDS = (_VOICE, _DIGIT, _ODD, row(_VOICE, _DIGIT, _ODD), row(_WRAPPED, _VOICE, _OTHER, _VOICE))
PIECES = (_VOICE[:12], row(_OTHER), b"\x80", b"\x90\x80", b"\xb0\x00", b"\xbe\xde\0\1", b"\xff" * 4)


def apart(data: bytes) -> list[bytes]:
    """The datagrams of a row; the last one is what there is."""
    found = []
    while len(data) > 2:
        length = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def check(data: bytes, chance: random.Random) -> bool:
    """Parse it every way; whether any took it. Raises for a finding."""
    good = read_packet(data)
    try:
        event = TelephoneEvent.parse(data)
    except ALLOWED:
        pass
    else:
        assert TelephoneEvent.parse(bytes(event)) == event
    return bool(receive(apart(data), chance)) or good


def read_packet(data: bytes) -> bool:
    """Parse it as RTP; whatever is accepted must be written as it was, and read the same."""
    try:
        packet = RtpPacket.parse(data)
    except ALLOWED:
        return False
    again = bytes(packet)
    assert len(again) == len(data)
    assert RtpPacket.parse(again) == packet
    return True


def receive(datagrams: list[bytes], chance: random.Random) -> int:
    """Give them to a receiver; how much it has made of them."""
    receiver = RtpReceiver()
    now = 0.0
    for data in datagrams:
        receiver.receive_datagram(data, now=now)
        now += chance.choice((0.0, 0.02, 0.02, 0.02, 5.0))
    audio = receiver.audio()
    assert len(audio) <= 2 * MAX_KEPT_UNITS
    receiver.gaps()
    return len(audio)


FUZZ = Fuzz(
    "rtp",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=("rtp/packet.py", "rtp/stream.py", "rtp/statistics.py", "rtp/telephone_event.py"),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
