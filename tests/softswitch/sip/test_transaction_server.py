"""Server transactions on the wire: RFC 3261 sections 17.2 and 18.2.2, RFC 6026, RFC 3581."""

from __future__ import annotations

import pytest

from softswitch.sip.events import AckReceived, InviteReceived
from softswitch.sip.flow import Flow
from tests.support.sip_text import Message
from tests.support.wire import PEER_TCP, SDP, Wire, request


@pytest.fixture
def wire() -> Wire:
    return Wire()


def ack_for(answer: Message, invite: bytes) -> bytes:
    """The ACK a client transaction sends for a refusal."""
    branch = answer.branch
    return request("ACK", branch=branch, to=answer.get("to"), contact=None)


def test_100_trying_goes_out_at_once(wire: Wire) -> None:
    """17.2.1: the server transaction MUST generate a 100 (Trying) response."""
    (trying,) = wire.give(request(body=SDP))
    assert trying.status == 100
    assert not trying.to_tag


def test_timestamp_is_copied_into_100(wire: Wire) -> None:
    """8.2.6.1: any Timestamp header field present in the request MUST be copied into the 100."""
    (trying,) = wire.give(request(headers=["Timestamp: 54.21"]))
    assert trying.get("timestamp") == "54.21"


def test_a_repeated_invite_gets_the_last_provisional_response(wire: Wire) -> None:
    """17.2.1: the most recent provisional response MUST be passed to the transport."""
    invite = request(branch="z9hG4bKa")
    wire.give(invite)
    event = wire.event(InviteReceived)
    assert [m.status for m in wire.give(invite)] == [100]
    event.invite.provisional(183, now=wire.now)
    wire.take()
    assert [m.status for m in wire.give(invite)] == [183]
    wire.no_event()


def test_a_refusal_is_resent_until_timer_h(wire: Wire) -> None:
    """17.2.1: Timer G starts at T1 and doubles up to T2; Timer H gives up after 64*T1."""
    wire.give(request())
    start = wire.now
    wire.event(InviteReceived).invite.reject(486, now=wire.now)
    times = [round(one.at - start, 3) for one in wire.wait(100)]
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert not any(wire.stack.counts().values())


def test_the_ack_stops_the_refusal_and_is_absorbed(wire: Wire) -> None:
    """17.2.1: Timer I absorbs further ACKs for T4."""
    invite = request(branch="z9hG4bKa")
    wire.give(invite)
    wire.event(InviteReceived).invite.reject(486, now=wire.now)
    (answer,) = wire.take()
    wire.give(ack_for(answer, invite))
    assert not wire.wait(4.9)
    wire.give(ack_for(answer, invite))
    assert not wire.give(invite), "a late INVITE is absorbed too"
    assert not wire.stack.drops
    wire.wait(0.2)
    wire.give(ack_for(answer, invite))
    assert wire.stack.drops["stray-ack"] == 1
    assert not any(wire.stack.counts().values())


def test_a_repeated_invite_gets_the_refusal_again_with_the_same_tag(wire: Wire) -> None:
    invite = request(branch="z9hG4bKa")
    wire.give(invite)
    wire.event(InviteReceived).invite.reject(404, now=wire.now)
    (first,) = wire.take()
    (second,) = wire.give(invite)
    assert str(first) == str(second)


def test_over_a_stream_a_refusal_is_sent_once_and_timer_h_still_runs(wire: Wire) -> None:
    """17.2.1: Timer G is not set for reliable transports; Timer H is."""
    wire.give(request(transport="TCP"), PEER_TCP)
    wire.event(InviteReceived).invite.reject(486, now=wire.now)
    assert [one.what for one in wire.wait(31.9)] == ["486 INVITE"]
    assert wire.stack.counts()["server_transactions"] == 1
    wire.wait(0.2)
    assert wire.stack.counts()["server_transactions"] == 0


