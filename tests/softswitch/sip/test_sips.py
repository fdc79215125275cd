"""SIPS URIs (RFC 3261 sections 8.1.1.8, 12.1, 12.2.1.1 and 26.2.2): served by TLS, and answered
with one of ours for as long as the dialog lasts."""

from __future__ import annotations

from typing import Any

import pytest

from softswitch.sip.dialog import Dialog
from softswitch.sip.events import (
    AckReceived,
    InviteAnswered,
    InviteReceived,
    ReinviteReceived,
)
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.stack import Stack
from tests.support.wire import PEER, PEER_TCP, SDP, US, Wire, request, response

LISTENERS = [Listener(name, US, 5060) for name in ("udp", "tcp", "ws")] + [
    Listener("tls", US, 5061),
    Listener("wss", US, 5063),
]
TLS = Flow("tls", PEER.host, 41000, 3, 10)
WSS = Flow("wss", PEER.host, 41000, 4, 11)
WS = Flow("ws", PEER.host, 41000, 2, 12)
SIPS = f"sips:100000@{US}"
SAFE = f"<sips:100000@{US}:5061>"
USUAL = f"<sip:100000@{US}:5061;transport=tls>"


@pytest.fixture
def wire() -> Wire:
    made = Wire()
    made.stack = Stack(listeners=LISTENERS, identify=lambda _request, _flow: True)
    return made


def invite(flow: Flow = TLS, **more: Any) -> bytes:
    return request(body=SDP, transport=flow.transport.upper(), **more)


def taken(wire: Wire, **more: Any) -> tuple[Dialog, str, list[str]]:
    """A dialog that the peer has begun by TLS, our To, and our Contacts in it so far."""
    wire.give(invite(**more), TLS)
    call = wire.event(InviteReceived).invite
    call.provisional(180, now=wire.now)
    dialog = call.accept(body=SDP, now=wire.now)
    ringing, answer = wire.take()
    wire.give(request("ACK", to=answer.get("to"), transport="TLS"), TLS)
    wire.event(AckReceived)
    return dialog, answer.get("to"), [ringing.get("contact"), answer.get("contact")]


@pytest.mark.parametrize("flow", [TLS, WSS])
@pytest.mark.parametrize("scheme", ["sips", "SIPS"])
def test_a_sips_uri_is_served_where_it_came_by_tls(wire: Wire, flow: Flow, scheme: str) -> None:
    """26.3.1: who supports TLS MUST support the SIPS URI scheme."""
    wire.give(invite(flow, uri=f"{scheme}:100000@{US}"), flow)
    call = wire.event(InviteReceived).invite
    assert call.request.request_uri.number == "100000"


@pytest.mark.parametrize("flow", [PEER, PEER_TCP, WS])
def test_a_sips_uri_in_the_clear_is_416(wire: Wire, flow: Flow) -> None:
    (answer,) = wire.give(invite(flow, uri=SIPS), flow)
    assert answer.status == 416
    wire.no_event()


def test_other_schemes_are_416_by_tls_too(wire: Wire) -> None:
    (answer,) = wire.give(invite(uri="urn:service:sos"), TLS)
    assert answer.status == 416


def test_options_to_a_sips_uri_is_answered_by_tls(wire: Wire) -> None:
    (answer,) = wire.give(request("OPTIONS", uri=SIPS, transport="TLS"), TLS)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("more", "contact"),
    [
        ({"uri": SIPS}, SAFE),
        ({"contact": "<sips:caller@192.0.2.1>"}, SAFE),
        ({"contact": "<SIPS:caller@192.0.2.1>"}, SAFE),
        ({"headers": ["Record-Route: <sips:192.0.2.1;lr>, <sip:192.0.2.2;lr>"]}, SAFE),
        ({"headers": ["Record-Route: <sip:192.0.2.1;lr>, <sips:192.0.2.2;lr>"]}, USUAL),
        (
            {
                "headers": ["Record-Route: <sip:192.0.2.1;lr>"],
                "contact": "<sips:caller@192.0.2.1>",
            },
            USUAL,
        ),
        ({}, USUAL),
    ],
)
def test_the_answers_have_a_sips_contact_where_the_invite_asks_for_it(
    wire: Wire, more: dict[str, Any], contact: str
) -> None:
    """12.1.1: Request-URI, topmost Record-Route or, without any, Contact."""
    _, _, contacts = taken(wire, **more)
    assert contacts == [contact, contact]


