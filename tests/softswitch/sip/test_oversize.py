"""INVITEs that no datagram holds: by TCP, and by UDP again where that fails (RFC 3261 18.1.1)."""

from __future__ import annotations

import pytest

from softswitch.sip.events import InviteAnswered, InviteRejected
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.invite_client import MAX_DATAGRAM, OutgoingInvite
from softswitch.sip.stack import Stack
from tests.support.wire import PEER, SDP, US, Wire, response

LARGE = SDP + b"a=" + b"x" * MAX_DATAGRAM


@pytest.fixture
def wire() -> Wire:
    return Wire()


def invite(wire: Wire, body: bytes = LARGE, *, may_use_tcp: bool = True) -> OutgoingInvite:
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=PEER, from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=body, may_use_tcp=may_use_tcp,
        now=wire.now,
    )  # fmt: skip
    wire.take()
    return sent


def refuse_tcp(wire: Wire) -> None:
    wire.stack.send_failed(Flow("tcp", PEER.host, PEER.port), now=wire.now)
    wire.take()


def test_what_fits_goes_by_udp(wire: Wire) -> None:
    invite(wire, SDP)
    assert wire.log[-1].flow == PEER


def test_what_does_not_fit_goes_by_tcp_and_says_so(wire: Wire) -> None:
    invite(wire)
    sent = wire.log[-1]
    assert (sent.flow.transport, sent.flow.host) == ("tcp", PEER.host)
    assert sent.message.get("via").startswith("SIP/2.0/TCP ")
    wire.give(response(sent.message, 200, body=SDP), Flow("tcp", PEER.host, PEER.port, 1, 7))
    wire.event(InviteAnswered)


def test_where_nobody_takes_tcp_it_goes_by_udp(wire: Wire) -> None:
    invite(wire)
    first = wire.log[-1].message
    refuse_tcp(wire)
    again = wire.log[-1]
    assert again.flow.transport == "udp"
    assert again.message.get("via").startswith("SIP/2.0/UDP ")
    assert again.message.get("via") != first.get("via")
    assert again.message.get("cseq") == first.get("cseq")
    wire.no_event()
    wire.give(response(again.message, 200, body=SDP))
    wire.event(InviteAnswered)


def test_where_udp_fails_too_the_call_fails(wire: Wire) -> None:
    invite(wire)
    refuse_tcp(wire)
    wire.stack.send_failed(PEER, now=wire.now)
    assert wire.event(InviteRejected).why == "transport"


def test_where_tcp_leads_nowhere_it_goes_by_udp_when_it_is_told_to(wire: Wire) -> None:
    sent = invite(wire)
    assert sent.try_udp(now=wire.now)
    wire.take()
    assert wire.log[-1].flow == PEER
    assert not sent.try_udp(now=wire.now)
    # What TCP brings now is too late.
    wire.stack.send_failed(Flow("tcp", PEER.host, PEER.port), now=wire.now)
    wire.no_event()


def test_a_cancelled_one_is_not_tried_again(wire: Wire) -> None:
    sent = invite(wire)
    sent.cancel(now=wire.now)
    refuse_tcp(wire)
    assert wire.event(InviteRejected).why == "cancelled"


def test_a_trunk_may_want_udp_alone(wire: Wire) -> None:
    invite(wire, may_use_tcp=False)
    assert wire.log[-1].flow == PEER


def test_the_cancel_goes_the_way_of_the_invite(wire: Wire) -> None:
    sent = invite(wire)
    message = wire.log[-1].message
    wire.give(response(message, 180), Flow("tcp", PEER.host, PEER.port, 1, 7))
    sent.cancel(now=wire.now)
    (cancel,) = wire.take()
    assert cancel.get("via") == message.get("via")
    assert wire.log[-1].flow.transport == "tcp"


SIX = "2001:db8::9"
INSIDE = "10.0.0.9"


@pytest.fixture
def many() -> Wire:
    """Three listeners, each with UDP and TCP: one of IPv6, two of IPv4."""
    made = Wire()
    made.stack = Stack(
        listeners=[
            Listener(transport, advertised, port, host)
            for advertised, port, host in (
                (SIX, 5060, SIX),
                ("203.0.113.9", 5060, "192.168.7.2"),
                (INSIDE, 5070, INSIDE),
            )
            for transport in ("udp", "tcp")
        ],
        identify=lambda _request, _flow: True,
    )
    return made


@pytest.mark.parametrize(
    ("to_flow", "told", "listener", "via"),
    [
        # The first of its kind of address, not the first of all.
        (PEER._replace(listener=2), None, 3, "203.0.113.9:5060"),
        (PEER._replace(host="2001:db8::1", listener=0), None, 1, f"[{SIX}]:5060"),
        # A name may be of any kind.
        (PEER._replace(host="carrier.example", listener=2), None, 1, f"[{SIX}]:5060"),
        # That which the trunk names.
        (PEER._replace(listener=4), 5, 5, f"{INSIDE}:5070"),
        (PEER._replace(host="carrier.example", listener=4), 5, 5, f"{INSIDE}:5070"),
    ],
)
def test_it_leaves_by_the_listener_of_its_trunk_or_its_kind_of_address(
    many: Wire, to_flow: Flow, told: int | None, listener: int, via: str
) -> None:
    many.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=to_flow, from_="<sip:us@192.0.2.9>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=LARGE, may_use_tcp=True,
        tcp_listener=told, now=many.now,
    )  # fmt: skip
    (message,) = many.take()
    assert many.log[-1].flow == to_flow._replace(transport="tcp", listener=listener)
    assert message.get("via").startswith(f"SIP/2.0/TCP {via};")
    # And by UDP again by the one it began with.
    many.stack.send_failed(to_flow._replace(transport="tcp"), now=many.now)
    many.take()
    assert many.log[-1].flow == to_flow
