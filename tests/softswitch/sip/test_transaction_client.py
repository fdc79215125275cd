"""Client transactions on the wire: RFC 3261 sections 17.1.1 and 17.1.2, RFC 6026."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from softswitch.sip.events import (
    InviteAnswered,
    InviteRejected,
    ProvisionalReceived,
    RequestTimedOut,
    ResponseReceived,
)
from softswitch.sip.flow import Flow
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.requests import OutgoingRequest
from softswitch.sip.stack import Limits
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Sent, Wire, response

TCP = Flow("tcp", PEER.host, PEER.port, 1)


def invite(
    wire: Wire, to_flow: Flow = PEER, headers: Sequence[tuple[str, str]] = ()
) -> tuple[OutgoingInvite, Message]:
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1",
        to_flow=to_flow,
        from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>",
        contact_user="us",
        body=SDP,
        headers=headers,
        now=wire.now,
    )
    (message,) = wire.take()
    return sent, message


def options(wire: Wire, to_flow: Flow = PEER) -> tuple[OutgoingRequest, Message]:
    sent = wire.stack.request(
        "OPTIONS",
        uri="sip:192.0.2.1",
        to_flow=to_flow,
        from_=f"<sip:{US}>",
        to="<sip:192.0.2.1>",
        now=wire.now,
    )
    (message,) = wire.take()
    return sent, message


def times(sent: list[Sent], what: str, start: float) -> list[float]:
    return [round(one.at - start, 3) for one in sent if one.what == what]


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_the_invite_is_resent_at_doubling_intervals_until_timer_b(wire: Wire) -> None:
    """17.1.1.2: Timer A doubles each time, Timer B fires after 64*T1."""
    start = wire.now
    sent, _ = invite(wire)
    assert times(wire.wait(100), "INVITE", start) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    event = wire.event(InviteRejected)
    assert (event.invite, event.status, event.why) == (sent, 408, "timeout")
    assert not any(wire.stack.counts().values())


def test_timer_b_fires_after_64_times_t1(wire: Wire) -> None:
    invite(wire)
    wire.wait(31.9)
    wire.no_event()
    wire.wait(0.2)
    wire.event(InviteRejected)


def test_over_a_reliable_transport_the_invite_goes_out_once(wire: Wire) -> None:
    """17.1.1.2: over a reliable transport Timer A is not started."""
    invite(wire, TCP)
    assert not wire.wait(100)
    assert wire.event(InviteRejected).status == 408


def test_a_provisional_response_stops_the_retransmissions_and_the_clock(wire: Wire) -> None:
    """17.1.1.2: in "Proceeding" the INVITE is not resent, and Timer B does not count any more."""
    _, message = invite(wire)
    wire.give(response(message, 100))
    assert not wire.wait(600)
    wire.no_event()


def test_every_provisional_response_is_passed_up_in_order(wire: Wire) -> None:
    _, message = invite(wire)
    for status in (100, 180, 183, 180):
        wire.give(response(message, status))
    assert [wire.event(ProvisionalReceived).response.status for _ in range(3)] == [180, 183, 180]
    wire.no_event()


def test_a_refusal_is_acknowledged_by_the_transaction(wire: Wire) -> None:
    """17.1.1.3: what the ACK of a refusal must hold."""
    _, message = invite(wire)
    (ack,) = wire.give(response(message, 486, tag="busy"))
    assert ack.method == "ACK"
    assert ack.uri == message.uri
    assert ack.all("via") == [message.get("via")]
    assert ack.get("from") == message.get("from")
    assert ack.to_tag == "busy"
    assert ack.call_id == message.call_id
    assert (ack.cseq, ack.cseq_method) == (message.cseq, "ACK")
    assert wire.log[-1].flow == PEER
    assert wire.event(InviteRejected).status == 486


def test_the_ack_of_a_refusal_repeats_the_route(wire: Wire) -> None:
    """17.1.1.3: if the INVITE had Route header fields, they MUST appear in the ACK."""
    wire.stack.invite(
        uri="sip:callee@192.0.2.1",
        to_flow=PEER,
        from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>",
        contact_user="us",
        routes=("<sip:192.0.2.1;lr>", "<sip:192.0.2.7;lr>"),
        now=wire.now,
    )
    (message,) = wire.take()
    (ack,) = wire.give(response(message, 503))
    assert ack.all("route") == message.all("route") == ["<sip:192.0.2.1;lr>", "<sip:192.0.2.7;lr>"]


def test_a_repeated_refusal_is_acknowledged_again_but_told_once(wire: Wire) -> None:
    """17.1.1.2: retransmissions of the final response cause the ACK to be re-sent."""
    _, message = invite(wire)
    wire.give(response(message, 486))
    wire.event(InviteRejected)
    for _ in range(3):
        assert [ack.method for ack in wire.give(response(message, 486))] == ["ACK"]
    wire.no_event()
    wire.wait(31.9)
    assert wire.give(response(message, 486))
    wire.wait(0.2)
    assert not wire.give(response(message, 486)), "Timer D is over"
    assert wire.stack.drops["stray-response"] == 1


def test_over_a_reliable_transport_a_refusal_ends_the_transaction_at_once(wire: Wire) -> None:
    """17.1.1.2: Timer D is zero for reliable transports."""
    _, message = invite(wire, TCP)
    wire.give(response(message, 486), TCP)
    assert wire.stack.counts()["client_transactions"] == 0


def test_a_provisional_response_after_the_final_one_is_not_told(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 486))
    wire.event(InviteRejected)
    wire.give(response(message, 180))
    wire.no_event()


def test_a_provisional_response_after_the_answer_is_not_told(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 200, body=SDP))
    wire.event(InviteAnswered)
    wire.give(response(message, 183))
    wire.no_event()


def test_the_accepted_state_lasts_64_times_t1(wire: Wire) -> None:
    """RFC 6026 section 7.2: Timer M reflects the time that the UAC will wait for 2xx."""
    _, message = invite(wire)
    wire.give(response(message, 200))
    wire.wait(31.9)
    assert [ack.method for ack in wire.give(response(message, 200))] == ["ACK"]
    wire.wait(0.2)
    assert not wire.give(response(message, 200))


def test_a_transport_error_ends_an_unanswered_invite_as_503(wire: Wire) -> None:
    """17.1.4 and 8.1.3.1: a fatal transport error is treated as a 503."""
    invite(wire)
    wire.stack.send_failed(PEER, now=wire.now)
    event = wire.event(InviteRejected)
    assert (event.status, event.why) == (503, "transport")


def test_a_transport_error_elsewhere_means_nothing(wire: Wire) -> None:
    invite(wire)
    wire.stack.send_failed(PEER._replace(port=5061), now=wire.now)
    wire.no_event()


def test_a_transport_error_after_an_answer_means_nothing(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    wire.stack.send_failed(PEER, now=wire.now)
    wire.no_event()


def test_a_request_is_resent_with_backoff_up_to_t2(wire: Wire) -> None:
    """17.1.2.2: Timer E doubles and is capped at T2; Timer F fires after 64*T1."""
    start = wire.now
    options(wire)
    expected = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert times(wire.wait(100), "OPTIONS", start) == expected
    assert wire.event(RequestTimedOut).why == "timeout"
    assert not any(wire.stack.counts().values())


def test_in_proceeding_a_request_is_resent_every_t2(wire: Wire) -> None:
    """17.1.2.2: in "Proceeding" Timer E MUST be reset with a value of T2 seconds."""
    start = wire.now
    _, message = options(wire)
    wire.give(response(message, 100))
    assert times(wire.wait(100), "OPTIONS", start)[:4] == [0.5, 4.5, 8.5, 12.5]
    wire.event(RequestTimedOut)


def test_a_final_response_is_told_once_and_absorbed_for_t4(wire: Wire) -> None:
    """17.1.2.2: Timer K fires in T4 seconds for unreliable transports."""
    sent, message = options(wire)
    wire.give(response(message, 200))
    assert wire.event(ResponseReceived).request is sent
    wire.wait(4.9)
    wire.give(response(message, 200))
    wire.no_event()
    assert not wire.stack.drops
    wire.wait(0.2)
    wire.give(response(message, 200))
    assert wire.stack.drops["stray-response"] == 1


def test_over_a_reliable_transport_a_final_response_ends_the_transaction(wire: Wire) -> None:
    """17.1.2.2: Timer K fires in zero seconds for reliable transports."""
    _, message = options(wire, TCP)
    wire.give(response(message, 200), TCP)
    assert wire.stack.counts()["client_transactions"] == 0


def test_a_request_that_cannot_be_sent_is_told(wire: Wire) -> None:
    options(wire)
    wire.stack.send_failed(PEER, now=wire.now)
    assert wire.event(RequestTimedOut).why == "transport"


def test_a_response_matches_by_branch_and_method(wire: Wire) -> None:
    """17.1.3: the branch of the top Via, and the method of CSeq."""
    _, message = options(wire)
    other = response(message, 200).replace(b"OPTIONS", b"BYE")
    wire.give(other)
    wire.no_event()
    wire.give(response(message, 200).replace(message.branch.encode(), b"z9hG4bKother"))
    wire.no_event()
    assert wire.stack.drops["stray-response"] == 2


def test_a_response_with_a_foreign_sent_by_is_dropped(wire: Wire) -> None:
    """18.1.2: a sent-by that is not ours: the response MUST be silently discarded."""
    _, message = options(wire)
    wire.give(response(message, 200).replace(f"{US}:5060;".encode(), b"192.0.2.77:5060;"))
    wire.no_event()
    assert wire.stack.drops["sent-by"] == 1


def test_a_response_with_two_vias_is_dropped(wire: Wire) -> None:
    """8.1.3.3: more than one Via: the UAC SHOULD discard the message."""
    _, message = options(wire)
    more = b"Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKx\r\nCall-ID:"
    wire.give(response(message, 200).replace(b"Call-ID:", more))
    wire.no_event()
    assert wire.stack.drops["via-count"] == 1


def test_two_requests_never_share_branch_tag_or_call_id(wire: Wire) -> None:
    """8.1.1.7 and 19.3."""
    messages = [invite(wire)[1] for _ in range(200)]
    assert len({message.branch for message in messages}) == 200
    assert len({message.from_tag for message in messages}) == 200
    assert len({message.call_id for message in messages}) == 200


def test_max_forwards_is_handed_on_and_70_otherwise(wire: Wire) -> None:
    """8.1.1.6: the Max-Forwards of a UAC SHOULD be 70."""
    assert invite(wire)[1].get("max-forwards") == "70"
    message = invite(wire, headers=[("Max-Forwards", "12")])[1]
    assert message.all("max-forwards") == ["12"]


def test_a_callers_header_cannot_break_out_of_its_line(wire: Wire) -> None:
    message = invite(wire, headers=[("X-Name", "a\r\nVia: SIP/2.0/UDP evil")])[1]
    assert message.get("x-name") == "a Via: SIP/2.0/UDP evil"
    assert len(message.all("via")) == 1


def test_an_outgoing_request_that_the_full_stack_refuses_is_told() -> None:
    full = Wire(limits=Limits(transactions=0))
    full.stack.request("OPTIONS", uri="sip:x", to_flow=PEER, from_="<sip:u>", to="<sip:x>", now=1.0)
    assert full.event(RequestTimedOut).why == "transport"
    full.stack.invite(
        uri="sip:x", to_flow=PEER, from_="<sip:u>", to="<sip:x>", contact_user="", now=1.0
    )
    event = full.event(InviteRejected)
    assert (event.status, event.why) == (503, "transport")
