"""INVITEs of ours: answers, forks, ACKs, CANCEL and its races (RFC 3261 sections 9.1 and 13.2)."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog, DialogState
from softswitch.sip.digest import Credentials
from softswitch.sip.events import (
    ByeReceived,
    DialogTerminated,
    ForkAnswered,
    InviteAnswered,
    InviteRejected,
    ProvisionalReceived,
)
from softswitch.sip.flow import Flow
from softswitch.sip.invite_client import MAX_FORKS, OutgoingInvite
from softswitch.sip.late_answers import MAX_LATE_ANSWERS
from softswitch.sip.stack import ALLOW
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Wire, request, response


@pytest.fixture
def wire() -> Wire:
    return Wire()


def invite(
    wire: Wire, *, body: bytes = SDP, owner: object = None
) -> tuple[OutgoingInvite, Message]:
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1",
        to_flow=PEER,
        from_=f'"Caller" <sip:us@{US}>',
        to="<sip:callee@192.0.2.1>",
        contact_user="us",
        body=body,
        headers=(("P-Asserted-Identity", f"<sip:us@{US}>"), ("Call-ID", "mine"), ("Subject", "x")),
        call_id="own-call-id",
        owner=owner,
        now=wire.now,
    )
    (message,) = wire.take()
    return sent, message


def answered(wire: Wire, **more: str) -> tuple[Dialog, Message, Message]:
    """Answer an INVITE; gives the dialog, the INVITE and its ACK."""
    _, message = invite(wire)
    (ack,) = wire.give(response(message, 200, body=SDP, **more))
    return wire.event(InviteAnswered).dialog, message, ack


# What goes out.


def test_the_invite_says_what_it_must(wire: Wire) -> None:
    """8.1.1 and 13.2.1."""
    sent, message = invite(wire)
    assert message.start_line == "INVITE sip:callee@192.0.2.1 SIP/2.0"
    assert message.get("via").startswith(f"SIP/2.0/UDP {US}:5060;rport;branch=z9hG4bK")
    assert message.get("from") == f'"Caller" <sip:us@{US}>;tag={sent.local_tag}'
    assert message.get("to") == "<sip:callee@192.0.2.1>"
    assert message.get("contact") == f"<sip:us@{US}:5060>"
    assert message.get("allow") == ", ".join(ALLOW)
    assert message.all("supported") == ["timer, 100rel, replaces, norefersub"]
    assert message.get("p-asserted-identity") == f"<sip:us@{US}>"
    assert message.get("subject") == "x"
    assert message.get("user-agent") == "test"
    assert message.all("call-id") == ["own-call-id"] == [sent.call_id]
    assert (message.body, message.get("content-type")) == (SDP, "application/sdp")


def test_over_tcp_via_and_contact_say_so(wire: Wire) -> None:
    wire.stack.invite(
        uri="sip:callee@192.0.2.1;transport=tcp",
        to_flow=Flow("tcp", "192.0.2.1", 5060),
        from_="<sip:us>",
        to="<sip:callee@192.0.2.1>",
        contact_user="",
        now=wire.now,
    )
    (message,) = wire.take()
    assert message.get("via").startswith(f"SIP/2.0/TCP {US}:5060;branch=")
    assert message.contact == f"sip:{US}:5060;transport=tcp"


def test_a_contact_user_is_escaped(wire: Wire) -> None:
    wire.stack.invite(
        uri="sip:x", to_flow=PEER, from_="<sip:us>", to="<sip:x>", contact_user="a b>@c", now=1.0
    )
    (message,) = wire.take()
    assert message.contact == f"sip:a%20b%3E%40c@{US}:5060"


# The answer.


def test_the_ack_of_a_2xx_is_a_request_of_its_own(wire: Wire) -> None:
    """13.2.2.4: same CSeq number, method ACK, a branch of its own, to the remote target."""
    dialog, message, ack = answered(wire, contact="<sip:callee@192.0.2.8:5070>")
    assert ack.start_line == "ACK sip:callee@192.0.2.8:5070 SIP/2.0"
    assert (ack.cseq, ack.cseq_method) == (message.cseq, "ACK")
    assert ack.branch != message.branch
    assert ack.to_tag == dialog.remote_tag == "far"
    assert ack.from_tag == dialog.local_tag
    assert ack.call_id == "own-call-id"
    assert not ack.body
    assert wire.log[-1].flow[:3] == ("udp", "192.0.2.8", 5070)
    assert dialog.state is DialogState.CONFIRMED


def test_every_repeated_2xx_gets_the_same_ack_and_is_told_once(wire: Wire) -> None:
    """13.2.2.4: the UAC core MUST generate an ACK for each 2xx; 64*T1 it must be able to."""
    _, message, ack = answered(wire)
    for _ in range(5):
        wire.wait(6)
        (again,) = wire.give(response(message, 200, body=SDP))
        assert str(again) == str(ack)
    wire.no_event()


def test_the_owner_goes_from_invite_to_dialog(wire: Wire) -> None:
    owner = object()
    sent, message = invite(wire, owner=owner)
    wire.give(response(message, 180))
    assert wire.event(ProvisionalReceived).dialog.owner is owner  # type: ignore[union-attr]
    sent.owner = other = object()
    wire.give(response(message, 200))
    assert wire.event(InviteAnswered).dialog.owner is other


def test_a_delayed_offer_waits_for_our_answer(wire: Wire) -> None:
    """13.2.1: if the offer is in the 2xx, the answer MUST be in the ACK."""
    _, message = invite(wire, body=b"")
    assert not wire.give(response(message, 200, body=SDP))
    dialog = wire.event(InviteAnswered).dialog
    assert not wire.give(response(message, 200, body=SDP)), "repeated before we had an answer"
    dialog.acknowledge(body=b"v=0 answer", now=wire.now)
    (ack,) = wire.take()
    assert (ack.body, ack.get("content-type")) == (b"v=0 answer", "application/sdp")
    (again,) = wire.give(response(message, 200, body=SDP))
    assert str(again) == str(ack)
    dialog.acknowledge(body=b"twice", now=wire.now)
    assert not wire.take()


def test_a_bye_instead_of_an_answer_sends_the_ack_first(wire: Wire) -> None:
    _, message = invite(wire, body=b"")
    wire.give(response(message, 200, body=SDP))
    wire.event(InviteAnswered).dialog.bye(now=wire.now)
    assert [m.method for m in wire.take()] == ["ACK", "BYE"]


def test_an_early_dialog_becomes_the_confirmed_one(wire: Wire) -> None:
    """13.2.2.4: if an early dialog matches, it MUST be transitioned to confirmed."""
    _, message = invite(wire)
    wire.give(response(message, 183, contact="<sip:first@192.0.2.1>"))
    early = wire.event(ProvisionalReceived).dialog
    assert early is not None
    assert early.state is DialogState.EARLY
    more = ["Record-Route: <sip:p2@192.0.2.5;lr>", "Record-Route: <sip:p1@192.0.2.6;lr>"]
    wire.give(response(message, 200, contact="<sip:second@192.0.2.1>", headers=more))
    assert wire.event(InviteAnswered).dialog is early
    assert early.remote_target == "sip:second@192.0.2.1"
    assert early.route_set == ("<sip:p1@192.0.2.6;lr>", "<sip:p2@192.0.2.5;lr>")


def test_a_provisional_without_tag_makes_no_dialog(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 180, tag=""))
    assert wire.event(ProvisionalReceived).dialog is None


def test_a_peer_that_sets_no_tag_is_talked_to(wire: Wire) -> None:
    """12.1.2: a UAC MUST be prepared to receive a response without a tag in To."""
    wire.strict = False
    _, message = invite(wire)
    (ack,) = wire.give(response(message, 200, tag=""))
    assert ack.get("to") == "<sip:callee@192.0.2.1>"
    dialog = wire.event(InviteAnswered).dialog
    data = request(
        "BYE",
        call_id="own-call-id",
        from_="<sip:callee@192.0.2.1>",
        to=f"<sip:us@{US}>;tag={dialog.local_tag}",
    )
    assert [m.status for m in wire.give(data)] == [200]
    wire.event(ByeReceived)


# Forks (13.2.2.4, 12.1.2).


def test_the_first_answer_wins_and_later_ones_are_ended(wire: Wire) -> None:
    """13.2.2.4: a 2xx of another fork is acknowledged, and its dialog ended with BYE."""
    sent, message = invite(wire)
    for tag in ("one", "two", "three"):
        wire.give(response(message, 180, tag=tag))
    dialogs = [wire.event(ProvisionalReceived).dialog for _ in range(3)]
    assert len(set(map(id, dialogs))) == 3
    wire.give(response(message, 200, tag="two"))
    answer = wire.event(InviteAnswered)
    assert answer.dialog is dialogs[1]
    assert wire.stack.counts()["dialogs"] == 1, "the other early dialogs are dropped"
    ack, bye = wire.give(response(message, 200, tag="three", contact="<sip:3@192.0.2.3>"))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert ack.to_tag == bye.to_tag == "three"
    assert bye.uri == "sip:3@192.0.2.3"
    event = wire.event(ForkAnswered)
    assert event.invite is sent
    assert event.response.to_tag == "three"
    (again,) = wire.give(response(message, 200, tag="three"))
    assert str(again) == str(ack)
    wire.give(response(bye, 200))
    wire.no_event()
    assert wire.stack.counts()["dialogs"] == 1


def test_each_of_many_forks_is_acknowledged_and_ended(wire: Wire) -> None:
    """13.2.2.4: "The UAC core MUST generate an ACK request for each 2xx", again for a repeated one,
    and a BYE for each that is not wanted."""
    _, message = invite(wire)
    tags = [f"t{number}" for number in range(40)]
    for tag in tags:
        wire.give(response(message, 183, tag=tag))
    wire.give(response(message, 200, tag="t7"))
    wire.events()
    acks, byes = {}, []
    for tag in tags:
        if tag == "t7":
            continue
        ack, bye = wire.give(response(message, 200, tag=tag, contact=f"<sip:{tag}@192.0.2.1>"))
        assert (ack.method, ack.uri, ack.to_tag) == ("ACK", f"sip:{tag}@192.0.2.1", tag)
        assert (bye.method, bye.uri, bye.to_tag) == ("BYE", f"sip:{tag}@192.0.2.1", tag)
        acks[tag] = ack
        byes.append(bye)
        wire.event(ForkAnswered)
    for tag, ack in acks.items():
        (again,) = wire.give(response(message, 200, tag=tag))
        assert str(again) == str(ack)
    for bye in byes:
        wire.give(response(bye, 200))
    wire.no_event()
    assert wire.stack.counts()["dialogs"] == 1
    assert not wire.stack.drops["too-many-forks"]


@pytest.mark.parametrize("status", [486, 487, 603])
def test_an_answer_after_a_refusal_is_acknowledged_and_ended(wire: Wire, status: int) -> None:
    """16.7: a proxy forwards any 2xx, even after it has forwarded a refusal; 13.2.2.4 then."""
    _, message = invite(wire)
    if status == 487:
        wire.give(response(message, 180, tag="one"))
        wire.event(ProvisionalReceived).invite.cancel(now=wire.now)
        (cancel,) = wire.take()
        wire.give(response(cancel, 200))
    wire.give(response(message, status, tag="one"))
    wire.event(InviteRejected)
    late = response(
        message, 200, tag="two", contact="<sip:2@192.0.2.2>", body=SDP,
        headers=["Record-Route: <sip:192.0.2.1;lr>"],
    )  # fmt: skip
    ack, bye = wire.give(late)
    for one, method, number in ((ack, "ACK", 1), (bye, "BYE", 2)):
        assert (one.method, one.cseq, one.uri) == (method, number, "sip:2@192.0.2.2")
        assert (one.to_tag, one.get("route")) == ("two", "<sip:192.0.2.1;lr>")
        assert one.call_id == message.call_id
        assert one.get("from") == message.get("from")
    (again,) = wire.give(late)
    assert str(again) == str(ack)
    wire.give(response(bye, 200))
    (again,) = wire.give(late)
    assert str(again) == str(ack)
    wire.no_event()
    assert wire.stack.counts()["dialogs"] == 0
    wire.wait(40)
    assert wire.stack.counts()["client_transactions"] == 0
    assert wire.give(late) == []


def test_answers_after_a_refusal_are_bounded(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 486, tag="one"))
    for number in range(MAX_LATE_ANSWERS + 3):
        wire.give(response(message, 200, tag=f"t{number}"))
    assert wire.stack.counts()["dialogs"] == MAX_LATE_ANSWERS
    assert wire.stack.drops["late-answer"] == 3
    wire.event(InviteRejected)
    wire.no_event()


def test_an_answer_after_the_refusal_of_a_reinvite_ends_nothing(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 200, tag="one", body=SDP))
    dialog = wire.event(InviteAnswered).dialog
    dialog.reinvite(body=SDP, now=wire.now)
    (again,) = wire.take()
    wire.give(response(again, 488))
    wire.events()
    for tag in ("one", "two"):
        data = response(again, 200).replace(b";tag=one", f";tag={tag}".encode())
        assert wire.give(data) == []
    wire.no_event()
    assert wire.stack.drops["late-answer"] == 2
    assert dialog.state is DialogState.CONFIRMED


def test_an_answer_after_the_challenge_of_a_first_try_leaves_the_second_alone(wire: Wire) -> None:
    """The ACK has the number of the INVITE that was answered."""
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=PEER, from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=SDP,
        credentials=Credentials("us", "secret"), now=wire.now,
    )  # fmt: skip
    (first,) = wire.take()
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5'
    _, second = wire.give(response(first, 401, tag="one", headers=[challenge]))
    assert (second.method, second.cseq) == ("INVITE", 2)
    ack, bye = wire.give(response(first, 200, tag="two"))
    assert (ack.method, ack.cseq, bye.method) == ("ACK", 1, "BYE")
    wire.no_event()
    (ack,) = wire.give(response(second, 200, tag="three"))
    assert (ack.cseq, ack.to_tag) == (2, "three")
    assert wire.event(InviteAnswered).invite is sent


def test_forks_are_bounded(wire: Wire) -> None:
    _, message = invite(wire)
    for number in range(MAX_FORKS + 5):
        wire.give(response(message, 180, tag=f"t{number}"))
    assert wire.stack.counts()["dialogs"] == MAX_FORKS
    assert len(wire.events()) == MAX_FORKS + 5
    for number in range(MAX_FORKS + 5):
        wire.give(response(message, 200, tag=f"t{number}"))
    assert wire.stack.drops["too-many-forks"] == 5


def test_a_refusal_drops_every_early_dialog(wire: Wire) -> None:
    sent, message = invite(wire)
    for tag in ("one", "two"):
        wire.give(response(message, 180, tag=tag))
        wire.event(ProvisionalReceived)
    wire.give(response(message, 603, tag="one"))
    event = wire.event(InviteRejected)
    assert (event.invite, event.status, event.why) == (sent, 603, "response")
    assert event.response is not None
    wire.no_event()
    assert wire.stack.counts()["dialogs"] == 0


# CANCEL (9.1).


def test_a_cancel_waits_for_a_provisional_response(wire: Wire) -> None:
    """9.1: if no provisional response has been received, the CANCEL MUST NOT be sent."""
    sent, message = invite(wire)
    sent.cancel(headers=[("Reason", "SIP;cause=200")], now=wire.now)
    assert not wire.take()
    (cancel,) = wire.give(response(message, 100))
    assert cancel.method == "CANCEL"
    assert cancel.get("reason") == "SIP;cause=200"


def test_a_cancel_repeats_what_it_must(wire: Wire) -> None:
    """9.1: Request-URI, Call-ID, To, CSeq number, From and top Via as in the INVITE."""
    sent, message = invite(wire)
    wire.give(response(message, 180))
    sent.cancel(now=wire.now)
    (cancel,) = wire.take()
    assert cancel.uri == message.uri
    assert cancel.all("via") == message.all("via")
    for name in ("call-id", "to", "from"):
        assert cancel.get(name) == message.get(name)
    assert (cancel.cseq, cancel.cseq_method) == (message.cseq, "CANCEL")
    assert wire.log[-1].flow == PEER


def test_a_cancel_is_sent_once_and_resent_by_its_transaction(wire: Wire) -> None:
    sent, message = invite(wire)
    wire.give(response(message, 180))
    sent.cancel(now=wire.now)
    sent.cancel(now=wire.now)
    assert len(wire.take()) == 1
    wire.give(response(message, 183))
    assert [one.what for one in wire.wait(1.6)] == ["CANCEL", "CANCEL"]


def test_487_ends_a_cancelled_invite(wire: Wire) -> None:
    sent, message = invite(wire)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    sent.cancel(now=wire.now)
    (cancel,) = wire.take()
    wire.give(response(cancel, 200))
    wire.no_event()
    (ack,) = wire.give(response(message, 487))
    assert ack.method == "ACK"
    event = wire.event(InviteRejected)
    assert (event.status, event.why) == (487, "cancelled")
    wire.wait(100)
    wire.no_event()
    assert not any(wire.stack.counts().values())


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended(wire: Wire) -> None:
    """9.1: the 200 won the race: ACK, then BYE."""
    sent, message = invite(wire)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    sent.cancel(now=wire.now)
    wire.take()
    ack, bye = wire.give(response(message, 200, body=SDP))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    event = wire.event(InviteRejected)
    assert (event.status, event.why) == (487, "cancelled")
    (again,) = wire.give(response(message, 200, body=SDP))
    assert str(again) == str(ack)
    wire.give(response(bye, 200))
    wire.wait(100)
    wire.no_event()
    assert not any(wire.stack.counts().values())


def test_another_refusal_that_crosses_the_cancel_keeps_its_status(wire: Wire) -> None:
    sent, message = invite(wire)
    wire.give(response(message, 180))
    sent.cancel(now=wire.now)
    wire.event(ProvisionalReceived)
    wire.give(response(message, 486))
    event = wire.event(InviteRejected)
    assert (event.status, event.why) == (486, "cancelled")


def test_a_cancelled_invite_that_is_never_answered_is_given_up(wire: Wire) -> None:
    """9.1: no final response in 64*T1: consider the transaction cancelled and destroy it."""
    sent, message = invite(wire)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    sent.cancel(now=wire.now)
    (cancel,) = wire.take()
    wire.give(response(cancel, 200))
    wire.wait(31.9)
    wire.no_event()
    wire.wait(0.2)
    event = wire.event(InviteRejected)
    assert (event.status, event.why, event.response) == (487, "cancelled", None)
    assert not any(wire.stack.counts().values())


def test_a_cancelled_invite_without_any_response_times_out(wire: Wire) -> None:
    sent, _ = invite(wire)
    sent.cancel(now=wire.now)
    assert {one.what for one in wire.wait(100)} == {"INVITE"}
    event = wire.event(InviteRejected)
    assert (event.status, event.why) == (487, "cancelled")
    wire.no_event()


@pytest.mark.parametrize("status", [200, 486])
def test_a_cancel_that_comes_too_late_does_nothing(wire: Wire, status: int) -> None:
    sent, message = invite(wire)
    wire.give(response(message, status))
    sent.cancel(now=wire.now)
    assert not wire.take()


def test_progress_after_the_cancel_is_still_told_in_order(wire: Wire) -> None:
    sent, message = invite(wire)
    wire.give(response(message, 180))
    sent.cancel(now=wire.now)
    wire.give(response(message, 183))
    wire.give(response(message, 487))
    assert [type(event) for event in wire.events()] == [
        ProvisionalReceived,
        ProvisionalReceived,
        InviteRejected,
    ]


# The peer ends.


def test_the_callee_hangs_up(wire: Wire) -> None:
    dialog, _, _ = answered(wire)
    data = request(
        "BYE",
        call_id="own-call-id",
        from_="<sip:callee@192.0.2.1>;tag=far",
        to=f"<sip:us@{US}>;tag={dialog.local_tag}",
        headers=["Reason: Q.850;cause=16"],
    )
    assert [m.status for m in wire.give(data)] == [200]
    assert wire.event(ByeReceived).request.headers.get("Reason") == "Q.850;cause=16"
    assert wire.event(DialogTerminated).dialog is dialog


def test_a_bye_on_an_early_dialog_of_ours_leaves_the_invite(wire: Wire) -> None:
    """15: the callee MUST NOT; if it does, only that early dialog is gone."""
    sent, message = invite(wire)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    data = request(
        "BYE",
        call_id="own-call-id",
        from_="<sip:callee@192.0.2.1>;tag=far",
        to=f"<sip:us@{US}>;tag={sent.local_tag}",
    )
    assert [m.status for m in wire.give(data)] == [200]
    wire.no_event()
    wire.give(response(message, 486))
    wire.event(InviteRejected)
    wire.wait(100)
    assert not any(wire.stack.counts().values())


def test_a_callee_that_left_its_early_dialog_is_not_joined_by_its_answer(wire: Wire) -> None:
    """15: "the callee's UA MUST NOT send a BYE on early dialogs"; one that does is taken at its
    word: its later 2xx is acknowledged and ended, and the INVITE has come to nothing."""
    _, message = invite(wire)
    wire.give(response(message, 180, tag="one"))
    early = wire.event(ProvisionalReceived).dialog
    assert early is not None
    data = request(
        "BYE",
        call_id="own-call-id",
        from_="<sip:callee@192.0.2.1>;tag=one",
        to=f"<sip:us@{US}>;tag={early.local_tag}",
    )
    assert [m.status for m in wire.give(data)] == [200]
    ack, bye = wire.give(response(message, 200, tag="one", body=SDP))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    wire.give(response(bye, 200))
    (rejected,) = [event for event in wire.events() if isinstance(event, InviteRejected)]
    assert rejected.status == 480
    wire.wait(70.0)
    assert not any(wire.stack.counts().values())
