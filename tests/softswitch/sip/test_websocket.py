"""SIP over WebSocket in the core (RFC 7118): whole messages, what we are called, ways to peers; and
connections that are used both ways (RFC 5923)."""

from __future__ import annotations

import pytest

from softswitch.sip.events import InviteAnswered, InviteReceived
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.message import Request
from softswitch.sip.stack import Stack
from tests.support.agents import Pseudorandom
from tests.support.sip_text import Message
from tests.support.wire import SDP, US, Wire, request, response

WEB = Flow("ws", "192.0.2.1", 40_001, 1, 7)
BROWSER = "<sip:caller@df7jal23ls0d.invalid;transport=ws>"
TLS_PEER = Flow("tls", "192.0.2.1", 40_002, 3, 8)


@pytest.fixture
def wire() -> Wire:
    """A stack with listeners of UDP, WS, WSS and TLS, in this order."""

    def anybody(_request: Request, _flow: Flow) -> bool:
        return True

    wire = Wire()
    wire.stack = Stack(
        listeners=[
            Listener("udp", US, 5060),
            Listener("ws", US, 8088),
            Listener("wss", "sip.example", 8443),
            Listener("tls", "sip.example", 5061),
        ],
        server="test",
        identify=anybody,
        ids=Ids(Pseudorandom(4711)),
    )
    return wire


def web_request(method: str = "INVITE", **more: object) -> bytes:
    via = "SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKa"
    return request(method, **{"via": via, "contact": BROWSER, "body": SDP, **more})  # type: ignore[arg-type]


def answered(wire: Wire, flow: Flow = WEB) -> Message:
    """The 200 to an INVITE that came by a WebSocket."""
    wire.give(web_request(), flow)
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    assert wire.log[-1].flow == flow
    return answer


# Messages.


def test_a_message_is_whole_and_needs_no_content_length(wire: Wire) -> None:
    data = web_request().replace(f"Content-Length: {len(SDP)}\r\n".encode(), b"")
    (trying,) = wire.give(data, WEB)
    assert trying.status == 100
    assert wire.event(InviteReceived).invite.request.body == SDP


def test_two_messages_in_one_are_one_with_something_behind_it(wire: Wire) -> None:
    """RFC 7118: "a WebSocket message MUST NOT contain more than one SIP message"."""
    options = request("OPTIONS", transport="WS")
    assert [one.status for one in wire.give(options + options, WEB)] == [200]


def test_half_a_message_is_none_and_the_next_one_is_not_its_rest(wire: Wire) -> None:
    options = request("OPTIONS", transport="WS")
    assert not wire.give(options[:40], WEB)
    assert not wire.give(options[40:], WEB)
    assert [one.status for one in wire.give(options, WEB)] == [200]
    assert wire.stack.flows_to_close() == []


def test_a_double_line_break_is_answered_with_one_and_others_are_nothing(wire: Wire) -> None:
    """RFC 5626 section 3.5.1."""
    wire.stack.receive_stream(b"\r\n\r\n", WEB, now=wire.now)
    assert wire.stack.datagrams_to_send() == [(b"\r\n", WEB)]
    for data in (b"", b"\r\n", b"\n\n\n"):
        wire.stack.receive_stream(data, WEB, now=wire.now)
    assert wire.stack.datagrams_to_send() == []


def test_messages_are_shown_to_who_traces(wire: Wire) -> None:
    seen: list[tuple[str, str]] = []
    wire.stack.trace = lambda trace: seen.append((trace.direction, trace.flow.transport))
    wire.give(request("OPTIONS", transport="WS"), WEB)
    assert seen == [("in", "ws"), ("out", "ws")]


# What we are called.


@pytest.mark.parametrize(
    ("flow", "contact", "via"),
    [
        (WEB, f"sip:100000@{US}:8088;transport=ws", f"SIP/2.0/WS {US}:8088"),
        (
            WEB._replace(transport="wss", listener=2),
            "sip:100000@sip.example:8443;transport=ws",
            "SIP/2.0/WSS sip.example:8443",
        ),
    ],
)
def test_contact_and_via_say_how_we_are_reached(
    wire: Wire, flow: Flow, contact: str, via: str
) -> None:
    answer = answered(wire, flow)
    assert answer.contact == contact
    assert ";received=192.0.2.1" in answer.get("via")
    wire.give(request("ACK", to=answer.get("to"), transport="WS"), flow)
    wire.events()
    dialog = wire.stack._context.dialogs.copy().popitem()[1]
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    assert bye.get("via").startswith(f"{via};branch=")
    assert wire.log[-1].flow == flow
    assert bye.uri == "sip:caller@df7jal23ls0d.invalid;transport=ws"


# Ways.


def test_when_the_connection_is_gone_a_request_has_no_other_way(wire: Wire) -> None:
    answer = answered(wire)
    wire.give(request("ACK", to=answer.get("to"), transport="WS"), WEB)
    wire.events()
    dialog = wire.stack._context.dialogs.copy().popitem()[1]
    wire.stack.flow_closed(WEB, now=wire.now)
    dialog.bye(now=wire.now)
    wire.take()
    # The very connection, which the transport knows to be closed.
    assert wire.log[-1].flow == WEB


