"""INVITEs that come in: answers, CANCEL and its races, early BYE, 2xx until ACK (13.3, 9.2, 15)."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog, DialogState
from softswitch.sip.events import (
    AckReceived,
    AckTimedOut,
    ByeReceived,
    DialogTerminated,
    InviteCancelled,
    InviteReceived,
)
from softswitch.sip.invite_server import IncomingInvite, InviteState
from softswitch.sip.stack import ALLOW
from tests.support.sip_text import Message
from tests.support.wire import PEER, PEER_TCP, SDP, US, Wire, request, response

INVITE = request(branch="z9hG4bKa", body=SDP)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def invited(wire: Wire, data: bytes = INVITE) -> IncomingInvite:
    wire.give(data)
    return wire.event(InviteReceived).invite


def answered(wire: Wire, data: bytes = INVITE) -> tuple[Dialog, Message]:
    dialog = invited(wire, data).accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    return dialog, answer


def confirmed(wire: Wire, data: bytes = INVITE) -> tuple[Dialog, str]:
    dialog, answer = answered(wire, data)
    wire.give(request("ACK", to=answer.get("to")))
    wire.event(AckReceived)
    return dialog, answer.get("to")


# Answers.


def test_the_answer_makes_a_dialog(wire: Wire) -> None:
    """12.1.1: what the 2xx must hold, and what the dialog takes from the INVITE."""
    routes = ["Record-Route: <sip:p1;lr>, <sip:p2;lr>", "Record-Route: <sip:p3;lr>"]
    dialog, answer = answered(wire, request(headers=routes, number=17))
    assert answer.all("record-route") == ["<sip:p1;lr>, <sip:p2;lr>", "<sip:p3;lr>"]
    assert answer.get("contact") == f"<sip:100000@{US}:5060>"
    assert answer.get("allow") == ", ".join(ALLOW)
    assert answer.get("content-type") == "application/sdp"
    assert answer.body == SDP
    assert dialog.state is DialogState.CONFIRMED
    assert dialog.route_set == ("<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>")
    assert (dialog.remote_target, dialog.remote_cseq) == ("sip:caller@192.0.2.1", 17)
    assert (dialog.local_tag, dialog.remote_tag) == (answer.to_tag, "far")


def test_provisional_and_final_answers_have_one_tag(wire: Wire) -> None:
    """8.2.6.2: the same tag MUST be used for all responses to that request, except 100."""
    invite = invited(wire)
    invite.provisional(180, now=wire.now)
    invite.provisional(183, body=SDP, now=wire.now)
    invite.accept(body=SDP, now=wire.now)
    tags = {message.to_tag for message in wire.take()}
    assert tags == {invite.local_tag}


def test_a_provisional_answer_has_contact_and_record_route(wire: Wire) -> None:
    """12.1.1: as for a 2xx, because it makes the dialog early."""
    invite = invited(wire, request(headers=["Record-Route: <sip:p1;lr>"]))
    invite.provisional(183, body=SDP, headers=[("P-Early-Media", "sendonly")], now=wire.now)
    (progress,) = wire.take()
    assert progress.get("record-route") == "<sip:p1;lr>"
    assert progress.contact == f"sip:100000@{US}:5060"
    assert progress.get("p-early-media") == "sendonly"
    assert progress.body == SDP


def test_over_a_stream_the_contact_says_so(wire: Wire) -> None:
    wire.give(request(transport="TCP"), PEER_TCP)
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    assert answer.contact == f"sip:100000@{US}:5060;transport=tcp"


def test_a_provisional_answer_is_repeated_every_minute(wire: Wire) -> None:
    """13.3.1.1: a non-100 provisional at every minute, to keep proxies from cancelling."""
    invite = invited(wire)
    invite.provisional(180, now=wire.now)
    wire.take()
    assert [one.what for one in wire.wait(150)] == ["180 INVITE", "180 INVITE"]
    invite.reject(480, now=wire.now)
    assert "180 INVITE" not in [one.what for one in wire.wait(150)]


def test_nothing_follows_a_final_answer(wire: Wire) -> None:
    invite = invited(wire)
    invite.reject(486, reason="Busy, sorry", headers=[("Retry-After", "30")], now=wire.now)
    invite.provisional(180, now=wire.now)
    invite.reject(500, now=wire.now)
    dialog = invite.accept(body=SDP, now=wire.now)
    (refusal,) = wire.take()
    assert refusal.start_line == "SIP/2.0 486 Busy, sorry"
    assert refusal.get("retry-after") == "30"
    assert dialog.state is DialogState.TERMINATED
    assert invite.state is InviteState.REJECTED
    dialog.bye(now=wire.now)
    assert not wire.take()


# 13.3.1.4: the 2xx until its ACK.


def test_the_2xx_is_resent_until_its_ack(wire: Wire) -> None:
    """13.3.1.4: an interval that starts at T1 and doubles until it reaches T2."""
    start = wire.now
    dialog, answer = answered(wire)
    sent = wire.wait(12)
    assert [round(one.at - start, 2) for one in sent] == [0.5, 1.5, 3.5, 7.5, 11.5]
    assert {str(one.message) for one in sent} == {str(answer)}
    wire.give(request("ACK", to=answer.get("to"), body=b"v=0 answer"))
    event = wire.event(AckReceived)
    assert (event.dialog, event.body) == (dialog, b"v=0 answer")
    assert not wire.wait(100)
    wire.no_event()


def test_the_2xx_is_resent_over_streams_too(wire: Wire) -> None:
    """13.3.1.4: even over a reliable transport, as a proxy on the way may use UDP."""
    wire.give(request(transport="TCP"), PEER_TCP)
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    wire.take()
    assert [one.what for one in wire.wait(2)] == ["200 INVITE"] * 2


def test_without_an_ack_the_dialog_ends_with_a_bye(wire: Wire) -> None:
    """13.3.1.4: after 64*T1 without an ACK, the dialog is confirmed, but SHOULD be terminated."""
    dialog, _ = answered(wire)
    wire.wait(31.9)
    wire.no_event()
    sent = wire.wait(0.2)
    assert [one.what for one in sent] == ["BYE"]
    assert wire.event(AckTimedOut).dialog is dialog
    assert wire.event(DialogTerminated).why == "ack-timeout"
    wire.give(response(sent[0].message, 200))
    wire.wait(100)
    wire.no_event()
    assert not any(wire.stack.counts().values())


def test_a_repeated_ack_means_nothing(wire: Wire) -> None:
    _, to = confirmed(wire)
    wire.give(request("ACK", to=to))
    wire.no_event()
    assert wire.stack.drops["repeated-ack"] == 1


def test_an_ack_on_the_branch_of_the_invite_is_taken(wire: Wire) -> None:
    """RFC 6026 section 8.5: in "Accepted" an ACK that matches is passed to the TU."""
    _, answer = answered(wire)
    wire.give(request("ACK", to=answer.get("to"), branch="z9hG4bKa"))
    wire.event(AckReceived)


# Section 15: our BYE waits for the ACK.


def test_a_bye_waits_for_the_ack(wire: Wire) -> None:
    """15: the callee's UA MUST NOT send a BYE until it has received an ACK for its 2xx."""
    dialog, answer = answered(wire)
    dialog.bye(headers=[("Reason", "Q.850;cause=16")], now=wire.now)
    assert {one.what for one in wire.wait(3)} == {"200 INVITE"}
    (bye,) = wire.give(request("ACK", to=answer.get("to")))
    assert bye.method == "BYE"
    assert bye.get("reason") == "Q.850;cause=16"
    wire.event(AckReceived)
    assert wire.event(DialogTerminated).why == "bye-sent"