def test_over_a_stream_the_ack_ends_the_transaction(wire: Wire) -> None:
    """17.2.1: Timer I is zero for reliable transports."""
    wire.give(request(branch="z9hG4bKa", transport="TCP"), PEER_TCP)
    wire.event(InviteReceived).invite.reject(486, now=wire.now)
    (answer,) = wire.take()
    wire.give(request("ACK", branch="z9hG4bKa", to=answer.get("to"), transport="TCP"), PEER_TCP)
    assert wire.stack.counts()["server_transactions"] == 0


def test_an_accepted_invite_is_absorbed(wire: Wire) -> None:
    """RFC 6026 section 7.1: INVITE retransmissions in "Accepted" are absorbed without an answer."""
    invite = request(branch="z9hG4bKa")
    wire.give(invite)
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    assert [m.status for m in wire.take()] == [200]
    assert not wire.give(invite)
    wire.no_event()


def test_a_repeated_bye_gets_the_same_answer_for_64_times_t1(wire: Wire) -> None:
    """17.2.2: Timer J, 64*T1 for unreliable transports."""
    wire.give(request(branch="z9hG4bKa"))
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    wire.give(request("ACK", to=answer.get("to")))
    bye = request("BYE", number=2, to=answer.get("to"), branch="z9hG4bKb")
    (first,) = wire.give(bye)
    wire.wait(31.9)
    (second,) = wire.give(bye)
    assert str(first) == str(second)
    wire.wait(0.2)
    assert [m.status for m in wire.give(bye)] == [481]


def test_over_a_stream_a_request_is_forgotten_with_its_answer(wire: Wire) -> None:
    """17.2.2: Timer J is zero for reliable transports."""
    wire.give(request(branch="z9hG4bKa", transport="TCP"), PEER_TCP)
    wire.give(request("CANCEL", branch="z9hG4bKa", transport="TCP"), PEER_TCP)
    kinds = [type(t).__name__ for t in wire.stack._context.server_transactions.values()]
    assert kinds == ["ServerInviteTransaction"]


# 17.2.3: matching.


@pytest.mark.parametrize(
    "change",
    [
        {"branch": "z9hG4bKother"},
        {"via": "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKa"},
        {"via": "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKa"},
    ],
)
def test_another_branch_or_sent_by_is_another_request(wire: Wire, change: dict[str, str]) -> None:
    """17.2.3: branch, sent-by and method must match: the second one is a loop (8.2.2.2)."""
    wire.give(request(branch="z9hG4bKa"))
    wire.event(InviteReceived)
    assert [m.status for m in wire.give(request(**change))] == [482]  # type: ignore[arg-type]


def test_a_peer_without_the_cookie_is_matched_by_the_old_rule(wire: Wire) -> None:
    """17.2.3: Request-URI, tags, Call-ID, CSeq and top Via for RFC 2543 peers."""
    wire.strict = False
    via = "SIP/2.0/UDP 192.0.2.1:5060;branch=1"
    wire.give(request(via=via))
    event = wire.event(InviteReceived)
    wire.give(request(via=via))
    wire.no_event()
    wire.give(request(via=via, call_id="other"))
    wire.event(InviteReceived)
    event.invite.reject(486, now=wire.now)
    wire.take()
    tag = f";tag={event.invite.local_tag}"
    wire.give(request("ACK", via=via, to=f"<sip:100000@192.0.2.9>{tag}x"))
    assert wire.stack.drops["stray-ack"] == 1, "another To tag: not the ACK of this refusal"
    wire.give(request("ACK", via=via, to=f"<sip:100000@192.0.2.9>{tag}"))
    assert not [one for one in wire.wait(40) if one.message.call_id == "call-1"]


def test_a_peer_without_branch_and_tag_is_served(wire: Wire) -> None:
    """12.1.1: a UAS MUST be prepared to receive a request without a tag in From."""
    via = "SIP/2.0/UDP 192.0.2.1:5060"
    wire.strict = False
    wire.give(request(via=via, from_="<sip:old@192.0.2.1>"))
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    wire.take()
    assert dialog.remote_tag == ""
    to = f"<sip:100000@192.0.2.9>;tag={dialog.local_tag}"
    wire.give(request("ACK", via=via, from_="<sip:old@192.0.2.1>", to=to))
    wire.event(AckReceived)


