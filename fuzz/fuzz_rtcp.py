"""Mutated RTCP datagrams against the Python parser: nothing but ParseError may come out of it.

`python -m fuzz.fuzz_rtcp [--seconds 10] [--seed N] [--keep]`. What is accepted must read the same
once written. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys

from fuzz.kept import Fuzz
from rtp.errors import ParseError
from rtp.rtcp import (
    CNAME,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    parse_compound,
)

# The only exception that a peer's bytes may cause.
ALLOWED = (ParseError,)
# No datagram may hold anybody for longer; generous for a busy machine.
MAX_SECONDS = 0.25

_BLOCK = ReportBlock(9, 10, -3, 70_000, 12, 5, 6)
_SENDER = bytes(SenderReport(1, 2, 3, 4, 5, (_BLOCK,)))
_WHO = bytes(SourceDescription(((1, ((CNAME, b"a@b"), (2, b"name"))), (9, ((CNAME, b""),)))))
_BYE = bytes(Goodbye((1, 2), b"bye"))
# Extended reports (RFC 3611), feedback (RFC 4585), application-defined: kinds that are not read.
_XR = b"\x80\xcf\x00\x02\0\0\0\1\4\0\0\0"
_FEEDBACK = b"\x81\xce\x00\x02\0\0\0\1\0\0\0\2"
_APP = b"\x80\xcc\x00\x03\0\0\0\1NAMEdata"
SEEDS = (
    _SENDER + _WHO + _BYE,
    bytes(ReceiverReport(1, (_BLOCK, _BLOCK))) + _WHO,
    bytes(ReceiverReport(1, ())) + _XR + _FEEDBACK + _APP,
    _SENDER + b"\xa0\xcb\0\2\0\0\0\1\0\0\0\4",
)
PIECES = (_WHO, _BYE, _XR, _FEEDBACK, _APP, b"\x80\xc8", b"\x81\xca\0\1", b"\xff\xff", b"\0" * 4)


def check(data: bytes, _chance: random.Random) -> bool:
    """Parse it; what is accepted must be written as it reads. Raises for a finding."""
    try:
        packets = parse_compound(data)
    except ALLOWED:
        return False
    assert parse_compound(b"".join([bytes(packet) for packet in packets])) == packets
    return True


FUZZ = Fuzz(
    "rtcp",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=("rtp/rtcp.py",),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
