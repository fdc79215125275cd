"""The handshake of a WebSocket: who gets a connection, and what the others are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.transport.websocket.opening import (
    MAX_FIELDS,
    Opened,
    Refusal,
    answer_opening,
)
from tests.support.websocket import ACCEPT, opening


def refused(head: bytes, origins: tuple[str, ...] = ()) -> Refusal:
    answer = answer_opening(head, origins)
    assert isinstance(answer, Refusal)
    assert answer.answer.startswith(f"HTTP/1.1 {answer.status} ".encode())
    assert b"\r\nConnection: close\r\n" in answer.answer
    assert answer.answer.endswith(f"\r\n\r\n{answer.why}\n".encode())
    return answer


def test_who_asks_for_sip_as_it_should_be_gets_it() -> None:
    """The key and its answer are those of RFC 6455 section 1.3."""
    answer = answer_opening(opening(), ())
    assert isinstance(answer, Opened)
    head, *lines = answer.answer.decode().split("\r\n")
    assert head == "HTTP/1.1 101 Switching Protocols"
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert ACCEPT == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert "Sec-WebSocket-Protocol: sip" in lines
    assert not any(line.startswith("Sec-WebSocket-Extensions") for line in lines)
    assert answer.answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        opening(protocol="chat, sip"),
        opening(protocol="chat", more=["sec-websocket-protocol:sip"]),
        opening(without=["upgrade"], more=["UPGRADE: h2c, WebSocket"]),
        opening(start="GET /ws?token=1 HTTP/1.1"),
        opening(more=["Sec-WebSocket-Extensions: permessage-deflate", "Cookie: a=b; c=d"]),
        opening(more=["X-Note: grüße\tdort"]),
    ],
)
def test_what_is_written_otherwise_is_as_good(head: bytes) -> None:
    assert isinstance(answer_opening(head, ()), Opened)


@pytest.mark.parametrize(
    ("head", "status", "says"),
    [
        (opening(without=["sec-websocket-protocol"]), 400, "the subprotocol sip has to be offered"),
        (opening(protocol="xmpp, msrp"), 400, "the subprotocol sip has to be offered"),
        (opening(without=["upgrade"]), 426, "this is a WebSocket of SIP"),
        (opening(without=["connection"]), 426, "this is a WebSocket of SIP"),
        (opening(without=["sec-websocket-version"]), 426, "version 13"),
        (opening(without=["sec-websocket-key"]), 400, "Sec-WebSocket-Key"),
        (opening(without=["host"]), 400, "Host"),
        (opening(start="POST /sip HTTP/1.1"), 405, "only GET"),
        (opening(start="GET /sip HTTP/1.0"), 505, "HTTP/1.1"),
        (opening(start="GET /sip HTTP/2.0"), 505, "HTTP/1.1"),
        (opening(start="GET sip:x SIP/2.0"), 400, "no HTTP request"),
        (opening(start="GET  /sip HTTP/1.1"), 400, "no HTTP request"),
        (opening(more=["Content-Length: 5"]), 400, "no body"),
        (opening(more=["Transfer-Encoding: chunked"]), 400, "no body"),
        (opening(more=["Host: other"]), 400, "host stands twice"),
        (opening(more=["Sec-WebSocket-Version: 8"]), 400, "stands twice"),
        (opening(more=[" folded: x"]), 400, "cannot be read"),
        (opening(more=["bare\nfeed: x"]), 400, "cannot be read"),
        (opening(more=["X-Null: a\0b"]), 400, "cannot be read"),
        (opening(more=["no colon"]), 400, "cannot be read"),
        (opening(more=[f"X-{number}: y" for number in range(MAX_FIELDS)]), 431, "header fields"),
        (
            opening(without=["sec-websocket-key"], more=["Sec-WebSocket-Key: c2hvcnQ="]),
            400,
            "16 bytes",
        ),
    ],
)
def test_who_asks_otherwise_is_told_why_not(head: bytes, status: int, says: str) -> None:
    answer = refused(head)
    assert (answer.status, says in answer.why) == (status, True), answer


def test_the_answers_name_what_would_do() -> None:
    assert b"\r\nUpgrade: websocket\r\n" in refused(opening(without=["upgrade"])).answer
    version = opening(without=["sec-websocket-version"], more=["Sec-WebSocket-Version: 8"])
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in refused(version).answer
    assert b"\r\nAllow: GET\r\n" in refused(opening(start="PUT / HTTP/1.1")).answer


def test_pages_connect_only_from_origins_that_are_listed_and_programs_need_none() -> None:
    page = opening(more=["Origin: https://Phone.example"])
    assert refused(page).status == 403
    assert refused(page, ("https://other.example",)).status == 403
    for origins in (("https://phone.example",), ("*",)):
        assert isinstance(answer_opening(page, origins), Opened)
    assert isinstance(answer_opening(opening(), ("https://phone.example",)), Opened)
    assert refused(opening(more=["Origin: null"]), ("https://phone.example",)).status == 403
    assert refused(opening(more=["Origin: https://phone.example"] * 2), ("*",)).status == 400


def test_the_port_that_a_scheme_has_anyway_makes_no_other_origin() -> None:
    page = opening(more=["Origin: https://phone.example:443"])
    assert isinstance(answer_opening(page, ("https://phone.example",)), Opened)
    page = opening(more=["Origin: https://phone.example:80"])
    assert refused(page, ("https://phone.example",)).status == 403


def test_what_is_told_of_an_origin_is_short_and_plain() -> None:
    assert refused(opening(more=["Origin: a\tb"])).why == "pages of a b may not connect"
    head = opening(more=["Origin: https://\x9b31m" + "x" * 3000])
    why = refused(head).why
    assert why.isprintable()
    assert len(why) < 150


@given(st.binary(max_size=300))
def test_noise_is_refused(data: bytes) -> None:
    assert isinstance(answer_opening(data + b"\r\n\r\n", ()), Refusal)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_a_handshake_with_a_scratch_is_answered_one_way_or_the_other(
    place: int, scratch: bytes
) -> None:
    head = opening(more=["Origin: https://phone.example"])
    at = place % len(head)
    scratched = head[:at] + scratch + head[at:]
    end = scratched.find(b"\r\n\r\n")
    answer = answer_opening(scratched[: end + 4], ("https://phone.example",))
    assert isinstance(answer, Opened | Refusal)
