"""Microseconds per SIP message, hot: parse, parse and validate, write, read the caller's identity.

Run it as `python -m bench.sip_parse [SECONDS]`. The median of many short rounds stands beside the
fastest one, so that the noise of the machine can be seen. There are no thresholds.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from softswitch.sip.identity import read_identity
from softswitch.sip.message import Request, parse_message
from softswitch.sip.validation import validate

SDP = b"\r\n".join(
    (
        b"v=0",
        b"o=- 3908123456 3908123456 IN IP4 192.0.2.10",
        b"s=-",
        b"c=IN IP4 192.0.2.10",
        b"t=0 0",
        b"m=audio 24680 RTP/AVP 0 8 101",
        b"a=rtpmap:0 PCMU/8000",
        b"a=rtpmap:8 PCMA/8000",
        b"a=rtpmap:101 telephone-event/8000",
        b"a=fmtp:101 0-15",
        b"a=ptime:20",
        b"a=sendrecv",
        b"",
    )
)

DIALOG = b"""\
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK0a1b2c3d4e5f6071;rport
Max-Forwards: 70
From: "SMITH JOHN" <sip:+16025550100@192.0.2.10;user=phone>;tag=gK0c6f3b21
To: <sip:+18666831950@198.51.100.20;user=phone>
Call-ID: 1074823901_88211734@192.0.2.10
"""

TRUNK_INVITE = b"""\
INVITE sip:+18666831950@198.51.100.20:5060;user=phone SIP/2.0
%bCSeq: 51263 INVITE
Contact: <sip:+16025550100@192.0.2.10:5060;transport=udp>
Allow: INVITE,ACK,CANCEL,BYE,REGISTER,REFER,INFO,SUBSCRIBE,NOTIFY,PRACK,UPDATE,OPTIONS
Accept: application/sdp, application/isup, application/dtmf-relay, multipart/mixed
Supported: timer,100rel,precondition
P-Asserted-Identity: "SMITH JOHN" <sip:+16025550100@192.0.2.10:5060>
User-Agent: Carrier-SBC/9.3
Session-Expires: 1800
Min-SE: 90
Content-Disposition: session;handling=required
Content-Type: application/sdp
Content-Length: %d

"""

ACK = b"ACK sip:198.51.100.20:5060 SIP/2.0\n%bCSeq: 51263 ACK\nContent-Length: 0\n\n"
BYE = b"BYE sip:198.51.100.20:5060 SIP/2.0\n%bCSeq: 51264 BYE\nContent-Length: 0\n\n"
OK = b"""\
SIP/2.0 200 OK
%bCSeq: 51263 INVITE
Contact: <sip:198.51.100.20:5060>
Content-Type: application/sdp
Content-Length: %d

"""


def messages() -> dict[str, bytes]:
    """The messages of a call as a carrier sends them."""

    def crlf(text: bytes) -> bytes:
        return text.replace(b"\n", b"\r\n")

    return {
        "INVITE": crlf(TRUNK_INVITE % (DIALOG, len(SDP))) + SDP,
        "200": crlf(OK % (DIALOG, len(SDP))) + SDP,
        "ACK": crlf(ACK % DIALOG),
        "BYE": crlf(BYE % DIALOG),
    }


def measure(action: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Give the median and the best microseconds per call over rounds of 200 calls."""
    rounds = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.process_time_ns()
        for _ in range(200):
            action()
        rounds.append((time.process_time_ns() - start) / 200_000)
    return statistics.median(rounds), min(rounds)


def parse_and_validate(data: bytes) -> None:
    """What a new request or response costs before the transaction layer sees it."""
    validate(parse_message(data))


def main() -> None:
    """Print a table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5
    print(f"{platform.machine()}, Python {platform.python_version()}; median (best), us CPU")
    print(f"{'message':10}{'bytes':>6}  {'parse':>14}{'and validate':>16}{'write':>14}")
    for name, data in messages().items():
        message = parse_message(data)
        columns = (
            measure(partial(parse_message, data), seconds),
            measure(partial(parse_and_validate, data), seconds),
            measure(message.__bytes__, seconds),
        )
        cells = "".join(f"{median:>9.1f} ({best:.1f})" for median, best in columns)
        print(f"{name:10}{len(data):>6}  {cells}")
    invite = parse_message(messages()["INVITE"])
    assert isinstance(invite, Request)
    median, best = measure(partial(read_identity, invite, trusted=True), seconds)
    print(f"read_identity of the INVITE: {median:.1f} ({best:.1f})")


if __name__ == "__main__":
    main()