def test_a_bye_that_waited_in_vain_goes_out_when_the_transaction_times_out(wire: Wire) -> None:
    """15: ... or until the server transaction times out."""
    dialog, _ = answered(wire)
    dialog.bye(headers=[("Reason", "Q.850;cause=16")], now=wire.now)
    sent = wire.wait(33)
    byes = [one.message for one in sent if one.what == "BYE"]
    assert byes[0].get("reason") == "Q.850;cause=16"
    wire.event(AckTimedOut)
    assert wire.event(DialogTerminated).why == "ack-timeout"


def test_the_peers_bye_overtakes_its_ack(wire: Wire) -> None:
    dialog, answer = answered(wire)
    assert [m.status for m in wire.give(request("BYE", number=2, to=answer.get("to")))] == [200]
    assert wire.event(ByeReceived).dialog is dialog
    assert wire.event(DialogTerminated).why == "bye-received"
    wire.give(request("ACK", to=answer.get("to")))
    assert not wire.wait(100), "the 2xx is not resent any more"
    wire.no_event()
    assert not any(wire.stack.counts().values())


def test_the_peers_bye_ends_a_held_bye(wire: Wire) -> None:
    dialog, answer = answered(wire)
    dialog.bye(now=wire.now)
    wire.give(request("BYE", number=2, to=answer.get("to")))
    wire.event(ByeReceived)
    wire.event(DialogTerminated)
    assert not wire.wait(100)
    wire.no_event()


