"""A forged source is worth nothing to its forger: to who is not proven goes one answer without
state, never again by itself, never with a session description, and hardly more bytes than came.

RFC 3261 section 26.1.5 (denial of service and amplification), 8.2.7 (stateless UAS). Tests with
the digest gate's own challenge, and over the sockets of the running program, in
tests/scenarios/test_amplification.py.
"""

from __future__ import annotations

import pytest

from softswitch.sip.digest import Gate
from softswitch.sip.flow import Flow
from softswitch.sip.message import Request
from softswitch.sip.source import Unknown, Unproven
from tests.support.wire import SDP, Wire, request

MAX_FACTOR = 2.0
"""Bytes out for bytes in, of messages as small as they may be. Name servers that are abused so give
30 and more."""

METHODS = [
    "INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH",
    "REFER", "UPDATE", "PRACK", "INFO", "NONSENSE",
]  # fmt: skip
TIMER_B = 32.0


def unknown(_request: Request, _flow: Flow) -> object:
    return Unknown("unknown-source")


def unproven(_request: Request, flow: Flow) -> object:
    return Unproven(Gate("softswitch").challenge(flow.host, now=1e9))


def of(who: object) -> Wire:
    wire = Wire(is_known=who)  # type: ignore[arg-type]  # identify() may give anything
    wire.strict = False
    return wire


@pytest.mark.parametrize("who", [unknown, unproven])
@pytest.mark.parametrize("method", METHODS)
def test_one_answer_goes_out_and_nothing_after_it(who: object, method: str) -> None:
    wire = of(who)
    data = request(method, body=SDP if method == "INVITE" else b"")
    answers = wire.give(data)
    assert len(answers) <= 1
    for answer in answers:
        assert answer.status is not None
        assert answer.status >= 200
        assert not answer.body
        assert len(bytes(answer)) <= MAX_FACTOR * len(data)
    assert wire.wait(2 * TIMER_B) == []
    assert not any(wire.stack.counts().values())


@pytest.mark.parametrize("who", [unknown, unproven])
def test_a_request_sent_again_gets_as_much_again_and_no_more(who: object) -> None:
    wire = of(who)
    data = request(body=SDP)
    sizes = [sum(len(bytes(one)) for one in wire.give(data)) for _ in range(5)]
    assert len(set(sizes)) == 1
    assert not any(wire.stack.counts().values())


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\r\n\r\n", b"x" * 1400, b"SIP/2.0 200 OK\r\n\r\n",
     b"INVITE sip:a SIP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
     b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\0" * 12],
)  # fmt: skip
def test_noise_gets_nothing(data: bytes) -> None:
    wire = of(unknown)
    assert wire.give(data) == []
    assert wire.wait(2 * TIMER_B) == []


def test_answers_nobody_asked_for_get_nothing() -> None:
    wire = of(unknown)
    for status in (100, 180, 200, 401, 503):
        data = request().replace(b"INVITE sip:100000@192.0.2.9 SIP/2.0", b"SIP/2.0 %d X" % status)
        assert wire.give(data) == []
    assert wire.wait(2 * TIMER_B) == []


def test_an_ack_or_a_cancel_of_nothing_begins_nothing() -> None:
    wire = of(unknown)
    assert wire.give(request("ACK", to="<sip:1@192.0.2.9>;tag=x")) == []
    (answer,) = wire.give(request("CANCEL"))
    assert answer.status == 481
    assert wire.wait(2 * TIMER_B) == []


def test_the_answer_goes_to_the_source_whatever_via_says() -> None:
    """A reflector that believed Via would send to whom the forger names."""
    wire = of(unknown)
    wire.give(request(via="SIP/2.0/UDP 203.0.113.200:7777;branch=z9hG4bKx;received=203.0.113.9"))
    (sent,) = wire.log
    assert sent.flow.host == "192.0.2.1"