def test_a_request_by_a_new_connection_takes_the_dialog_there(wire: Wire) -> None:
    answer = answered(wire)
    wire.give(request("ACK", to=answer.get("to"), transport="WS"), WEB)
    wire.stack.flow_closed(WEB, now=wire.now)
    fresh = WEB._replace(port=40_009, connection=9)
    (ok,) = wire.give(
        request("UPDATE", number=2, to=answer.get("to"), transport="WS", contact=BROWSER), fresh
    )
    assert ok.status == 200
    wire.events()
    dialog = wire.stack._context.dialogs.copy().popitem()[1]
    dialog.bye(now=wire.now)
    wire.take()
    assert wire.log[-1].flow == fresh


def test_an_answer_to_a_connection_that_is_gone_goes_nowhere_else(wire: Wire) -> None:
    wire.give(web_request(), WEB)
    invite = wire.event(InviteReceived).invite
    wire.stack.flow_closed(WEB, now=wire.now)
    invite.reject(486, now=wire.now)
    wire.take()
    assert wire.log[-1].flow == WEB


def test_a_dialog_of_ours_goes_by_the_connection_that_answered(wire: Wire) -> None:
    by_host = Flow("ws", "192.0.2.1", 5060, 1)
    wire.stack.invite(
        uri="sip:callee@192.0.2.1",
        to_flow=by_host,
        from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>",
        contact_user="us",
        body=SDP,
        now=wire.now,
    )
    (sent,) = wire.take()
    assert wire.log[-1].flow == by_host
    assert sent.contact == f"sip:us@{US}:8088;transport=ws"
    (ack,) = wire.give(response(sent, 200, contact=BROWSER, body=SDP), WEB)
    dialog = wire.event(InviteAnswered).dialog
    assert ack.method == "ACK"
    assert wire.log[-1].flow == WEB
    dialog.bye(now=wire.now)
    wire.take()
    assert wire.log[-1].flow == WEB


# Connections that are used both ways (RFC 5923).


def told(wire: Wire, *hosts: str) -> list[tuple[Flow, str, int]]:
    """What is told of peers that ask to be called over their own connection."""
    found: list[tuple[Flow, str, int]] = []
    wire.stack.reuse_connections(hosts, lambda *what: found.append(what))
    return found


def asked(wire: Wire, flow: Flow) -> str:
    """The Via of a request of ours."""
    wire.stack.request(
        "OPTIONS", uri="sip:x", to_flow=flow, from_=f"<sip:{US}>", to="<sip:x>", now=wire.now
    )
    (sent,) = wire.take()
    return sent.get("via")


def test_a_peer_that_asks_for_it_is_told_of(wire: Wire) -> None:
    found = told(wire, "carrier.example")
    options = request(
        "OPTIONS", via="SIP/2.0/TLS edge.example:5071;rport;Alias;branch=z9hG4bKx", contact=None
    )
    assert [one.status for one in wire.give(options, TLS_PEER)] == [200]
    standard = request("OPTIONS", via="SIP/2.0/TLS edge.example;branch=z9hG4bKy;alias")
    wire.give(standard, TLS_PEER)
    assert found == [(TLS_PEER, "edge.example", 5071), (TLS_PEER, "edge.example", 5061)]


@pytest.mark.parametrize(
    ("via", "flow"),
    [
        ("SIP/2.0/TLS alias.example;branch=z9hG4bKalias", TLS_PEER),
        ("SIP/2.0/TLS edge.example;branch=z9hG4bK1", TLS_PEER),
        # Only TLS proves anything, whatever the Via says.
        ("SIP/2.0/TLS edge.example;branch=z9hG4bK1;alias", WEB),
        ("SIP/2.0/TCP edge.example;branch=z9hG4bK1;alias", Flow("udp", "192.0.2.1", 5060)),
    ],
)
def test_others_are_not(wire: Wire, via: str, flow: Flow) -> None:
    found = told(wire, "carrier.example")
    wire.give(request("OPTIONS", via=via), flow)
    assert not found


def test_without_a_trunk_that_wants_it_nobody_is_listened_to(wire: Wire) -> None:
    found = told(wire)
    wire.give(request("OPTIONS", via="SIP/2.0/TLS e.example;branch=z9hG4bK1;alias"), TLS_PEER)
    assert not found


def test_trunks_that_want_it_are_asked_by_tls_and_nobody_else(wire: Wire) -> None:
    told(wire, "Carrier.example")
    assert ";alias;branch=" in asked(wire, Flow("tls", "carrier.example", 5061, 3))
    server = Flow("tls", "edge.carrier.example", 5061, 3, 0, "carrier.example")
    assert ";alias;branch=" in asked(wire, server)
    for flow in (
        Flow("tls", "other.example", 5061, 3),
        Flow("tls", "carrier.example", 5061, 3, 0, "other.example"),
        Flow("udp", "carrier.example", 5060),
    ):
        assert "alias" not in asked(wire, flow)