# 18.2.1 and 18.2.2, RFC 3581: where responses go.


def test_a_response_goes_to_the_source_address_and_the_port_of_sent_by(wire: Wire) -> None:
    """18.2.2: to the address in "received", or else sent-by, and the port of sent-by."""
    via = "SIP/2.0/UDP host.example.com:5099;branch=z9hG4bKa"
    (trying,) = wire.give(request(via=via), Flow("udp", "192.0.2.44", 7777))
    assert trying.get("via") == f"{via};received=192.0.2.44"
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.44", 5099)


def test_the_default_port_is_5060(wire: Wire) -> None:
    wire.give(request(via="SIP/2.0/UDP 192.0.2.44;branch=z9hG4bKa"), Flow("udp", "192.0.2.44", 777))
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.44", 5060)


def test_rport_brings_the_response_back_to_the_source_port(wire: Wire) -> None:
    """RFC 3581 section 4: "received" MUST be added even if it is the same, and rport filled in."""
    via = "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKa"
    (trying,) = wire.give(request(via=via), Flow("udp", "192.0.2.1", 7777))
    stamped = "SIP/2.0/UDP 192.0.2.1:5060;rport=7777;branch=z9hG4bKa;received=192.0.2.1"
    assert trying.get("via") == stamped
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.1", 7777)


def test_a_received_the_peer_made_up_is_replaced(wire: Wire) -> None:
    via = "SIP/2.0/UDP 192.0.2.1:5060;received=203.0.113.9;branch=z9hG4bKa"
    (trying,) = wire.give(request(via=via))
    expected = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;received=192.0.2.1"
    assert trying.get("via") == expected
    assert wire.log[-1].flow.host == "192.0.2.1"


def test_a_maddr_is_not_obeyed(wire: Wire) -> None:
    """Nobody may aim our answers at a third party."""
    wire.give(request(via="SIP/2.0/UDP 192.0.2.1:5060;maddr=203.0.113.9;branch=z9hG4bKa"))
    assert wire.log[-1].flow.host == "192.0.2.1"


def test_every_via_comes_back_in_order(wire: Wire) -> None:
    """8.2.6.2: the Via header field values MUST equal those of the request, in the same order."""
    second = "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKb;received=192.0.2.51"
    first = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa"
    (trying,) = wire.give(request(via=f"{first}\r\nVia: {second}"))
    assert trying.all("via") == [first, second]


def test_vias_joined_by_a_comma_come_back_whole(wire: Wire) -> None:
    first = "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKa"
    second = "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKb"
    (trying,) = wire.give(request(via=f"{first}, {second}"))
    text = trying.get("via")
    assert text.startswith("SIP/2.0/UDP 192.0.2.1:5060;rport=5060;branch=z9hG4bKa;received=")
    assert text.endswith(second)


def test_over_a_stream_the_response_takes_the_connection_of_the_request(wire: Wire) -> None:
    """18.2.2: the response MUST be sent using the existing connection."""
    wire.give(request(transport="TCP"), PEER_TCP)
    assert wire.log[-1].flow == PEER_TCP


def test_when_the_connection_is_gone_a_new_one_goes_to_sent_by(wire: Wire) -> None:
    """18.2.2: the server SHOULD open a connection to "received", using the port in sent-by."""
    wire.give(request(transport="TCP"), PEER_TCP)
    event = wire.event(InviteReceived)
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    event.invite.reject(486, now=wire.now)
    wire.take()
    assert wire.log[-1].flow == Flow("tcp", "192.0.2.1", 5060, 1, 0)


def test_ipv6_is_bracketed_where_it_must_be(wire: Wire) -> None:
    via = "SIP/2.0/UDP [2001:db8::9]:5060;rport;branch=z9hG4bKa"
    (trying,) = wire.give(request(via=via), Flow("udp", "2001:db8::9", 5060))
    assert trying.get("via").endswith("received=2001:db8::9")
    assert wire.log[-1].flow.host == "2001:db8::9"
