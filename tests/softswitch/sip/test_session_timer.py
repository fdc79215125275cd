"""Session timers and UPDATE, in both roles, with what gets lost (RFC 4028, RFC 3311)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from softswitch.sip.dialog import Dialog
from softswitch.sip.events import (
    AckReceived,
    DialogTerminated,
    InviteAnswered,
    InviteReceived,
    InviteRejected,
    ReinviteAnswered,
    ReinviteReceived,
    SessionRefreshDue,
)
from softswitch.sip.session_timer import MIN_SE
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Sent, Wire, request, response

TIMER = ("Supported: timer",)
UPDATES = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"


@pytest.fixture
def wire() -> Wire:
    return Wire()


def called(wire: Wire, *headers: str) -> tuple[Dialog, Message]:
    """A call of the peer that we have answered: the dialog and our 200."""
    wire.give(request(headers=headers, body=SDP))
    invite = wire.event(InviteReceived).invite
    dialog = invite.accept(body=SDP, now=wire.now)
    (answer,) = [one for one in wire.take() if one.status == 200]
    wire.give(request("ACK", to=answer.get("to"), contact=None))
    wire.events()
    return dialog, answer


def calling(
    wire: Wire, *, interval: int = 0, headers: Sequence[str] = ()
) -> tuple[Dialog, Message]:
    """A call of ours that the peer has answered with these: the dialog and our INVITE."""
    wire.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=PEER, from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=SDP, session_interval=interval,
        now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    wire.give(response(message, 200, body=SDP, headers=headers))
    return wire.event(InviteAnswered).dialog, message


def step(wire: Wire, seconds: float) -> list[Sent]:
    """What is sent within a time, up to the first of it."""
    end = wire.now + seconds
    while wire.now < end:
        sent = wire.wait(min(0.1, end - wire.now))
        if sent:
            return sent
    return []


# What is agreed.


def test_an_invite_of_ours_asks_only_when_it_is_told_to(wire: Wire) -> None:
    _, without = calling(wire)
    assert without.all("session-expires") == []
    _, asking = calling(wire, interval=1800)
    assert asking.get("session-expires") == "1800"
    assert asking.get("min-se") == str(MIN_SE)
    assert "timer" in asking.get("supported")


@pytest.mark.parametrize(
    ("headers", "agreed", "require"),
    [
        ((*TIMER, "Session-Expires: 600"), "600;refresher=uac", ["timer"]),
        ((*TIMER, "x: 600;refresher=uac"), "600;refresher=uac", ["timer"]),
        ((*TIMER, "Session-Expires: 600;refresher=uas"), "600;refresher=uas", []),
        (("Require: timer", "Session-Expires: 600"), "600;refresher=uac", ["timer"]),
        # A proxy asks, and the caller knows nothing of it: we refresh, and need not more than 90 s.
        (("Session-Expires: 600",), "600;refresher=uas", []),
        (("Session-Expires: 60",), "90;refresher=uas", []),
    ],
)
def test_our_answer_says_what_is_agreed(
    wire: Wire, headers: tuple[str, ...], agreed: str, require: list[str]
) -> None:
    """RFC 4028 section 9, table 2."""
    _, answer = called(wire, *headers)
    assert answer.get("session-expires") == agreed
    assert answer.all("require") == require


def test_nobody_asks_and_there_is_none(wire: Wire) -> None:
    _, answer = called(wire, *TIMER)
    assert answer.all("session-expires") == []
    assert wire.wait(100_000) == []


def test_an_interval_that_is_too_short_is_422(wire: Wire) -> None:
    (answer,) = wire.give(request(headers=[*TIMER, "Session-Expires: 89"]))
    assert (answer.status, answer.get("min-se")) == (422, "90")


def test_a_422_is_asked_again_with_what_it_says(wire: Wire) -> None:
    wire.stack.invite(
        uri="sip:c@192.0.2.1", to_flow=PEER, from_="<sip:us>", to="<sip:c>", contact_user="us",
        body=SDP, session_interval=120, now=wire.now,
    )  # fmt: skip
    (first,) = wire.take()
    ack, second = wire.give(response(first, 422, contact=None, headers=["Min-SE: 300"]))
    assert ack.method == "ACK"
    assert second.get("session-expires") == "300"
    assert second.get("min-se") == "300"
    assert second.get("cseq") == "2 INVITE"
    assert second.get("via") != first.get("via")
    wire.give(response(second, 422, contact=None, headers=["Min-SE: 300"]))
    assert wire.event(InviteRejected).status == 422


@pytest.mark.parametrize("line", ["X: y", "Min-SE: 99999999", "Min-SE: x", "Min-SE: 100"])
def test_a_422_that_says_nothing_new_is_a_refusal(wire: Wire, line: str) -> None:
    wire.stack.invite(
        uri="sip:c@192.0.2.1", to_flow=PEER, from_="<sip:us>", to="<sip:c>", contact_user="us",
        body=SDP, session_interval=120, now=wire.now,
    )  # fmt: skip
    (first,) = wire.take()
    wire.give(response(first, 422, contact=None, headers=[line]))
    assert wire.event(InviteRejected).status == 422


# We refresh.


def test_we_refresh_by_update_at_half_time_for_ever(wire: Wire) -> None:
    agreed = ["Session-Expires: 200;refresher=uac", UPDATES]
    _, _ = calling(wire, interval=200, headers=agreed)
    for number in range(5):
        before = wire.now
        (sent,) = step(wire, 101)
        update = sent.message
        assert update.method == "UPDATE"
        assert 99.5 <= sent.at - before <= 100.5
        assert update.get("session-expires") == "200;refresher=uac"
        assert update.get("cseq") == f"{number + 2} UPDATE"
        assert update.body == b""
        wire.give(response(update, 200, headers=agreed))
    wire.no_event()


def test_we_refresh_by_reinvite_where_update_is_not_allowed(wire: Wire) -> None:
    agreed = ["Session-Expires: 200;refresher=uac"]
    dialog, _ = calling(wire, interval=200, headers=agreed)
    wire.wait(100.1)
    assert wire.event(SessionRefreshDue).dialog is dialog
    dialog.reinvite(body=SDP, now=wire.now)
    (reinvite,) = wire.take()
    assert reinvite.get("session-expires") == "200;refresher=uac"
    wire.give(response(reinvite, 200, body=SDP, headers=agreed))
    wire.event(ReinviteAnswered)
    wire.wait(100.1)
    wire.event(SessionRefreshDue)


def test_an_update_that_is_refused_for_good_becomes_a_reinvite(wire: Wire) -> None:
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac", UPDATES])
    (sent,) = step(wire, 101)
    wire.give(response(sent.message, 501, contact=None))
    wire.event(SessionRefreshDue)


def test_an_update_that_is_refused_for_the_moment_is_sent_again(wire: Wire) -> None:
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac", UPDATES])
    (sent,) = step(wire, 101)
    wire.give(response(sent.message, 491, contact=None))
    (again,) = step(wire, 12)
    assert again.what == "UPDATE"


def test_a_longer_interval_is_taken_in_mid_call(wire: Wire) -> None:
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac", UPDATES])
    (sent,) = step(wire, 101)
    (again,) = wire.give(response(sent.message, 422, contact=None, headers=["Min-SE: 400"]))
    assert again.get("session-expires") == "400;refresher=uac"


def test_a_peer_that_always_wants_longer_is_asked_a_few_times(wire: Wire) -> None:
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac", UPDATES])
    (sent,) = step(wire, 101)
    updates, message = 1, sent.message
    for shortest in range(300, 400):
        out = wire.give(response(message, 422, contact=None, headers=[f"Min-SE: {shortest}"]))
        if not out:
            break
        (message,) = out
        # Section 7.1: the largest Min-SE that was received.
        assert message.get("min-se") == str(shortest)
        updates += 1
    assert updates == 3
    wire.wait(200)
    assert wire.event(DialogTerminated).why == "session-expired"


def test_a_peer_that_is_gone_ends_the_dialog(wire: Wire) -> None:
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac", UPDATES])
    wire.wait(100.1)
    sent = wire.wait(40)
    assert "BYE" in [one.what for one in sent]
    assert wire.event(DialogTerminated).why in ("request-timeout", "session-expired")


def test_a_peer_that_knows_the_dialog_no_more_ends_it(wire: Wire) -> None:
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac", UPDATES])
    (sent,) = step(wire, 101)
    wire.give(response(sent.message, 481, contact=None))
    assert wire.event(DialogTerminated).why == "no-such-dialog"


def test_a_refresh_that_nobody_sends_ends_the_dialog_in_time(wire: Wire) -> None:
    """The shell could not send the re-INVITE: the session is not kept for ever."""
    calling(wire, interval=200, headers=["Session-Expires: 200;refresher=uac"])
    wire.wait(167.9)
    wire.event(SessionRefreshDue)
    wire.no_event()
    wire.wait(0.2)
    assert wire.event(DialogTerminated).why == "session-expired"


# The peer refreshes.


def test_a_peer_that_does_not_refresh_ends_the_dialog_before_the_interval_is_over(
    wire: Wire,
) -> None:
    """Section 10: the lesser of 32 seconds and a third before."""
    called(wire, *TIMER, "Session-Expires: 120;refresher=uac")
    assert wire.wait(87.9) == []
    sent = wire.wait(0.2)
    assert [one.what for one in sent] == ["BYE"]
    assert "Session expired" in sent[0].message.get("reason")
    assert wire.event(DialogTerminated).why == "session-expired"


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_refresh_of_the_peer_starts_it_anew(wire: Wire, method: str) -> None:
    dialog, answer = called(wire, *TIMER, "Session-Expires: 120;refresher=uac")
    for number in range(2, 6):
        wire.wait(60)
        headers = [*TIMER, "Session-Expires: 120;refresher=uac"]
        out = wire.give(
            request(
                method,
                number=number,
                to=answer.get("to"),
                headers=headers,
                body=SDP if method == "INVITE" else b"",
            )
        )
        if method == "INVITE":
            wire.event(ReinviteReceived)
            dialog.accept_reinvite(body=SDP, now=wire.now)
            out = wire.take()
            wire.give(request("ACK", number=number, to=answer.get("to"), contact=None))
            wire.event(AckReceived)
        (refreshed,) = [one for one in out if one.status == 200]
        assert refreshed.get("session-expires") == "120;refresher=uac"
    wire.events()
    wire.wait(87)
    wire.no_event()


def test_a_refresh_that_says_nothing_of_it_switches_it_off(wire: Wire) -> None:
    _, answer = called(wire, *TIMER, "Session-Expires: 120;refresher=uac")
    wire.give(request("UPDATE", number=2, to=answer.get("to")))
    assert wire.wait(1000) == []
    wire.no_event()


def test_nothing_is_left_behind(wire: Wire) -> None:
    dialog, _ = calling(wire, interval=200, headers=["Session-Expires: 200", UPDATES])
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.give(response(bye, 200))
    wire.wait(300)
    assert set(wire.stack.counts().values()) == {0}


# UPDATE with an offer.


def test_an_offer_in_an_update_is_answered_in_its_200(wire: Wire) -> None:
    dialog, answer = called(wire)
    wire.give(request("UPDATE", number=2, to=answer.get("to"), body=SDP))
    assert wire.event(ReinviteReceived).dialog is dialog
    dialog.accept_reinvite(body=SDP, now=wire.now)
    (accepted,) = wire.take()
    assert (accepted.status, accepted.cseq_method, accepted.body) == (200, "UPDATE", SDP)
    # There is no ACK to wait for.
    assert wire.wait(40) == []


def test_an_offer_that_cannot_be_taken_changes_nothing(wire: Wire) -> None:
    dialog, answer = called(wire)
    wire.give(request("UPDATE", number=2, to=answer.get("to"), body=SDP))
    wire.event(ReinviteReceived)
    dialog.reject_reinvite(488, now=wire.now)
    assert [one.status for one in wire.take()] == [488]
    wire.give(request("UPDATE", number=3, to=answer.get("to"), body=SDP))
    wire.event(ReinviteReceived)


def test_offers_that_meet_are_refused(wire: Wire) -> None:
    """RFC 3311 section 5.2."""
    dialog, answer = called(wire)
    dialog.reinvite(body=SDP, now=wire.now)
    wire.take()
    (glare,) = wire.give(request("UPDATE", number=2, to=answer.get("to"), body=SDP))
    assert glare.status == 491


def test_a_second_offer_before_the_first_is_answered_is_500_with_retry_after(wire: Wire) -> None:
    _, answer = called(wire)
    wire.give(request("UPDATE", number=2, to=answer.get("to"), body=SDP))
    (second,) = wire.give(request("UPDATE", number=3, to=answer.get("to"), body=SDP))
    assert second.status == 500
    assert 0 <= int(second.get("retry-after")) <= 10


def test_an_update_that_comes_twice_gets_the_same_answer(wire: Wire) -> None:
    _, answer = called(wire)
    data = request("UPDATE", number=2, to=answer.get("to"), branch="z9hG4bKtwice")
    assert [str(one) for one in wire.give(data)] == [str(one) for one in wire.give(data)]
