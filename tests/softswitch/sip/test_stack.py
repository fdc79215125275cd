"""The stack's own business: streams, keep-alives, trace, limits, and what is left after a call."""

from __future__ import annotations

import gc
import weakref

import pytest

from softswitch.sip.events import InviteAnswered, InviteReceived
from softswitch.sip.flow import Flow
from softswitch.sip.stack import Stack, Trace
from tests.support.agents import leftovers, pair
from tests.support.link import LOST, PacketName
from tests.support.wire import PEER, PEER_TCP, SDP, US, Wire, request, response

INVITE = request(body=SDP, transport="TCP")


@pytest.fixture
def wire() -> Wire:
    return Wire()


# Streams (18.3).


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_a_stream_may_come_in_pieces_of_any_size(wire: Wire, size: int) -> None:
    """18.3: messages are cut out of the stream by their Content-Length."""
    stream = INVITE + request(call_id="call-2", body=SDP, transport="TCP")
    for start in range(0, len(stream), size):
        wire.stack.receive_stream(stream[start : start + size], PEER_TCP, now=wire.now)
    assert [type(event) for event in wire.events()] == [InviteReceived] * 2


def test_a_ping_on_a_stream_is_answered(wire: Wire) -> None:
    """RFC 5626 section 3.5.1: a double CRLF is answered by a single one."""
    wire.stack.receive_stream(b"\r\n\r\n", PEER_TCP, now=wire.now)
    assert wire.stack.datagrams_to_send() == [(b"\r\n", PEER_TCP)]


def test_a_stream_beyond_repair_is_answered_once_and_given_up(wire: Wire) -> None:
    wire.strict = False
    broken = INVITE.replace(b"Content-Length: 10", b"Content-Length: ten")
    (answer,) = wire.give(broken + b"more", PEER_TCP)
    assert answer.status == 400
    assert wire.stack.flows_to_close() == [PEER_TCP]
    assert wire.stack.flows_to_close() == []
    assert wire.stack.drops["stream-broken"] == 1


def test_garbage_on_a_stream_does_not_stay_in_memory(wire: Wire) -> None:
    for _ in range(100):
        wire.stack.receive_stream(b"x" * 10_000, PEER_TCP, now=wire.now)
        if wire.stack.flows_to_close():
            break
    else:
        pytest.fail("the stream was never given up")
    assert not wire.stack._context.streams


def test_a_closed_connection_is_forgotten(wire: Wire) -> None:
    wire.stack.receive_stream(b"INVITE sip:", PEER_TCP, now=wire.now)
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    wire.give(INVITE, PEER_TCP)
    wire.event(InviteReceived)


def test_a_call_over_streams_has_no_retransmissions() -> None:
    link, alice, bob = pair(transport="tcp")
    bob.ring_and_answer()
    alice.on_answered = lambda _dialog: link.after(5, alice.hang_up)
    alice.call(bob)
    link.run()
    assert [name.what for name in link.names()] == [
        "INVITE",
        "100 INVITE",
        "180 INVITE",
        "200 INVITE",
        "ACK",
        "BYE",
        "200 BYE",
    ]
    assert not leftovers(alice, bob)


# Keep-alives, drops, trace.


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\r\n", b"\0", b"\0\0\0\0", b""])
def test_keep_alives_are_dropped_by_name(wire: Wire, data: bytes) -> None:
    assert not wire.give(data)
    assert wire.stack.drops == {"keep-alive": 1}


def test_the_trace_shows_what_comes_goes_and_is_dropped(wire: Wire) -> None:
    seen: list[Trace] = []
    wire.stack.trace = seen.append
    assert wire.stack.trace is not None
    wire.give(request(branch="z9hG4bKa"))
    wire.give(b"nonsense")
    wire.give(INVITE.replace(b"call-1", b"call-2"), PEER_TCP)
    assert [(one.direction, one.flow, one.data[:6]) for one in seen] == [
        ("in", PEER, b"INVITE"),
        ("out", PEER, b"SIP/2."),
        ("in", PEER, b"nonsen"),
        ("drop", PEER, b"nonsen"),
        ("in", PEER_TCP, b"INVITE"),
        ("out", PEER_TCP, b"SIP/2."),
    ]
    assert seen[3].reason in wire.stack.drops
    assert {one.now for one in seen} == {wire.now}


def test_what_comes_out_comes_out_once(wire: Wire) -> None:
    wire.stack.receive_datagram(request(), PEER, now=wire.now)
    assert len(wire.stack.datagrams_to_send()) == 1
    assert wire.stack.datagrams_to_send() == []
    wire.event(InviteReceived)
    wire.no_event()


# Addresses.


