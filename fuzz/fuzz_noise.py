"""What is no SIP, at the stack's ports: STUN, TLS, DTLS, RTP, HTTP, DNS, and what becomes of them.

`python -m fuzz.fuzz_noise [--seconds 10] [--seed N] [--keep]`. Each input comes as one datagram and
as the bytes of a connection, in pieces, while a call runs. Nothing may be raised; what goes out is
SIP, and no more than comes in, as far as somebody could have a third party sent it; the call is
still there, and an OPTIONS is still answered. A finding is printed as a Python literal.
"""

from __future__ import annotations

import random
import sys

from fuzz.kept import Fuzz
from softswitch.sip import events
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.message import parse_message
from softswitch.sip.stack import Stack

US = "192.0.2.9"
KNOWN = Flow("udp", "192.0.2.1", 5060)
STRANGER = Flow("udp", "192.0.2.66", 5060)
STREAM = Flow("tcp", "192.0.2.66", 40001, 1, 1)
# No noise may hold the loop for longer; generous for a busy machine.
MAX_SECONDS = 0.25
# An answer repeats Via, From, To, Call-ID and CSeq and says who we are, what was wrong and what we
# take; beyond this it would be worth asking us to flood somebody else.
MAX_ADDED = 400

_STUN = bytes.fromhex("000100002112a442") + b"0123456789ab"
_STUN_LONG = bytes.fromhex("0001001c2112a442") + b"0123456789ab" + bytes.fromhex(
    "00060009") + b"evtj:h6vY\0\0\0" + bytes.fromhex("8028000458a3c1f2")  # fmt: skip
_TURN = bytes.fromhex("000300082112a442") + b"0123456789ab" + bytes.fromhex("0019000411000000")
_CHANNEL = bytes.fromhex("40000004") + b"data"
_TLS = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + bytes.fromhex("000002130100")
_DTLS = bytes.fromhex("16feff000000000000000000360100002a000000000000002afefd") + bytes(range(36))
_RTP = bytes.fromhex("800000010000000a00000007") + b"\xff" * 40
_RTCP = bytes.fromhex("80c8000600000007") + bytes(20)
_DNS = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1"
_SSDP = b'M-SEARCH * HTTP/1.1\r\nHOST:239.255.255.250:1900\r\nMAN:"ssdp:discover"\r\nMX:1\r\n\r\n'
_HTTP = b"GET / HTTP/1.1\r\nHost: 192.0.2.9:5060\r\nUser-Agent: x\r\nConnection: Upgrade\r\n\r\n"
_RTSP = b"OPTIONS rtsp://192.0.2.9/ RTSP/1.0\r\nCSeq: 1\r\nVia: x\r\n\r\n"
_SOCKS = b"\5\1\0"
_SMB = bytes.fromhex("00000085ff534d4272000000001853c8")
_SIP = (
    b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\nFrom: <sip:nm@nm>;tag=root\r\n"
    b"To: <sip:nm2@nm2>\r\nCall-ID: 50000\r\nCSeq: 42 OPTIONS\r\nMax-Forwards: 70\r\n"
    b"Content-Length: 0\r\nContact: <sip:nm@nm>\r\nAccept: application/sdp\r\n\r\n"
)
SEEDS = (
    *(_STUN, _STUN_LONG, _TURN, _CHANNEL, _TLS, _DTLS, _RTP, _RTCP, _DNS, _SSDP, _HTTP, _RTSP),
    *(_SOCKS, _SMB, _SIP, b"\0", b"\0\0\0\0", b"\r\n\r\n", b"jaK", b"\r\n", b"X" * 300),
)
PIECES = (
    *(b"\r\n\r\n", b"\r\n", b" SIP/2.0", b"SIP/2.0 200 OK", b"\x21\x12\xa4\x42", b"\0", b"\xff"),
    *(
        b"Via: SIP/2.0/UDP 192.0.2.66",
        b"\r\nl: 99\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\n",
        _SIP,
        _RTP,
    ),
)

INVITE = (
    b"INVITE sip:100000@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@192.0.2.1>;tag=a\r\nTo: <sip:100000@192.0.2.9>\r\nCall-ID: c1\r\n"
    b"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@192.0.2.1>\r\nContent-Length: 0\r\n\r\n"
)


def check(data: bytes, chance: random.Random) -> bool:
    """Give it to a stack with a call; whether it was answered. Raises for a finding."""
    stack = Stack(
        listeners=[Listener("udp", US, 5060), Listener("tcp", US, 5060)],
        identify=lambda _request, flow: flow.host == KNOWN.host,
        ids=Ids(random.Random(4711).randbytes),
    )
    stack.receive_datagram(INVITE, KNOWN, now=0.0)
    stack.datagrams_to_send()
    while stack.next_event() is not None:
        continue
    before = stack.counts()
    stack.receive_datagram(data, STRANGER, now=0.1)
    answered = check_sent(stack, data)
    give_stream(stack, data, chance)
    assert not any(isinstance(one, events.InviteReceived) for one in iter(stack.next_event, None))
    assert stack.counts()["server_transactions"] == before["server_transactions"]
    stack.receive_datagram(_asked(), KNOWN, now=0.2)
    (answer,) = [data for data, _ in stack.datagrams_to_send()]
    assert answer.startswith(b"SIP/2.0 200 "), answer
    return answered


def check_sent(stack: Stack, data: bytes) -> bool:
    """What goes out is SIP, to who asked, once, and little; whether there was any."""
    sent = stack.datagrams_to_send()
    assert len(sent) <= 1, sent
    for answer, flow in sent:
        parse_message(answer)
        assert flow.host == STRANGER.host, flow
        assert len(answer) <= len(data) + MAX_ADDED, (len(data), answer)
    return bool(sent)


def give_stream(stack: Stack, data: bytes, chance: random.Random) -> None:
    """The same on a connection, cut anywhere, which may be closed for it."""
    place = 0
    while place < len(data):
        step = chance.choice((1, 7, 100, 2000))
        stack.receive_stream(data[place : place + step], STREAM, now=0.15)
        place += step
        for answer, _ in stack.datagrams_to_send():
            if answer != b"\r\n":
                parse_message(answer)
        if stack.flows_to_close():
            break
    stack.flow_closed(STREAM, now=0.16)


def _asked() -> bytes:
    return _SIP.replace(b"/TCP nm", b"/UDP 192.0.2.1").replace(b"sip:nm ", b"sip:192.0.2.9 ")


FUZZ = Fuzz(
    "noise",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=("softswitch/sip",),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
