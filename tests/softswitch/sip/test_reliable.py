"""Reliable provisional responses and PRACK, both ways, lost and doubled (RFC 3262)."""

from __future__ import annotations

import re

import pytest

from softswitch.sip.events import (
    AckReceived,
    DialogTerminated,
    InviteAnswered,
    InviteCancelled,
    InviteReceived,
    ProvisionalReceived,
    ReinviteReceived,
)
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.invite_server import IncomingInvite
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Wire, request, response

REQUIRED = ("Require: 100rel",)


@pytest.fixture
def wire() -> Wire:
    return Wire()


# We send them.


def asked(wire: Wire, *headers: str, body: bytes = SDP) -> IncomingInvite:
    wire.give(request(headers=headers or REQUIRED, body=body))
    wire.take()
    return wire.event(InviteReceived).invite


def ring(wire: Wire, invite: IncomingInvite, status: int = 180, body: bytes = b"") -> list[Message]:
    invite.provisional(status, body=body, now=wire.now)
    return wire.take()


def prack(wire: Wire, answer: Message, number: int = 2, rack: str = "", body: bytes = b"") -> bytes:
    return request(
        "PRACK",
        number=number,
        to=answer.get("to"),
        headers=[f"RAck: {rack or answer.get('rseq') + ' 1 INVITE'}"],
        body=body,
    )


def test_a_caller_that_does_not_require_it_hears_plain_ones(wire: Wire) -> None:
    invite = asked(wire, "Supported: 100rel")
    (ringing,) = ring(wire, invite)
    assert (ringing.all("require"), ringing.all("rseq")) == ([], [])


def test_a_caller_that_requires_it_hears_reliable_ones(wire: Wire) -> None:
    (ringing,) = ring(wire, asked(wire))
    assert ringing.get("require") == "100rel"
    assert 1 <= int(ringing.get("rseq")) < 2**31


def test_it_is_resent_with_doubling_intervals_until_the_prack(wire: Wire) -> None:
    (ringing,) = ring(wire, asked(wire))
    sent = wire.wait(3.6)
    assert [round(one.at - 100, 1) for one in sent] == [0.5, 1.5, 3.5]
    assert {str(one.message) for one in sent} == {str(ringing)}
    (answer,) = wire.give(prack(wire, ringing))
    assert (answer.status, answer.cseq_method) == (200, "PRACK")
    assert wire.wait(70) == []


def test_a_prack_that_comes_twice_is_answered_twice(wire: Wire) -> None:
    (ringing,) = ring(wire, asked(wire))
    data = prack(wire, ringing)
    assert [one.status for one in wire.give(data)] == [200]
    assert [one.status for one in wire.give(data)] == [200]


@pytest.mark.parametrize("rack", ["1 1 INVITE", "{rseq} 2 INVITE", "{rseq} 1 BYE", "x", ""])
def test_a_prack_for_something_else_is_481(wire: Wire, rack: str) -> None:
    (ringing,) = ring(wire, asked(wire))
    written = rack.replace("{rseq}", ringing.get("rseq")) or "no number"
    assert [one.status for one in wire.give(prack(wire, ringing, rack=written))] == [481]
    # The right one is still awaited.
    assert [one.status for one in wire.give(prack(wire, ringing, number=3))] == [200]


def test_a_second_prack_for_the_same_is_481(wire: Wire) -> None:
    (ringing,) = ring(wire, asked(wire))
    wire.give(prack(wire, ringing))
    assert [one.status for one in wire.give(prack(wire, ringing, number=3))] == [481]


def test_one_is_on_its_way_at_a_time_and_they_count_on(wire: Wire) -> None:
    invite = asked(wire)
    (first,) = ring(wire, invite, 180)
    assert ring(wire, invite, 183, SDP) == []
    answer, second = wire.give(prack(wire, first))
    assert answer.status == 200
    assert (second.status, second.body) == (183, SDP)
    assert int(second.get("rseq")) == int(first.get("rseq")) + 1