def test_byes_that_cross_end_the_dialog_once(wire: Wire) -> None:
    dialog, to = confirmed(wire)
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    assert [m.status for m in wire.give(request("BYE", number=2, to=to))] == [200]
    wire.give(response(bye, 481))
    assert wire.event(DialogTerminated).why == "bye-sent"
    wire.wait(100)
    wire.no_event()
    assert not any(wire.stack.counts().values())


def test_a_bye_is_sent_once(wire: Wire) -> None:
    dialog, _ = confirmed(wire)
    dialog.bye(now=wire.now)
    dialog.bye(now=wire.now)
    assert len(wire.take()) == 1
    wire.event(DialogTerminated)
    wire.no_event()


@pytest.mark.parametrize("status", [200, 401, 408, 481, 500])
def test_whatever_answers_our_bye_the_dialog_is_gone(wire: Wire, status: int) -> None:
    """15.1.1: on 481, 408 or no response at all the session MUST be considered terminated."""
    dialog, to = confirmed(wire)
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.event(DialogTerminated)
    wire.give(response(bye, status))
    assert wire.stack.counts()["dialogs"] == 0
    assert [m.status for m in wire.give(request("INVITE", number=2, to=to))] == [481]


def test_a_bye_that_nobody_answers_is_given_up(wire: Wire) -> None:
    dialog, _ = confirmed(wire)
    dialog.bye(now=wire.now)
    assert len([one for one in wire.wait(100) if one.what == "BYE"]) == 11
    assert not any(wire.stack.counts().values())


def test_in_a_dialog_that_is_over_only_a_bye_is_answered_well(wire: Wire) -> None:
    dialog, to = confirmed(wire)
    dialog.bye(now=wire.now)
    wire.take()
    assert [m.status for m in wire.give(request("OPTIONS", number=2, to=to))] == [481]
    assert [m.status for m in wire.give(request("INVITE", number=3, to=to))] == [481]


# 9.2: CANCEL.


def test_cancel_is_answered_and_the_invite_refused(wire: Wire) -> None:
    """9.2: 200 to the CANCEL, 487 to the INVITE, the same To tag in both."""
    invite = invited(wire)
    data = request("CANCEL", branch="z9hG4bKa", headers=["Reason: SIP;cause=200"], contact=None)
    ok, refusal = wire.give(data)
    assert (ok.status, ok.cseq_method) == (200, "CANCEL")
    assert (refusal.status, refusal.cseq_method) == (487, "INVITE")
    assert ok.to_tag == refusal.to_tag == invite.local_tag
    event = wire.event(InviteCancelled)
    assert (event.invite, event.reason, event.by_bye) == (invite, "SIP;cause=200", False)
    assert invite.state is InviteState.CANCELLED


