"""A dialog that was begun by TLS stays on TLS, whatever its peer writes into Contact, Record-Route
or onto the wire (RFC 3261 sections 12.1.2 and 26.2, RFC 5630)."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog
from softswitch.sip.events import (
    AckReceived,
    ByeReceived,
    ClearAsked,
    DialogTerminated,
    InviteAnswered,
    InviteCancelled,
    InviteReceived,
    ReinviteReceived,
)
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.routing import asks_for_the_clear, flow_to, path_to
from softswitch.sip.stack import Stack
from softswitch.sip.uri import Uri
from tests.support.wire import PEER, SDP, US, Wire, request, response

CALLED = Flow("tls", "carrier.example", 5071, 2)
"""Where calls to the trunk go."""
OURS = Flow("tls", PEER.host, 5071, 2, 9, "carrier.example")
"""The connection that it becomes."""
THEIRS = Flow("tls", PEER.host, 41000, 2, 10)
CLEAR = PEER
"""The same host by UDP, where the source of a datagram may be anybody's."""


@pytest.fixture
def wire() -> Wire:
    made = Wire()
    made.stack = Stack(
        listeners=[
            Listener("udp", US, 5060),
            Listener("tcp", US, 5060),
            Listener("tls", US, 5061),
        ],
        identify=lambda _request, _flow: True,
    )
    return made


def calling(wire: Wire, contact: str, *headers: str) -> Dialog:
    """A dialog that we have begun over TLS."""
    wire.stack.invite(
        uri="sip:callee@carrier.example", to_flow=CALLED, from_=f"<sip:us@{US}>",
        to="<sip:callee@carrier.example>", contact_user="us", body=SDP, now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    wire.stack.tell_answers(lambda who, asked, flow: flow.transport == asked.transport)
    wire.give(response(message, 200, contact=contact, headers=headers, body=SDP), OURS)
    return wire.event(InviteAnswered).dialog


def called(wire: Wire, contact: str, *headers: str) -> tuple[Dialog, str]:
    """A dialog that the peer has begun over TLS, and our To."""
    wire.give(request(body=SDP, contact=contact, headers=headers, transport="TLS"), THEIRS)
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to, transport="TLS"), THEIRS)
    wire.event(AckReceived)
    return dialog, to


LEADING_OUT = [
    f"<sip:callee@{PEER.host};transport=udp>",
    f"<sip:callee@{PEER.host};transport=UDP>",
    f"<sip:callee@{PEER.host}:5060;transport=tcp>",
    f"<sip:callee@{PEER.host}:5060>",
    f"<sip:callee@{PEER.host};transport=nonsense>",
]


@pytest.mark.parametrize("contact", LEADING_OUT)
def test_our_call_by_tls_stays_there(wire: Wire, contact: str) -> None:
    dialog = calling(wire, contact)
    # The ACK has gone by the connection there is.
    assert wire.log[-1].flow == OURS
    asked = wire.event(ClearAsked)
    assert (asked.dialog, asked.uri) == (dialog, contact.strip("<>"))
    wire.stack.flow_closed(OURS, now=wire.now)
    dialog.bye(now=wire.now)
    wire.take()
    # It is called again as it was called first: with its port and its certificate.
    assert wire.log[-1].flow == CALLED
    assert wire.log[-1].message.get("via").startswith(f"SIP/2.0/TLS {US}:5061")
    wire.event(DialogTerminated)
    wire.no_event()


@pytest.mark.parametrize("contact", LEADING_OUT)
def test_a_call_that_came_by_tls_stays_there(wire: Wire, contact: str) -> None:
    dialog, _ = called(wire, contact)
    wire.stack.flow_closed(THEIRS, now=wire.now)
    dialog.bye(now=wire.now)
    wire.take()
    assert wire.log[-1].flow == Flow("tls", PEER.host, 5061, 2)
    wire.event(ClearAsked)


def test_a_peer_that_asks_for_tls_or_says_nothing_is_not_told_of(wire: Wire) -> None:
    for contact, to in (
        (f"<sip:callee@{PEER.host}:5081;transport=tls>", 5081),
        (f"<sip:callee@{PEER.host}:5081>", 5081),
        (f"<sips:callee@{PEER.host};transport=tcp>", 5061),
        (f"<sip:callee@{PEER.host}>", 5061),
    ):
        dialog = calling(wire, contact)
        wire.stack.flow_closed(OURS, now=wire.now)
        dialog.bye(now=wire.now)
        wire.take()
        flow = wire.log[-1].flow
        assert flow == Flow("tls", PEER.host, to, 2, 0, "carrier.example")
        wire.event(DialogTerminated)
        wire.no_event()