def test_the_200_waits_for_the_prack(wire: Wire) -> None:
    invite = asked(wire)
    (ringing,) = ring(wire, invite, 183, SDP)
    dialog = invite.accept(body=SDP, now=wire.now)
    assert wire.take() == []
    answer, accepted = wire.give(prack(wire, ringing))
    assert (answer.cseq_method, accepted.status, accepted.cseq_method) == ("PRACK", 200, "INVITE")
    assert accepted.all("rseq") == []
    wire.give(request("ACK", to=accepted.get("to"), contact=None))
    assert wire.event(AckReceived).dialog is dialog


def test_who_hangs_up_while_the_200_waits_refuses_the_call(wire: Wire) -> None:
    invite = asked(wire)
    (ringing,) = ring(wire, invite, 183, SDP)
    dialog = invite.accept(body=SDP, now=wire.now)
    dialog.bye(now=wire.now)
    assert [one.status for one in wire.take()] == [480]
    assert [one.status for one in wire.give(prack(wire, ringing))] == [481]


def test_without_a_prack_the_invite_is_refused_in_the_end(wire: Wire) -> None:
    ring(wire, asked(wire))
    sent = wire.wait(32.1)
    assert sent[-1].what == "504 INVITE"
    assert not wire.event(InviteCancelled).by_bye


def test_a_cancel_meanwhile_stops_everything(wire: Wire) -> None:
    wire.give(request(headers=REQUIRED, body=SDP, branch="z9hG4bKc"))
    invite = wire.event(InviteReceived).invite
    (_, ringing) = (wire.take(), ring(wire, invite)[0])
    out = wire.give(request("CANCEL", branch="z9hG4bKc", contact=None))
    assert sorted(one.status or 0 for one in out) == [200, 487]
    wire.give(request("ACK", branch="z9hG4bKc", to=ringing.get("to"), contact=None))
    assert [one.what for one in wire.wait(70)] == []
    assert set(wire.stack.counts().values()) == {0}


def test_an_offer_in_a_prack_is_answered_in_its_200(wire: Wire) -> None:
    invite = asked(wire)
    (early,) = ring(wire, invite, 183, SDP)
    assert wire.give(prack(wire, early, body=SDP)) == []
    dialog = wire.event(ReinviteReceived).dialog
    dialog.accept_reinvite(body=SDP, now=wire.now)
    (answer,) = wire.take()
    assert (answer.status, answer.cseq_method, answer.body) == (200, "PRACK", SDP)


def test_without_an_offer_there_is_nothing_to_be_said_reliably(wire: Wire) -> None:
    """RFC 3261 13.2.1: the first reliable response would have to carry the offer."""
    assert ring(wire, asked(wire, body=b"")) == []


def offered(wire: Wire) -> tuple[IncomingInvite, Message]:
    """A caller that left the offer to us has it in our first reliable response."""
    invite = asked(wire, body=b"")
    needed_before = invite.needs_offer
    (early,) = ring(wire, invite, body=SDP)
    assert (needed_before, invite.needs_offer) == (True, False)
    return invite, early


def test_an_offer_in_the_first_of_them_is_answered_in_its_prack(wire: Wire) -> None:
    """RFC 3262 section 5: "If the INVITE did not contain an offer, the first reliable provisional
    response MUST contain one", and "the UAC MUST generate an answer in the PRACK"."""
    invite, early = offered(wire)
    assert (early.get("require"), early.body) == ("100rel", SDP)
    (answer,) = wire.give(prack(wire, early, body=SDP))
    assert (answer.status, answer.cseq_method, answer.body) == (200, "PRACK", b"")
    assert wire.event(AckReceived).body == SDP
    # What follows has no description: the session is agreed.
    (again,) = ring(wire, invite, 183)
    assert (again.status, again.body) == (183, b"")
    wire.give(prack(wire, again, number=3))
    wire.no_event()
    dialog = invite.accept(body=b"", now=wire.now)
    (ok,) = wire.take()
    assert (ok.status, ok.body, ok.all("content-type")) == (200, b"", [])
    assert not any(one.offered for one in dialog.acceptances.values())


def test_an_offer_that_got_lost_is_made_again(wire: Wire) -> None:
    _, early = offered(wire)
    (first, *_) = wire.wait(0.6)
    assert str(first.message) == str(early)


