"""Re-INVITEs both ways, and glare (RFC 3261 section 14)."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog, DialogState
from softswitch.sip.events import (
    AckReceived,
    AckTimedOut,
    ByeReceived,
    DialogTerminated,
    InviteAnswered,
    InviteReceived,
    ReinviteAnswered,
    ReinviteCancelled,
    ReinviteReceived,
    ReinviteRejected,
)
from softswitch.sip.reinvite import MAX_GLARE_RETRIES
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Wire, request, response

OFFER = b"v=0 offer\r\n"


@pytest.fixture
def wire() -> Wire:
    return Wire()


def called(wire: Wire) -> tuple[Dialog, str]:
    wire.give(request(body=SDP))
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to))
    wire.event(AckReceived)
    return dialog, to


def calling(wire: Wire) -> Dialog:
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
    wire.give(response(message, 200))
    return wire.event(InviteAnswered).dialog


def reinvite(wire: Wire, dialog: Dialog, body: bytes = OFFER) -> Message:
    dialog.reinvite(body=body, now=wire.now)
    (message,) = wire.take()
    return message


# Ours.


def test_a_reinvite_of_ours_is_answered(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    assert (message.method, message.body) == ("INVITE", OFFER)
    assert message.contact == f"sip:100000@{US}:5060"
    assert message.to_tag == "far"
    wire.give(response(message, 100))
    wire.give(response(message, 180))
    (ack,) = wire.give(response(message, 200, contact="<sip:moved@192.0.2.3>"))
    assert (ack.method, ack.cseq, ack.uri) == ("ACK", message.cseq, "sip:moved@192.0.2.3")
    assert wire.event(ReinviteAnswered).dialog is dialog
    (again,) = wire.give(response(message, 200))
    assert str(again) == str(ack)
    wire.no_event()


def test_without_an_offer_of_ours_the_ack_waits_for_the_answer(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog, b"")
    assert not wire.give(response(message, 200, body=SDP))
    wire.event(ReinviteAnswered)
    assert not wire.give(response(message, 200, body=SDP))
    dialog.acknowledge(body=b"v=0 answer", now=wire.now)
    (ack,) = wire.take()
    assert ack.body == b"v=0 answer"


@pytest.mark.parametrize("status", [488, 500, 503, 603])
def test_a_refusal_leaves_the_dialog_as_it_was(wire: Wire, status: int) -> None:
    """14.1: if a UA receives a non-2xx final response, the session parameters MUST remain."""
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    (ack,) = wire.give(response(message, status, contact="<sip:moved@192.0.2.3>"))
    assert ack.branch == message.branch
    assert wire.event(ReinviteRejected).status == status
    wire.no_event()
    assert dialog.state is DialogState.CONFIRMED
    assert dialog.remote_target == "sip:caller@192.0.2.1"


@pytest.mark.parametrize(("status", "why"), [(481, "no-such-dialog"), (408, "request-timeout")])
def test_481_and_408_end_the_dialog(wire: Wire, status: int, why: str) -> None:
    """14.1 and 12.2.1.2: on 481 or 408 the UAC SHOULD terminate the dialog."""
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    sent = wire.give(response(message, status))
    assert [m.method for m in sent] == ["ACK", "BYE"]
    assert wire.event(ReinviteRejected).status == status
    assert wire.event(DialogTerminated).why == why


def test_silence_ends_the_dialog(wire: Wire) -> None:
    dialog, _ = called(wire)
    reinvite(wire, dialog)
    assert wire.wait(33)[-1].what == "BYE"
    assert wire.event(ReinviteRejected).status == 408
    assert wire.event(DialogTerminated).why == "request-timeout"


def test_a_transport_error_does_not_end_the_dialog(wire: Wire) -> None:
    dialog, _ = called(wire)
    reinvite(wire, dialog)
    wire.stack.send_failed(PEER, now=wire.now)
    assert wire.event(ReinviteRejected).status == 503
    assert dialog.state is DialogState.CONFIRMED


def test_only_one_reinvite_is_under_way(wire: Wire) -> None:
    """14.1: a UAC MUST NOT initiate a new INVITE transaction while another is in progress."""
    dialog, _ = called(wire)
    first = reinvite(wire, dialog)
    dialog.reinvite(body=b"v=0 second\r\n", now=wire.now)
    dialog.reinvite(body=b"v=0 third\r\n", now=wire.now)
    assert not wire.take()
    ack, next_one = wire.give(response(first, 200))
    assert (ack.method, next_one.method, next_one.body) == ("ACK", "INVITE", b"v=0 third\r\n")
    wire.event(ReinviteAnswered)
    wire.give(response(next_one, 200))
    wire.event(ReinviteAnswered)
    wire.no_event()


def test_a_reinvite_waits_for_the_ack_of_our_answer(wire: Wire) -> None:
    """14.1: ... in progress in either direction."""
    wire.give(request(body=SDP))
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    dialog.reinvite(body=OFFER, now=wire.now)
    assert not wire.take()
    (message,) = wire.give(request("ACK", to=answer.get("to")))
    assert (message.method, message.body) == ("INVITE", OFFER)


def test_a_reinvite_waits_for_the_peers_to_be_over(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, body=SDP))
    dialog.reinvite(body=OFFER, now=wire.now)
    assert not wire.take()
    dialog.reject_reinvite(488, now=wire.now)
    assert [m.status or m.method for m in wire.take()] == [488, "INVITE"]


def test_a_reinvite_waits_for_our_acknowledgement(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog, b"")
    wire.give(response(message, 200, body=SDP))
    dialog.reinvite(body=OFFER, now=wire.now)
    assert not wire.take()
    dialog.acknowledge(body=SDP, now=wire.now)
    assert [m.method for m in wire.take()] == ["ACK", "INVITE"]


@pytest.mark.parametrize("we_called", [True, False])
def test_491_is_retried_after_a_random_time(wire: Wire, we_called: bool) -> None:
    """14.1: the owner of the Call-ID waits between 2.1 and 4 s, the other between 0 and 2 s."""
    dialog = calling(wire) if we_called else called(wire)[0]
    message = reinvite(wire, dialog)
    (ack,) = wire.give(response(message, 491))
    assert ack.method == "ACK"
    wire.no_event()
    start = wire.now
    again = next(one for one in wire.wait(4.1) if one.what == "INVITE")
    low, high = (2.1, 4.0) if we_called else (0.0, 2.0)
    assert low <= again.at - start <= high
    assert again.message.cseq == message.cseq + 1
    assert again.message.body == OFFER
    wire.give(response(again.message, 200))
    wire.event(ReinviteAnswered)


def test_a_peer_that_always_says_491_is_given_up(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    for _ in range(MAX_GLARE_RETRIES):
        wire.give(response(message, 491))
        wire.no_event()
        message = next(one.message for one in wire.wait(2.1) if one.what == "INVITE")
    wire.give(response(message, 491))
    assert wire.event(ReinviteRejected).status == 491
    assert dialog.state is DialogState.CONFIRMED


def test_a_newer_reinvite_replaces_one_that_waits_for_its_retry(wire: Wire) -> None:
    dialog, _ = called(wire)
    wire.give(response(reinvite(wire, dialog), 491))
    newer = reinvite(wire, dialog, b"v=0 newer\r\n")
    assert newer.body == b"v=0 newer\r\n"
    wire.give(response(newer, 200))
    wire.event(ReinviteAnswered)
    assert not [one for one in wire.wait(10) if one.what == "INVITE"]


def test_while_we_wait_for_the_retry_the_peers_reinvite_is_served(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(response(reinvite(wire, dialog), 491))
    wire.give(request(number=2, to=to, body=SDP))
    wire.event(ReinviteReceived)
    assert not [one for one in wire.wait(3) if one.what == "INVITE"], "theirs is under way"
    dialog.accept_reinvite(body=SDP, now=wire.now)
    wire.take()
    (ours,) = wire.give(request("ACK", number=2, to=to))
    assert ours.method == "INVITE"


def test_a_bye_ends_a_reinvite_of_ours(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    wire.give(response(message, 100))
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.event(DialogTerminated)
    wire.give(response(bye, 200))
    assert [m.method for m in wire.give(response(message, 487))] == ["ACK"]
    wire.wait(100)
    wire.no_event()
    assert not any(wire.stack.counts().values())


def test_an_answer_after_our_bye_is_still_acknowledged(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    wire.give(response(message, 100))
    dialog.bye(now=wire.now)
    wire.take()
    wire.event(DialogTerminated)
    assert [m.method for m in wire.give(response(message, 200))] == ["ACK"]
    wire.no_event()


def test_a_peer_that_never_answers_a_reinvite_holds_nothing_after_the_bye(wire: Wire) -> None:
    dialog, _ = called(wire)
    wire.give(response(reinvite(wire, dialog), 100))
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.give(response(bye, 200))
    wire.wait(100)
    assert not any(wire.stack.counts().values())


def test_a_bye_stops_the_wait_for_a_retry(wire: Wire) -> None:
    dialog, _ = called(wire)
    wire.give(response(reinvite(wire, dialog), 491))
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.give(response(bye, 200))
    assert not wire.wait(100)
    assert not any(wire.stack.counts().values())


# The peer's.


def test_the_peers_reinvite_is_told_and_answered(wire: Wire) -> None:
    dialog, to = called(wire)
    data = request(number=2, to=to, body=OFFER, branch="z9hG4bKre")
    (trying,) = wire.give(data)
    assert trying.status == 100
    event = wire.event(ReinviteReceived)
    assert (event.dialog, event.request.body) == (dialog, OFFER)
    dialog.accept_reinvite(body=SDP, headers=[("X-A", "b")], now=wire.now)
    (answer,) = wire.take()
    assert (answer.status, answer.body, answer.get("x-a")) == (200, SDP, "b")
    assert answer.get("to") == to
    assert answer.contact == f"sip:100000@{US}:5060"
    assert not answer.all("record-route")
    assert [one.what for one in wire.wait(2)] == ["200 INVITE"] * 2
    wire.give(request("ACK", number=2, to=to, body=b"v=0 late answer"))
    assert wire.event(AckReceived).body == b"v=0 late answer"
    assert not wire.wait(50)


def test_a_refused_reinvite_leaves_the_dialog(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER, branch="z9hG4bKre"))
    wire.event(ReinviteReceived)
    dialog.reject_reinvite(488, headers=[("Warning", '304 us "no"')], now=wire.now)
    (answer,) = wire.take()
    assert (answer.status, answer.get("warning")) == (488, '304 us "no"')
    wire.give(request("ACK", number=2, to=to, branch="z9hG4bKre"))
    wire.no_event()
    assert not wire.wait(50)
    assert dialog.state is DialogState.CONFIRMED


def test_an_accepted_reinvite_without_ack_ends_the_dialog(wire: Wire) -> None:
    """14.2: if no ACK arrives for the 2xx, the UAS SHOULD generate a BYE."""
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER))
    wire.event(ReinviteReceived).dialog.accept_reinvite(body=SDP, now=wire.now)
    assert "BYE" in [one.what for one in wire.wait(33)]
    assert wire.event(AckTimedOut).dialog is dialog
    assert wire.event(DialogTerminated).why == "ack-timeout"


def test_a_bye_does_not_wait_for_the_ack_of_a_reinvite(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER))
    dialog.accept_reinvite(body=SDP, now=wire.now)
    wire.take()
    dialog.bye(now=wire.now)
    assert [m.method for m in wire.take()] == ["BYE"]


def test_glare_is_491(wire: Wire) -> None:
    """14.2: an INVITE we had sent is in progress: MUST return a 491 (Request Pending)."""
    dialog, to = called(wire)
    message = reinvite(wire, dialog)
    assert [m.status for m in wire.give(request(number=2, to=to, body=OFFER))] == [491]
    wire.give(response(message, 200))
    assert wire.event(ReinviteAnswered).dialog is dialog
    assert [m.status for m in wire.give(request(number=3, to=to, body=OFFER))] == [100]


def test_a_second_reinvite_before_the_answer_is_500_with_retry_after(wire: Wire) -> None:
    """14.2: MUST include a Retry-After with a randomly chosen value of between 0 and 10 s."""
    _, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER))
    wire.event(ReinviteReceived)
    (answer,) = wire.give(request(number=3, to=to, body=OFFER))
    assert answer.status == 500
    assert 0 <= int(answer.get("retry-after")) <= 10
    wire.no_event()


def test_a_refusal_by_glare_is_resent_until_its_ack(wire: Wire) -> None:
    dialog, to = called(wire)
    reinvite(wire, dialog)
    data = request(number=2, to=to, body=OFFER, branch="z9hG4bKre")
    (first,) = wire.give(data)
    (second,) = wire.give(data)
    assert str(first) == str(second)
    wire.give(request("ACK", number=2, to=to, branch="z9hG4bKre"))
    assert "491 INVITE" not in [one.what for one in wire.wait(20)]


def test_a_reinvite_while_our_offer_is_unanswered_is_491(wire: Wire) -> None:
    """RFC 5407 section 3.1.4: the answer to the offer in our 2xx is still to come in the ACK."""
    wire.give(request())
    wire.event(InviteReceived).invite.accept(body=OFFER, now=wire.now)
    (answer,) = wire.take()
    (refusal,) = wire.give(request(number=2, to=answer.get("to"), body=OFFER))
    assert refusal.status == 491


def test_a_reinvite_that_overtakes_the_ack_is_served(wire: Wire) -> None:
    """RFC 5407 section 3.1.4: offer and answer are complete, only the ACK is late."""
    wire.give(request(body=OFFER))
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request(number=2, to=to, body=OFFER))
    wire.event(ReinviteReceived).dialog.accept_reinvite(body=SDP, now=wire.now)
    wire.take()
    (busy,) = wire.give(request(number=3, to=to, body=OFFER))
    assert busy.status == 500, "two answers without ACK are enough"
    for number in (1, 2):
        wire.give(request("ACK", number=number, to=to))
        wire.event(AckReceived)
    assert {one.what for one in wire.wait(60)} == {"500 INVITE"}


def test_a_reinvite_can_be_withdrawn(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER, branch="z9hG4bKre"))
    wire.event(ReinviteReceived)
    answers = wire.give(request("CANCEL", number=2, to=to, branch="z9hG4bKre", contact=None))
    assert [(m.status, m.cseq_method) for m in answers] == [(200, "CANCEL"), (487, "INVITE")]
    assert wire.event(ReinviteCancelled).dialog is dialog
    dialog.accept_reinvite(body=SDP, now=wire.now)
    assert not wire.take()
    assert dialog.state is DialogState.CONFIRMED


def test_a_bye_answers_the_pending_reinvite_with_487(wire: Wire) -> None:
    """15.1.2: a 487 response SHOULD be generated to pending requests."""
    _, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER))
    wire.event(ReinviteReceived)
    answers = wire.give(request("BYE", number=3, to=to))
    assert sorted((m.status, m.cseq_method) for m in answers) == [(200, "BYE"), (487, "INVITE")]
    wire.event(ByeReceived)
    wire.event(DialogTerminated)
    wire.no_event()


def test_our_bye_answers_the_pending_reinvite_too(wire: Wire) -> None:
    dialog, to = called(wire)
    wire.give(request(number=2, to=to, body=OFFER))
    wire.event(ReinviteReceived)
    dialog.bye(now=wire.now)
    assert sorted(str(m.status or m.method) for m in wire.take()) == ["487", "BYE"]


def test_after_glare_the_newest_wish_is_sent(wire: Wire) -> None:
    dialog, _ = called(wire)
    message = reinvite(wire, dialog)
    dialog.reinvite(body=b"v=0 newest\r\n", now=wire.now)
    wire.give(response(message, 491))
    (again,) = [one for one in wire.wait(2.1) if one.what == "INVITE"][:1]
    assert again.message.body == b"v=0 newest\r\n"
    wire.give(response(again.message, 200))
    wire.event(ReinviteAnswered)
    assert not [one for one in wire.wait(60) if one.what == "INVITE"]


def test_glare_while_our_answer_to_their_offer_is_due(wire: Wire) -> None:
    """14.2: our INVITE is in progress until its ACK is sent."""
    dialog, to = called(wire)
    message = reinvite(wire, dialog, b"")
    wire.give(response(message, 200, body=SDP))
    assert [m.status for m in wire.give(request(number=2, to=to, body=OFFER))] == [491]
    dialog.acknowledge(body=SDP, now=wire.now)
    wire.take()
    assert [m.status for m in wire.give(request(number=3, to=to, body=OFFER))] == [100]


def test_glare_in_an_early_dialog_of_ours(wire: Wire) -> None:
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
    wire.give(response(message, 183))
    data = request(
        call_id=message.call_id,
        from_="<sip:callee@192.0.2.1>;tag=far",
        to=message.get("from"),
        body=OFFER,
    )
    assert [m.status for m in wire.give(data)] == [491]