def test_a_host_that_we_have_not_called_is_called_by_tls_too(wire: Wire) -> None:
    dialog = calling(wire, "<sip:callee@192.0.2.77:5066;transport=udp>")
    wire.stack.flow_closed(OURS, now=wire.now)
    dialog.bye(now=wire.now)
    wire.take()
    assert wire.log[-1].flow == Flow("tls", "192.0.2.77", 5066, 2, 0, "carrier.example")


def test_a_proxy_on_the_way_leads_nobody_out_either(wire: Wire) -> None:
    route = f"Record-Route: <sip:{PEER.host};lr;transport=udp>"
    dialog = calling(wire, "<sip:callee@192.0.2.77;transport=tls>", route)
    wire.event(ClearAsked)
    wire.stack.flow_closed(OURS, now=wire.now)
    dialog.bye(now=wire.now)
    wire.take()
    assert wire.log[-1].flow == CALLED


def test_a_contact_that_comes_later_does_not_either(wire: Wire) -> None:
    dialog, to = called(wire, f"<sip:caller@{PEER.host};transport=tls>")
    contact = f"<sip:caller@{PEER.host};transport=udp>"
    again = request(number=2, to=to, body=SDP, contact=contact, transport="TLS")
    wire.give(again, THEIRS)
    wire.event(ReinviteReceived)
    dialog.accept_reinvite(body=SDP, now=wire.now)
    wire.give(request("ACK", number=2, to=to, transport="TLS"), THEIRS)
    wire.event(AckReceived)
    wire.stack.flow_closed(THEIRS, now=wire.now)
    dialog.bye(now=wire.now)
    wire.take()
    assert wire.log[-1].flow.transport == "tls"
    wire.event(ClearAsked)


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS"])
def test_a_request_that_comes_in_the_clear_is_not_the_peers(wire: Wire, method: str) -> None:
    """Its source is the peer's address: over UDP it is whoever writes that."""
    dialog, to = called(wire, f"<sip:caller@{PEER.host};transport=tls>")
    (answer,) = wire.give(request(method, number=2, to=to), CLEAR)
    assert answer.status == 403
    wire.no_event()
    assert wire.refused == [(403, "in-the-clear")]
    assert dialog.flow == THEIRS
    (answer,) = wire.give(request("BYE", number=2, to=to, transport="TLS"), THEIRS)
    assert answer.status == 200
    wire.event(ByeReceived)


def test_an_ack_in_the_clear_is_none(wire: Wire) -> None:
    wire.give(request(body=SDP, transport="TLS"), THEIRS)
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to), CLEAR)
    wire.no_event()
    assert wire.stack.drops["in-the-clear"] == 1


def test_a_cancel_in_the_clear_finds_no_invite(wire: Wire) -> None:
    """9.2, with the branch and sent-by of the INVITE."""
    via = "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKheard"
    wire.give(request(body=SDP, via=via), THEIRS)
    wire.event(InviteReceived)
    cancel = request("CANCEL", via=via, contact=None)
    assert [one.status for one in wire.give(cancel, CLEAR)] == [481]
    wire.no_event()
    assert 487 in [one.status for one in wire.give(cancel, THEIRS)]
    wire.event(InviteCancelled)


@pytest.mark.parametrize(
    ("uri", "asks"),
    [
        ("sip:a@192.0.2.1;transport=udp", True),
        ("sip:a@192.0.2.1:5061;transport=tcp", True),
        ("sip:a@192.0.2.1:5060", True),
        ("sip:a@192.0.2.1", False),
        ("sip:a@192.0.2.1:5071", False),
        ("sip:a@192.0.2.1;transport=TLS", False),
        ("sip:a@192.0.2.1:5060;transport=tls", False),
        ("sip:a@x.invalid;transport=wss", False),
        ("sip:a@x.invalid;transport=ws", False),
        ("sips:a@192.0.2.1:5060;transport=udp", False),
        ("tel:+16025550100", False),
    ],
)
def test_what_asks_for_the_clear(uri: str, *, asks: bool) -> None:
    assert asks_for_the_clear(Uri.parse(uri)) is asks


def test_a_dialog_in_the_clear_goes_where_its_peer_says() -> None:
    for heard in (PEER, PEER._replace(transport="tcp", connection=3)):
        for transport in ("udp", "tcp", "tls"):
            hop = path_to(f"sip:a@192.0.2.7;transport={transport}", ()).next_hop
            assert flow_to(hop, heard, CALLED).transport == transport