def test_a_repeated_cancel_gets_its_answer_again(wire: Wire) -> None:
    invited(wire)
    data = request("CANCEL", branch="z9hG4bKa", contact=None)
    first = wire.give(data)[0]
    wire.event(InviteCancelled)
    (second,) = wire.give(data)
    assert str(first) == str(second)
    wire.no_event()


def test_a_cancel_after_the_answer_changes_nothing(wire: Wire) -> None:
    """9.2: if a final response was sent, the CANCEL request has no effect."""
    answered(wire)
    (ok,) = wire.give(request("CANCEL", branch="z9hG4bKa", contact=None))
    assert ok.status == 200
    wire.no_event()


def test_a_cancel_after_a_refusal_changes_nothing(wire: Wire) -> None:
    invited(wire).reject(486, now=wire.now)
    wire.take()
    (ok,) = wire.give(request("CANCEL", branch="z9hG4bKa", contact=None))
    assert ok.status == 200
    wire.no_event()


def test_a_cancel_for_nothing_is_481(wire: Wire) -> None:
    """9.2: no matching transaction: 481."""
    (answer,) = wire.give(request("CANCEL", contact=None))
    assert answer.status == 481


def test_a_cancel_from_elsewhere_on_the_same_branch_is_481(wire: Wire) -> None:
    invited(wire)
    via = "SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKa"
    assert [m.status for m in wire.give(request("CANCEL", via=via))] == [481]
    wire.no_event()


def test_an_answer_that_comes_after_the_cancel_is_not_sent(wire: Wire) -> None:
    invite = invited(wire)
    wire.give(request("CANCEL", branch="z9hG4bKa", contact=None))
    invite.provisional(183, now=wire.now)
    dialog = invite.accept(body=SDP, now=wire.now)
    assert not wire.take()
    assert dialog.state is DialogState.TERMINATED
    wire.event(InviteCancelled)
    wire.no_event()


# 15.1.2: early BYE.


def test_an_early_bye_ends_the_invite(wire: Wire) -> None:
    """15.1.2: 200 to the BYE, 487 to the pending INVITE."""
    invite = invited(wire)
    invite.provisional(180, now=wire.now)
    (ringing,) = wire.take()
    data = request("BYE", number=2, to=ringing.get("to"), headers=["Reason: SIP;cause=480"])
    ok, refusal = wire.give(data)
    assert (ok.status, ok.cseq_method) == (200, "BYE")
    assert (refusal.status, refusal.cseq_method) == (487, "INVITE")
    event = wire.event(InviteCancelled)
    assert (event.by_bye, event.reason) == (True, "SIP;cause=480")
    wire.no_event()
    wire.give(request("ACK", branch="z9hG4bKa", to=refusal.get("to")))
    wire.wait(100)
    assert not any(wire.stack.counts().values())


def test_a_second_invite_in_the_early_dialog_is_500_with_retry_after(wire: Wire) -> None:
    """14.2: MUST return 500 with a Retry-After between 0 and 10 seconds."""
    invited(wire).provisional(180, now=wire.now)
    (ringing,) = wire.take()
    (answer,) = wire.give(request(number=2, to=ringing.get("to")))
    assert answer.status == 500
    assert 0 <= int(answer.get("retry-after")) <= 10


def test_the_stack_says_whether_it_is_busy(wire: Wire) -> None:
    assert not wire.stack.busy()
    dialog, _ = confirmed(wire)
    assert wire.stack.busy()
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    assert wire.stack.busy()
    assert wire.stack.unanswered_requests == 1
    wire.give(response(bye, 200), PEER)
    assert not wire.stack.busy()