def test_secure_websockets_are_named_as_such(wire: Wire) -> None:
    """RFC 7118 section 5.2: `transport=ws` in a SIPS URI."""
    wire.give(invite(WSS, uri=SIPS), WSS)
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    assert wire.take()[0].get("contact") == f"<sips:100000@{US}:5063;transport=ws>"


def test_all_that_we_send_in_the_dialog_has_the_sips_contact(wire: Wire) -> None:
    """12.2.1.1: with the "secure" flag the Contact MUST be a SIPS URI."""
    dialog, to, _ = taken(wire, uri=SIPS)
    dialog.reinvite(body=SDP, now=wire.now)
    (ours,) = wire.take()
    assert (ours.method, ours.get("contact")) == ("INVITE", SAFE)
    (ack,) = wire.give(response(ours, 200, contact="<sip:caller@192.0.2.1>", body=SDP), TLS)
    assert ack.method == "ACK"
    wire.events()
    again = request(number=2, to=to, uri=SIPS, body=SDP, transport="TLS")
    wire.give(again, TLS)
    wire.event(ReinviteReceived)
    dialog.accept_reinvite(body=SDP, now=wire.now)
    assert wire.take()[-1].get("contact") == SAFE
    wire.give(request("ACK", number=2, to=to, uri=SIPS, transport="TLS"), TLS)
    (updated,) = wire.give(request("UPDATE", number=3, to=to, uri=SIPS, transport="TLS"), TLS)
    assert (updated.status, updated.get("contact")) == (200, SAFE)


def calling(wire: Wire, uri: str, contact: str) -> Dialog:
    wire.stack.invite(
        uri=uri, to_flow=TLS, from_=f"<sip:us@{US}>", to=f"<{uri}>", contact_user="100000",
        body=SDP, now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    wire.give(response(message, 200, contact=contact, body=SDP), TLS)
    return wire.event(InviteAnswered).dialog


@pytest.mark.parametrize(
    ("uri", "target", "first", "later"),
    [
        ("sips:callee@192.0.2.1", "sips:callee@192.0.2.1", SAFE, SAFE),
        ("sips:callee@192.0.2.1", "sip:callee@192.0.2.1", SAFE, SAFE),
        ("sip:callee@192.0.2.1", "sips:callee@192.0.2.1", USUAL, SAFE),
        ("sip:callee@192.0.2.1", "sip:callee@192.0.2.1", USUAL, USUAL),
    ],
)
def test_our_requests_to_a_sips_uri_have_a_sips_contact(
    wire: Wire, uri: str, target: str, first: str, later: str
) -> None:
    """8.1.1.8, and the "secure" flag of 12.1.2; the dialog goes to the target that it has."""
    dialog = calling(wire, uri, f"<{target}>")
    invited, ack = (one.message for one in wire.log)
    assert (invited.get("contact"), ack.uri) == (first, target)
    dialog.reinvite(body=SDP, now=wire.now)
    (again,) = wire.take()
    assert (again.uri, again.get("contact")) == (target, later)
    assert wire.log[-1].flow == TLS


def test_a_sips_target_in_the_clear_makes_no_sips_contact(wire: Wire) -> None:
    """Nobody would reach us by TLS at an address of UDP."""
    wire.give(request(body=SDP, contact="<sips:caller@192.0.2.1>"))
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    assert wire.take()[0].get("contact").startswith("<sip:100000@")
