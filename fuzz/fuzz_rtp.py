"""Mutated RTP and RTCP datagrams against the Python parsers: nothing but ParseError may come out.

`python -m fuzz.fuzz_rtp [--seconds 10] [--seed N]`. Every datagram is parsed as RTP, as RTCP and as
a telephone event, written and read again, and given to a receiver, which must stay within its
limits. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from rtp.errors import ParseError
from rtp.packet import HeaderExtension, RtpPacket
from rtp.rtcp import (
    CNAME,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    parse_compound,
)
from rtp.stream import MAX_KEPT_UNITS, RtpReceiver
from rtp.telephone_event import TelephoneEvent

# The only exception that a peer's bytes may cause.
ALLOWED = (ParseError,)
# A receiver is replaced after so many datagrams, so that it begins anew now and then.
DATAGRAMS_A_RECEIVER = 2_000

_BLOCK = ReportBlock(9, 10, -3, 70_000, 12, 5, 6)
SEEDS = (
    bytes(RtpPacket(0, 1, 160, 7, b"\xff" * 40, marker=True)),
    bytes(RtpPacket(101, 2, 160, 7, bytes(TelephoneEvent(5, True, 10, 800)))),
    bytes(RtpPacket(8, 3, 320, 7, b"abc", False, (1, 2), HeaderExtension(0xBEDE, bytes(8)), 5)),
    bytes(SenderReport(1, 2, 3, 4, 5, (_BLOCK,)))
    + bytes(SourceDescription(((1, ((CNAME, b"a@b"), (2, b"name"))),)))
    + bytes(Goodbye((1, 2), b"bye")),
    bytes(ReceiverReport(1, (_BLOCK, _BLOCK))),
)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change a datagram in one to four places."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(4)
        place = chance.randrange(len(changed)) if changed else 0
        if kind == 0 and changed:
            changed[place] = chance.randrange(256)
        elif kind == 1 and changed:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del changed[place : place + chance.choice((1, 4, 50))]
        else:
            changed[place:place] = chance.randbytes(chance.choice((1, 4, 50)))
    return bytes(changed)


def check(data: bytes) -> None:
    """Parse it every way; whatever is accepted must be written as it was, and read the same."""
    try:
        packet = RtpPacket.parse(data)
    except ALLOWED:
        pass
    else:
        again = bytes(packet)
        assert len(again) == len(data)
        assert RtpPacket.parse(again) == packet
    try:
        packets = parse_compound(data)
    except ALLOWED:
        pass
    else:
        assert parse_compound(b"".join([bytes(packet) for packet in packets])) == packets
    try:
        event = TelephoneEvent.parse(data)
    except ALLOWED:
        return
    assert TelephoneEvent.parse(bytes(event)) == event


def run(seconds: float, seed: int) -> int:
    """Fuzz for so long; give the number of datagrams tried. The first finding ends it."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    receiver = RtpReceiver()
    tried = 0
    while time.monotonic() < end:
        data = mutate(chance.choice(SEEDS), chance)
        try:
            check(data)
            receiver.receive_datagram(data, now=tried * 0.02)
            if tried % DATAGRAMS_A_RECEIVER == DATAGRAMS_A_RECEIVER - 1:
                assert len(receiver.audio()) <= 2 * MAX_KEPT_UNITS
                receiver.gaps()
                receiver = RtpReceiver()
        except Exception:
            print(f"finding after {tried} datagrams, seed {seed}:\n{data!r}", file=sys.stderr)
            raise
        tried += 1
    return tried


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    # A finding ends the program with its traceback and status 1.
    tried = run(arguments.seconds, arguments.seed)
    print(f"fuzz_rtp: {tried} datagrams, seed {arguments.seed}, no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