def test_an_answer_that_comes_twice_is_told_once(wire: Wire) -> None:
    _, early = offered(wire)
    data = prack(wire, early, body=SDP)
    assert [one.status for one in (*wire.give(data), *wire.give(data))] == [200, 200]
    assert wire.event(AckReceived).body == SDP
    wire.no_event()
    assert [one.status for one in wire.give(prack(wire, early, number=3, body=SDP))] == [481]
    wire.no_event()


def test_the_200_waits_for_the_answer_to_the_offer(wire: Wire) -> None:
    invite, early = offered(wire)
    invite.accept(body=b"", now=wire.now)
    assert wire.take() == []
    answers = wire.give(prack(wire, early, body=SDP))
    assert [(one.status, one.cseq_method) for one in answers] == [(200, "PRACK"), (200, "INVITE")]
    assert wire.event(AckReceived).body == SDP


def test_a_prack_without_an_answer_is_told_as_that(wire: Wire) -> None:
    _, early = offered(wire)
    assert [one.status for one in wire.give(prack(wire, early))] == [200]
    assert wire.event(AckReceived).body == b""


MIXED = "multipart/mixed;boundary=x"
ISUP = b"--x\r\nContent-Type: application/isup\r\n\r\n\x01\r\n"
WITH_SDP = b"--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n" + ISUP + b"--x--\r\n"
WITHOUT_SDP = ISUP + b"--x--\r\n"


def of_parts(data: bytes) -> bytes:
    return data.replace(b"Content-Type: application/sdp", f"Content-Type: {MIXED}".encode(), 1)


def test_an_answer_in_a_prack_is_found_among_other_parts(wire: Wire) -> None:
    _, early = offered(wire)
    assert [one.status for one in wire.give(of_parts(prack(wire, early, body=WITH_SDP)))] == [200]
    assert wire.event(AckReceived).body == SDP


def test_a_prack_with_another_body_alone_has_no_answer_and_no_offer(wire: Wire) -> None:
    _, early = offered(wire)
    data = of_parts(prack(wire, early, body=WITHOUT_SDP))
    assert [one.status for one in wire.give(data)] == [200]
    assert wire.event(AckReceived).body == b""
    invite = asked(other := Wire())
    (early,) = ring(other, invite, 183, SDP)
    data = of_parts(prack(other, early, body=WITHOUT_SDP))
    assert [one.status for one in other.give(data)] == [200]
    other.no_event()


def test_a_caller_whose_invite_has_another_body_alone_needs_our_offer(wire: Wire) -> None:
    """RFC 3262 section 5: the first reliable provisional response MUST contain one then."""
    wire.give(request(headers=REQUIRED, body=WITHOUT_SDP, content_type=MIXED))
    wire.take()
    invite = wire.event(InviteReceived).invite
    assert invite.needs_offer
    assert ring(wire, invite) == []


def test_another_offer_before_the_answer_to_ours_is_491(wire: Wire) -> None:
    """RFC 3311 section 5.2."""
    _, early = offered(wire)
    update = request("UPDATE", number=2, to=early.get("to"), body=SDP)
    assert [one.status for one in wire.give(update)] == [491]
    wire.give(prack(wire, early, number=3, body=SDP))
    wire.event(AckReceived)
    wire.give(request("UPDATE", number=4, to=early.get("to"), body=SDP))
    wire.event(ReinviteReceived)


@pytest.mark.parametrize("held", [False, True])
def test_an_answer_that_comes_after_the_end_is_nobodys(wire: Wire, held: bool) -> None:
    """A CANCEL crosses the PRACK, with our 200 waiting or not."""
    wire.give(request(headers=REQUIRED, branch="z9hG4bKoffer"))
    wire.take()
    invite = wire.event(InviteReceived).invite
    (early,) = ring(wire, invite, body=SDP)
    if held:
        invite.accept(body=b"", now=wire.now)
    answers = wire.give(request("CANCEL", branch="z9hG4bKoffer", contact=None))
    assert {200, 487} == {one.status for one in answers}
    wire.event(InviteCancelled)
    assert [one.status for one in wire.give(prack(wire, early, body=SDP))] == [481]
    wire.no_event()
    wire.give(request("ACK", branch="z9hG4bKoffer", to=early.get("to"), contact=None))
    wire.wait(70)
    assert set(wire.stack.counts().values()) == {0}


