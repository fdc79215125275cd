"""Dialogs: routes, order, targets, and requests inside them (RFC 3261 section 12, RFC 5057)."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog, DialogState
from softswitch.sip.events import (
    AckReceived,
    ByeReceived,
    DialogTerminated,
    InviteAnswered,
    InviteReceived,
    ReinviteReceived,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
)
from softswitch.sip.flow import Flow
from softswitch.sip.in_dialog import MAX_PENDING_REQUESTS
from softswitch.sip.stack import ALLOW, Limits
from tests.support.sip_text import Message
from tests.support.wire import PEER, PEER_TCP, SDP, US, Wire, request, response


@pytest.fixture
def wire() -> Wire:
    return Wire(allow=(*ALLOW, "MESSAGE"))


def called(wire: Wire, flow: Flow = PEER, number: int = 1, **more: object) -> tuple[Dialog, str]:
    """A confirmed dialog in which the peer is the caller, and its To."""
    transport = flow.transport.upper()
    wire.give(request(body=SDP, number=number, transport=transport, **more), flow)  # type: ignore[arg-type]
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", number=number, to=to, transport=transport), flow)
    wire.event(AckReceived)
    return dialog, to


def calling(wire: Wire, **more: object) -> Dialog:
    """A confirmed dialog in which we are the caller."""
    wire.stack.invite(
        uri="sip:callee@192.0.2.1",
        to_flow=PEER,
        from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>",
        contact_user="us",
        body=SDP,
        now=wire.now,
    )
    (message,) = wire.take()
    wire.give(response(message, 200, **more))  # type: ignore[arg-type]
    return wire.event(InviteAnswered).dialog


def bye(wire: Wire, dialog: Dialog) -> Message:
    dialog.bye(now=wire.now)
    return wire.take()[-1]


# 12.2.1.1: requests of ours.


def test_without_routes_a_request_goes_to_the_remote_target(wire: Wire) -> None:
    """12.2.1.1: the remote target URI goes into the Request-URI."""
    dialog, _ = called(wire, contact="<sip:caller@192.0.2.7:5090>")
    sent = bye(wire, dialog)
    assert sent.uri == "sip:caller@192.0.2.7:5090"
    assert not sent.all("route")
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.7", 5090)


def test_identity_and_order_of_our_requests(wire: Wire) -> None:
    """12.2.1.1: tags, Call-ID; CSeq grows by exactly one, of each side by itself."""
    dialog, to = called(wire, number=400)
    dialog.request("INFO", now=wire.now)
    (info,) = wire.take()
    sent = bye(wire, dialog)
    assert info.get("from") == to
    assert info.get("to") == "<sip:caller@192.0.2.1>;tag=far"
    assert info.call_id == "call-1"
    assert sent.cseq == info.cseq + 1 == 2


def test_loose_routing(wire: Wire) -> None:
    """12.2.1.1: the first URI has lr: the route set in order, the target in the Request-URI."""
    routes = ["Record-Route: <sip:192.0.2.51;lr>, <sip:192.0.2.52:5070;lr>"]
    dialog, _ = called(wire, headers=routes)
    sent = bye(wire, dialog)
    assert sent.uri == "sip:caller@192.0.2.1"
    assert sent.all("route") == ["<sip:192.0.2.51;lr>", "<sip:192.0.2.52:5070;lr>"]
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.51", 5060)


def test_strict_routing(wire: Wire) -> None:
    """12.2.1.1: the first URI lacks lr: it goes into the Request-URI, the target to the end."""
    routes = ["Record-Route: <sip:192.0.2.51>", "Record-Route: <sip:192.0.2.52;lr>"]
    dialog, _ = called(wire, headers=routes)
    sent = bye(wire, dialog)
    assert sent.uri == "sip:192.0.2.51"
    assert sent.all("route") == ["<sip:192.0.2.52;lr>", "<sip:caller@192.0.2.1>"]
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.51", 5060)


def test_the_caller_reverses_the_route_set(wire: Wire) -> None:
    """12.1.2: the UAC takes Record-Route in reverse order."""
    routes = ["Record-Route: <sip:192.0.2.52;lr>, <sip:192.0.2.51;lr>"]
    dialog = calling(wire, headers=routes)
    assert wire.log[-1].message.all("route") == ["<sip:192.0.2.51;lr>", "<sip:192.0.2.52;lr>"]
    assert bye(wire, dialog).all("route") == ["<sip:192.0.2.51;lr>", "<sip:192.0.2.52;lr>"]


def test_a_target_without_an_address_leads_back_to_the_peer(wire: Wire) -> None:
    dialog, _ = called(wire, contact="<tel:+15551234>")
    assert bye(wire, dialog).uri == "tel:+15551234"
    assert wire.log[-1].flow[:3] == PEER[:3]


def test_an_answer_without_contact_leaves_the_target_of_the_invite(wire: Wire) -> None:
    dialog = calling(wire, contact=None)
    assert dialog.remote_target == "sip:callee@192.0.2.1"


def test_the_transport_of_the_target_is_taken(wire: Wire) -> None:
    dialog, _ = called(wire, contact="<sip:caller@192.0.2.1:5066;transport=tcp>")
    sent = bye(wire, dialog)
    assert wire.log[-1].flow[:3] == ("tcp", "192.0.2.1", 5066)
    assert sent.get("via").startswith("SIP/2.0/TCP ")


def test_a_transport_we_lack_is_replaced_by_the_one_we_were_called_on(wire: Wire) -> None:
    dialog, _ = called(wire, contact="<sip:caller@192.0.2.1;transport=sctp>")
    bye(wire, dialog)
    assert wire.log[-1].flow.transport == "udp"


def test_over_a_stream_our_requests_take_the_open_connection(wire: Wire) -> None:
    dialog, _ = called(wire, PEER_TCP, contact="<sip:caller@192.0.2.1;transport=tcp>")
    bye(wire, dialog)
    assert wire.log[-1].flow == PEER_TCP


def test_when_the_connection_is_gone_our_requests_go_to_the_target(wire: Wire) -> None:
    dialog, _ = called(wire, PEER_TCP, contact="<sip:caller@192.0.2.1:5075;transport=tcp>")
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    bye(wire, dialog)
    assert wire.log[-1].flow == Flow("tcp", "192.0.2.1", 5075, 1, 0)


def test_a_request_takes_the_connection_the_peer_was_last_heard_on(wire: Wire) -> None:
    dialog, to = called(wire, PEER_TCP)
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    newer = PEER_TCP._replace(port=40002, connection=8)
    wire.give(request("OPTIONS", number=2, to=to, transport="TCP"), newer)
    bye(wire, dialog)
    assert wire.log[-1].flow == newer


# 12.2.2: requests of the peer.


def test_a_lower_number_is_500(wire: Wire) -> None:
    """12.2.2: out of order: MUST be rejected with a 500 (Server Internal Error)."""
    _, to = called(wire, number=10)
    for number in (9, 10):
        assert [m.status for m in wire.give(request("OPTIONS", number=number, to=to))] == [500]
    wire.no_event()


def test_a_gap_in_the_numbers_is_fine(wire: Wire) -> None:
    """12.2.2: it is possible for the CSeq number to be higher by more than one."""
    dialog, to = called(wire)
    assert [m.status for m in wire.give(request("OPTIONS", number=900, to=to))] == [200]
    assert dialog.remote_cseq == 900


@pytest.mark.parametrize(
    "change",
    [
        {"call_id": "CALL-1"},
        {"from_": "<sip:caller@192.0.2.1>;tag=FAR"},
        {"from_": "<sip:caller@192.0.2.1>"},
    ],
)
def test_a_dialog_is_known_by_all_its_parts_exactly(wire: Wire, change: dict[str, str]) -> None:
    """12: Call-ID and tags; 19.3: tags are compared as they are."""
    wire.strict = False
    _, to = called(wire)
    data = request("BYE", number=2, to=to, **change)  # type: ignore[arg-type]
    assert [m.status for m in wire.give(data)] == [481]


def test_an_unusual_spelling_of_the_tag_is_read(wire: Wire) -> None:
    _, to = called(wire)
    data = request("BYE", number=2, to=to + ";x=y", from_='"C" <sip:c@x> ; tag = far')
    assert [m.status for m in wire.give(data)] == [200]
    wire.event(ByeReceived)


def test_the_source_of_a_request_inside_a_dialog_is_not_asked(wire: Wire) -> None:
    """The tags are what identifies the peer of a dialog; its packets may come by another proxy."""
    closed = Wire(is_known=lambda _request, flow: flow.host == PEER.host)
    _, to = called(closed)
    elsewhere = PEER._replace(host="192.0.2.99")
    assert [m.status for m in closed.give(request("BYE", number=2, to=to), elsewhere)] == [200]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("PUBLISH", [], 405), ("BREW", [], 501), ("INFO", ["Require: foo"], 420)],
)
def test_the_checks_hold_inside_a_dialog(
    wire: Wire, method: str, headers: list[str], status: int
) -> None:
    _, to = called(wire)
    data = request(method, number=2, to=to, headers=headers)
    assert [m.status for m in wire.give(data)] == [status]


def test_options_inside_a_dialog(wire: Wire) -> None:
    _, to = called(wire)
    (answer,) = wire.give(request("OPTIONS", number=2, to=to))
    assert (answer.status, answer.get("allow")) == (200, ", ".join((*ALLOW, "MESSAGE")))


# Requests that the shell answers.


def test_a_request_is_told_and_answered_once(wire: Wire) -> None:
    dialog, to = called(wire)
    data = request("MESSAGE", number=2, to=to, body=b"hello", content_type="text/plain")
    assert not wire.give(data)
    event = wire.event(RequestReceived)
    assert (event.dialog, event.request.body) == (dialog, b"hello")
    assert not wire.give(data), "a retransmission is absorbed while nobody has answered"
    wire.no_event()
    event.transaction.respond(200, headers=[("X-Seen", "yes")], now=wire.now)
    event.transaction.respond(500, now=wire.now)
    (answer,) = wire.take()
    assert (answer.status, answer.get("x-seen")) == (200, "yes")
    (again,) = wire.give(data)
    assert str(again) == str(answer)


def test_pending_requests_get_487_when_the_dialog_ends(wire: Wire) -> None:
    """15.1.2: the UAS MUST still respond to any pending requests received for that dialog."""
    _, to = called(wire)
    wire.give(request("MESSAGE", number=2, to=to))
    event = wire.event(RequestReceived)
    answers = wire.give(request("BYE", number=3, to=to))
    assert sorted((m.status, m.cseq_method) for m in answers) == [(200, "BYE"), (487, "MESSAGE")]
    event.transaction.respond(200, now=wire.now)
    assert not wire.take()


def test_pending_requests_are_bounded(wire: Wire) -> None:
    _, to = called(wire)
    for number in range(2, 2 + MAX_PENDING_REQUESTS):
        assert not wire.give(request("MESSAGE", number=number, to=to))
    (answer,) = wire.give(request("MESSAGE", number=100, to=to))
    assert (answer.status, answer.get("retry-after")) == (500, "1")


def test_a_request_of_ours_and_its_answer(wire: Wire) -> None:
    dialog, _ = called(wire)
    owner = object()
    sent = dialog.request(
        "INFO", body=b"Signal=1", content_type="application/dtmf-relay", owner=owner, now=wire.now
    )
    (info,) = wire.take()
    assert (info.body, info.get("content-type")) == (b"Signal=1", "application/dtmf-relay")
    wire.give(response(info, 200))
    event = wire.event(ResponseReceived)
    assert sent is not None
    assert (event.request, event.request.owner, event.response.status) == (sent, owner, 200)
    assert dialog.state is DialogState.CONFIRMED


@pytest.mark.parametrize(("status", "why"), [(481, "no-such-dialog"), (408, "request-timeout")])
def test_481_and_408_end_the_dialog(wire: Wire, status: int, why: str) -> None:
    """12.2.1.2: on 481 or 408 the UAC SHOULD terminate the dialog."""
    dialog, _ = called(wire)
    dialog.request("INFO", now=wire.now)
    (info,) = wire.take()
    (last,) = wire.give(response(info, status))
    assert last.method == "BYE"
    wire.event(ResponseReceived)
    assert wire.event(DialogTerminated).why == why


def test_silence_ends_the_dialog(wire: Wire) -> None:
    """12.2.1.2: no response at all is treated as a 408."""
    dialog, _ = called(wire)
    dialog.request("INFO", now=wire.now)
    assert "BYE" in [one.what for one in wire.wait(33)]
    assert wire.event(RequestTimedOut).why == "timeout"
    assert wire.event(DialogTerminated).why == "request-timeout"


@pytest.mark.parametrize("status", [405, 500, 503, 603])
def test_other_refusals_leave_the_dialog(wire: Wire, status: int) -> None:
    dialog, _ = called(wire)
    dialog.request("INFO", now=wire.now)
    (info,) = wire.take()
    wire.give(response(info, status))
    wire.event(ResponseReceived)
    wire.no_event()
    assert dialog.state is DialogState.CONFIRMED


def test_in_a_dialog_that_is_over_the_verbs_do_nothing(wire: Wire) -> None:
    dialog, _ = called(wire)
    bye(wire, dialog)
    assert dialog.request("INFO", now=wire.now) is None
    dialog.reinvite(body=SDP, now=wire.now)
    dialog.accept_reinvite(body=SDP, now=wire.now)
    dialog.reject_reinvite(488, now=wire.now)
    dialog.acknowledge(body=SDP, now=wire.now)
    dialog.bye(now=wire.now)
    assert not wire.take()


# Target refresh.


def test_an_accepted_reinvite_moves_the_target(wire: Wire) -> None:
    """12.2.2: a target refresh request replaces the remote target with its Contact."""
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, contact="<sip:moved@192.0.2.70:5071>", body=SDP))
    wire.event(ReinviteReceived).dialog.accept_reinvite(body=SDP, now=wire.now)
    assert bye(wire, dialog).uri == "sip:moved@192.0.2.70:5071"
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.70", 5071)


def test_a_refused_reinvite_does_not_move_the_target(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, contact="<sip:moved@192.0.2.70:5071>", body=SDP))
    wire.event(ReinviteReceived).dialog.reject_reinvite(488, now=wire.now)
    assert bye(wire, dialog).uri == "sip:caller@192.0.2.1"


@pytest.mark.parametrize("number", ["", "two OPTIONS", "2 INVITE", "99999999999 OPTIONS"])
def test_a_number_that_cannot_be_read_is_400_and_leaves_nothing(wire: Wire, number: str) -> None:
    wire.strict = False
    _, to = called(wire)
    before = wire.stack.counts()["server_transactions"]
    data = request("OPTIONS", number=2, to=to).replace(b"2 OPTIONS", number.encode())
    assert [m.status for m in wire.give(data)] == [400]
    wire.wait(0)
    wire.wait(40)
    assert wire.stack.counts()["server_transactions"] <= before
    wire.no_event()


def test_a_refused_request_counts_for_the_order_too(wire: Wire) -> None:
    """12.2.2: a higher number MUST be taken, whatever becomes of the request."""
    dialog, to = called(wire)
    assert [m.status for m in wire.give(request("BREW", number=7, to=to))] == [501]
    assert dialog.remote_cseq == 7
    assert [m.status for m in wire.give(request("OPTIONS", number=6, to=to))] == [500]


def test_a_full_stack_still_ends_calls() -> None:
    full = Wire(limits=Limits(transactions=1))
    _, to = called(full)
    answers = full.give(request("OPTIONS", number=2, to=to))
    assert [(m.status, m.to_tag) for m in answers] == [(503, to.rpartition("=")[2])]
    assert answers[0].get("retry-after")
    assert [m.status for m in full.give(request("BYE", number=3, to=to))] == [200]
    full.event(ByeReceived)
