"""Keys told by INFO (RFC 6086), inside dialogs of both directions."""

from __future__ import annotations

import pytest

from softswitch.sip.events import InviteReceived, KeyTold
from softswitch.sip.info import KEY_TYPES
from tests.support.wire import SDP, Wire, request

RELAY, PLAIN = KEY_TYPES


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def to(wire: Wire) -> str:
    """The To of a dialog in which the peer is the caller."""
    wire.give(request(body=SDP))
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to))
    wire.stack.next_event()
    return to


def tell(wire: Wire, to: str, body: bytes, content_type: str = RELAY, *headers: str) -> int:
    data = request(
        "INFO", number=2, to=to, body=body, content_type=content_type, headers=list(headers)
    )
    (answer,) = wire.give(data)
    return answer.status or 0


@pytest.mark.parametrize(
    ("body", "content_type", "digit", "held"),
    [
        (b"Signal=5\r\nDuration=160\r\n", RELAY, "5", 0.16),
        (b"Signal= 5\r\nDuration= 160", RELAY, "5", 0.16),
        (b"signal: #\nduration: 2000\n", RELAY, "#", 2.0),
        (b"Duration=100\r\nSignal=*\r\n", RELAY, "*", 0.1),
        (b"Signal=10\r\n", RELAY, "*", 0.0),
        (b"Signal=11\r\n", RELAY, "#", 0.0),
        (b"Signal=d\r\n", RELAY, "D", 0.0),
        (b"Signal=1\r\nDuration=999999", RELAY, "1", 60.0),
        (b"Signal=1\r\nDuration=x", RELAY, "1", 0.0),
        (b"Signal=5", f"{RELAY}; charset=utf-8", "5", 0.0),
        (b"5", PLAIN, "5", 0.0),
        (b" 5\r\n", PLAIN, "5", 0.0),
        (b"Signal=7\r\nDuration=80\r\n", PLAIN, "7", 0.08),
        (b"12", PLAIN, "A", 0.0),
    ],
)
def test_a_key_is_read_and_answered(
    wire: Wire, to: str, body: bytes, content_type: str, digit: str, held: float
) -> None:
    assert tell(wire, to, body, content_type) == 200
    event = wire.event(KeyTold)
    assert (event.digit, event.held) == (digit, held)


def test_a_retransmission_is_no_second_key(wire: Wire, to: str) -> None:
    data = request("INFO", number=2, to=to, body=b"Signal=5", content_type=RELAY)
    first, again = wire.give(data), wire.give(data)
    assert str(first[0]) == str(again[0])
    wire.event(KeyTold)
    wire.no_event()


def test_a_key_in_one_part_of_several_is_found(wire: Wire, to: str) -> None:
    body = (
        b"--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b"--x\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=9\r\nDuration=50\r\n--x--\r\n"
    )
    assert tell(wire, to, body, "multipart/mixed;boundary=x") == 200
    assert wire.event(KeyTold).digit == "9"


@pytest.mark.parametrize(
    "body", [b"Signal=hf\r\n", b"Signal=!\r\nDuration=100", b"Signal=16\r\n", b"Signal=flash"]
)
def test_a_hook_flash_is_no_key_and_no_mistake(wire: Wire, to: str, body: bytes) -> None:
    assert tell(wire, to, body) == 200
    wire.no_event()


@pytest.mark.parametrize(
    "body", [b"Signal=\r\n", b"Signal=55", b"Signal=x", b"Duration=5", b"\xff\xfe", b"?" * 5000]
)
def test_what_cannot_be_read_is_400(wire: Wire, to: str, body: bytes) -> None:
    assert tell(wire, to, body) == 400
    wire.no_event()


@pytest.mark.parametrize("content_type", ["text/plain", "application/sdp", "multipart/mixed"])
def test_other_bodies_are_415_with_what_is_understood(
    wire: Wire, to: str, content_type: str
) -> None:
    data = request("INFO", number=2, to=to, body=b"Signal=5", content_type=content_type)
    (answer,) = wire.give(data)
    assert answer.status in (400, 415)
    if answer.status == 415:
        assert answer.get("accept") == f"{RELAY}, {PLAIN}"
    wire.no_event()


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "identity, gzip", "x y"])
def test_an_encoded_body_is_415_with_what_is_decoded(wire: Wire, to: str, coding: str) -> None:
    """RFC 3261 section 8.2.3."""
    data = request(
        "INFO", number=2, to=to, body=b"\x1f\x8b\x08", content_type=RELAY,
        headers=[f"Content-Encoding: {coding}"],
    )  # fmt: skip
    (answer,) = wire.give(data)
    assert (answer.status, answer.get("accept-encoding")) == (415, "identity")
    assert answer.get("accept") == f"{RELAY}, {PLAIN}"
    wire.no_event()


def test_identity_is_no_coding(wire: Wire, to: str) -> None:
    assert tell(wire, to, b"Signal=5", RELAY, "Content-Encoding: Identity") == 200
    assert wire.event(KeyTold).digit == "5"


def test_an_empty_info_is_200(wire: Wire, to: str) -> None:
    """RFC 2976 section 2.2: an INFO without a body asks nothing."""
    (answer,) = wire.give(request("INFO", number=2, to=to))
    assert answer.status == 200
    wire.no_event()


def test_an_info_package_is_469(wire: Wire, to: str) -> None:
    """RFC 6086 4.2.2: a package that was not asked for MUST get a 469 with Recv-Info."""
    data = request(
        "INFO", number=2, to=to, body=b"Signal=5", content_type=RELAY,
        headers=["Info-Package: dtmf"],
    )  # fmt: skip
    (answer,) = wire.give(data)
    assert (answer.status, answer.get("recv-info")) == (469, "")
    wire.no_event()


def test_outside_a_dialog_it_is_481(wire: Wire) -> None:
    (answer,) = wire.give(request("INFO", body=b"Signal=5", content_type=RELAY))
    assert answer.status == 481
    wire.no_event()


def test_in_a_dialog_of_others_it_is_481(wire: Wire, to: str) -> None:
    (answer,) = wire.give(request("INFO", number=2, to=to[:-3] + "zzz", body=b"5"))
    assert answer.status == 481
    wire.no_event()


def test_allow_names_it(wire: Wire) -> None:
    (answer,) = wire.give(request("OPTIONS"))
    assert "INFO" in answer.get("allow")