def test_the_listener_of_the_transport_is_named() -> None:
    """18.1.1 and 8.1.1.8: Via and Contact name where we are reachable on that transport."""
    wire = Wire()
    for flow, expected in (
        (Flow("tcp", "192.0.2.1", 5060, 0), f"SIP/2.0/TCP {US}:5060;branch="),
        (Flow("udp", "192.0.2.1", 5060, 1), f"SIP/2.0/UDP {US}:5060;rport;branch="),
        (Flow("udp", "192.0.2.1", 5060, 99), f"SIP/2.0/UDP {US}:5060;rport;branch="),
    ):
        wire.stack.request(
            "OPTIONS", uri="sip:x", to_flow=flow, from_="<sip:u>", to="<sip:x>", now=wire.now
        )
        (message,) = wire.take()
        assert message.get("via").startswith(expected)


# Leftovers.


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_leaves_no_cyclic_garbage(transport: str) -> None:
    """What a call held is freed by reference counting alone, without the collector."""
    wire = Wire()
    flow = PEER if transport == "udp" else PEER_TCP
    gc.collect()
    gc.disable()
    try:
        references = one_incoming_call(wire, flow) + one_outgoing_call(wire, flow)
        wire.wait(200)
        wire.log.clear()
        assert not any(wire.stack.counts().values())
        assert [reference() for reference in references] == [None] * len(references)
        assert gc.collect() == 0
    finally:
        gc.enable()


def one_incoming_call(wire: Wire, flow: Flow) -> list[weakref.ref[object]]:
    over = flow.transport.upper()
    wire.give(request(body=SDP, transport=over), flow)
    invite = wire.event(InviteReceived).invite
    invite.provisional(180, now=wire.now)
    dialog = invite.accept(body=SDP, now=wire.now)
    to = wire.take()[-1].get("to")
    wire.give(request("ACK", to=to, transport=over), flow)
    wire.give(request(number=2, to=to, body=SDP, transport=over, branch="z9hG4bKre"), flow)
    dialog.accept_reinvite(body=SDP, now=wire.now)
    wire.give(request("ACK", number=2, to=to, transport=over), flow)
    wire.give(request("BYE", number=3, to=to, transport=over), flow)
    wire.events()
    return [weakref.ref(invite), weakref.ref(dialog)]


def one_outgoing_call(wire: Wire, flow: Flow) -> list[weakref.ref[object]]:
    sent = wire.stack.invite(
        uri="sip:x@192.0.2.1", to_flow=flow, from_="<sip:u>", to="<sip:x>", contact_user="u",
        body=SDP, now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    wire.give(response(message, 180), flow)
    wire.give(response(message, 200), flow)
    dialog = next(e.dialog for e in wire.events() if isinstance(e, InviteAnswered))
    dialog.reinvite(body=SDP, now=wire.now)
    (reinvite,) = wire.take()
    wire.give(response(reinvite, 200), flow)
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.give(response(bye, 200), flow)
    wire.events()
    return [weakref.ref(sent), weakref.ref(dialog)]


def test_calls_by_the_hundred_leave_nothing() -> None:
    link, alice, bob = pair()
    bob.ring_and_answer(after=0.1)
    alice.on_answered = lambda dialog: link.after(0.3, lambda: dialog.bye(now=link.now))
    for number in range(200):
        link.at(number * 0.01, lambda: alice.call(bob))
    link.run()
    assert alice.facts.count("answered") == alice.facts.count("bye-sent") == 200
    assert bob.facts.count("bye-received") == 200
    assert not leftovers(alice, bob)


def test_a_peer_that_vanishes_leaves_nothing() -> None:
    """Every packet of bob's after the answer is lost, and so is all that alice sends then."""
    vanished = {
        PacketName(sender, what, count): LOST
        for sender, what in (("alice", "BYE"), ("alice", "ACK"), ("bob", "BYE"))
        for count in range(1, 100)
    }
    link, alice, bob = pair(vanished)
    bob.ring_and_answer()
    alice.on_answered = lambda _dialog: link.after(5, alice.hang_up)
    alice.call(bob)
    link.run()
    assert alice.facts == ["answered", "bye-sent"]
    assert bob.facts == ["invited", "AckTimedOut", "ack-timeout"]
    assert not leftovers(alice, bob)


def test_the_clock_never_stands_in_the_way() -> None:
    """A deadline once handled is not due any more, or the shell would spin."""
    stack = Wire().stack
    assert isinstance(stack, Stack)
    stack.receive_datagram(request(), PEER, now=1.0)
    invite = stack.next_event()
    assert isinstance(invite, InviteReceived)
    invite.invite.accept(body=SDP, now=1.0)
    last = 1.0
    while (when := stack.next_timeout()) is not None:
        assert when > last
        last = when
        stack.handle_timeout(now=when)
        stack.datagrams_to_send()
    assert last < 100