def test_a_refusal_while_the_answer_is_due_leaves_nothing(wire: Wire) -> None:
    invite, early = offered(wire)
    invite.reject(486, now=wire.now)
    (refused,) = wire.take()
    assert refused.status == 486
    assert [one.status for one in wire.give(prack(wire, early, body=SDP))] == [481]
    wire.no_event()


def test_an_offer_that_nobody_answers_ends_the_invite(wire: Wire) -> None:
    _, _early = offered(wire)
    sent = wire.wait(40)
    assert sent[-1].message.status == 504
    wire.event(InviteCancelled)


# We hear them.


def inviting(wire: Wire) -> tuple[OutgoingInvite, Message]:
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=PEER, from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=SDP, now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    assert "100rel" in message.get("supported")
    return sent, message


def reliable(message: Message, number: int, status: int = 183, tag: str = "far") -> bytes:
    headers = ["Require: 100rel", f"RSeq: {number}"]
    return response(message, status, headers=headers, body=SDP, tag=tag)


def pracks(messages: list[Message]) -> list[str]:
    return [one.get("rack") for one in messages if one.method == "PRACK"]


def test_each_is_acknowledged_once_in_the_early_dialog(wire: Wire) -> None:
    _, message = inviting(wire)
    (sent,) = wire.give(reliable(message, 7))
    assert sent.start_line == "PRACK sip:callee@192.0.2.1 SIP/2.0"
    assert sent.get("rack") == "7 1 INVITE"
    assert sent.get("cseq") == "2 PRACK"
    assert re.search(";tag=far$", sent.get("to"))
    assert wire.event(ProvisionalReceived).response.status == 183
    # It comes again, because our PRACK is on its way: nobody hears of it twice.
    assert wire.give(reliable(message, 7)) == []
    wire.no_event()
    wire.give(response(sent, 200))
    assert pracks(wire.give(reliable(message, 8, 180))) == ["8 1 INVITE"]
    wire.event(ProvisionalReceived)


def test_a_lost_prack_is_sent_again(wire: Wire) -> None:
    _, message = inviting(wire)
    (sent,) = wire.give(reliable(message, 7))
    again = wire.wait(0.6)
    assert [str(one.message) for one in again] == [str(sent)]


def test_one_that_came_too_early_is_not_acknowledged(wire: Wire) -> None:
    _, message = inviting(wire)
    wire.give(reliable(message, 7))
    wire.event(ProvisionalReceived)
    assert wire.give(reliable(message, 9)) == []
    wire.no_event()


def test_forks_count_for_themselves(wire: Wire) -> None:
    _, message = inviting(wire)
    assert pracks(wire.give(reliable(message, 7, tag="one"))) == ["7 1 INVITE"]
    assert pracks(wire.give(reliable(message, 900, tag="two"))) == ["900 1 INVITE"]


@pytest.mark.parametrize("number", ["0", "x", "", "4294967296"])
def test_a_number_that_cannot_be_read_is_no_news(wire: Wire, number: str) -> None:
    _, message = inviting(wire)
    headers = ["Require: 100rel", f"RSeq: {number}"]
    assert wire.give(response(message, 183, headers=headers, body=SDP)) == []
    wire.no_event()


def test_the_answer_after_them_is_as_usual(wire: Wire) -> None:
    _, message = inviting(wire)
    (sent,) = wire.give(reliable(message, 7))
    wire.give(response(sent, 200))
    (ack,) = wire.give(response(message, 200, body=SDP))
    assert ack.get("cseq") == "1 ACK"
    wire.event(ProvisionalReceived)
    dialog = wire.event(InviteAnswered).dialog
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    assert bye.get("cseq") == "3 BYE"
    wire.give(response(bye, 200))
    wire.event(DialogTerminated)
    wire.wait(64)
    assert set(wire.stack.counts().values()) == {0}
