"""Requests of ours that are challenged: sent again with credentials, once for each who asks."""

from __future__ import annotations

import re

import pytest

from softswitch.sip.authorizing import MAX_TRIES
from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import Credentials
from softswitch.sip.events import (
    DialogTerminated,
    InviteAnswered,
    InviteRejected,
    ReferProgressed,
    ReinviteAnswered,
    ResponseReceived,
)
from softswitch.sip.invite_client import OutgoingInvite
from tests.support.agents import Pseudorandom
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Wire, response

ASKS = 'WWW-Authenticate: Digest realm="carrier", nonce="n1", algorithm=SHA-256, qop="auth"'
PROXY_ASKS = 'Proxy-Authenticate: Digest realm="proxy", nonce="p1", qop="auth"'
STALE = ASKS.replace("n1", "n2") + ", stale=true"


@pytest.fixture
def wire() -> Wire:
    return Wire()


def credentials() -> Credentials:
    return Credentials("us", "secret", random_bytes=Pseudorandom(5))


def invite(wire: Wire, who: Credentials | None = None) -> tuple[OutgoingInvite, Message]:
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1",
        to_flow=PEER,
        from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>",
        contact_user="us",
        body=SDP,
        headers=(("Subject", "x"),),
        credentials=who or credentials(),
        now=wire.now,
    )
    (message,) = wire.take()
    return sent, message


def challenged(wire: Wire, message: Message, status: int, asks: str) -> list[Message]:
    """What follows a challenge, without the ACK that ends an INVITE's transaction."""
    out = wire.give(response(message, status, contact=None, headers=[asks]))
    return [one for one in out if one.method != "ACK"]


def parameter(message: Message, header: str, name: str) -> str:
    found = re.findall(rf'{name}="?([^",]+)', message.get(header))
    assert found, message.get(header)
    return str(found[0])


def test_an_invite_goes_on_with_credentials(wire: Wire) -> None:
    sent, first = invite(wire)
    out = wire.give(response(first, 401, contact=None, headers=[ASKS]))
    ack, second = out
    assert ack.method == "ACK"
    assert second.method == "INVITE"
    # 22.2 and 8.1.3.5: "the same value of the Call-ID, To, and From", "the CSeq should contain a
    # new sequence number that is one higher".
    for name in ("call-id", "to", "from", "subject", "contact"):
        assert second.get(name) == first.get(name), name
    assert second.get("cseq") == "2 INVITE"
    assert second.get("via") != first.get("via")
    assert second.body == SDP
    assert parameter(second, "authorization", "username") == "us"
    assert parameter(second, "authorization", "realm") == "carrier"
    assert parameter(second, "authorization", "uri") == "sip:callee@192.0.2.1"
    assert parameter(second, "authorization", "nc") == "00000001"
    assert "secret" not in str(second)
    wire.no_event()
    (ack,) = wire.give(response(second, 200, body=SDP))
    assert ack.get("cseq") == "2 ACK"
    assert ack.get("authorization") == second.get("authorization")
    answered = wire.event(InviteAnswered)
    assert answered.invite is sent
    assert answered.dialog.local_cseq == 2


def test_a_lost_second_invite_is_sent_again(wire: Wire) -> None:
    _, first = invite(wire)
    (second,) = challenged(wire, first, 401, ASKS)
    again = [one.message for one in wire.wait(0.6) if one.what == "INVITE"]
    assert [str(one) for one in again] == [str(second)]


def test_a_challenge_that_comes_twice_is_answered_once(wire: Wire) -> None:
    _, first = invite(wire)
    assert len(challenged(wire, first, 401, ASKS)) == 1
    assert challenged(wire, first, 401, ASKS) == []


def test_proxy_and_server_may_both_ask(wire: Wire) -> None:
    _, first = invite(wire)
    (second,) = challenged(wire, first, 407, PROXY_ASKS)
    assert parameter(second, "proxy-authorization", "realm") == "proxy"
    (third,) = challenged(wire, second, 401, ASKS)
    assert parameter(third, "proxy-authorization", "realm") == "proxy"
    assert parameter(third, "authorization", "realm") == "carrier"
    assert third.get("cseq") == "3 INVITE"


def test_who_does_not_like_our_password_is_not_asked_again(wire: Wire) -> None:
    _, first = invite(wire)
    (second,) = challenged(wire, first, 401, ASKS)
    assert challenged(wire, second, 401, ASKS.replace("n1", "n9")) == []
    assert wire.event(InviteRejected).status == 401


def test_a_stale_nonce_is_answered_anew_but_not_for_ever(wire: Wire) -> None:
    _, message = invite(wire)
    (message,) = challenged(wire, message, 401, ASKS)
    for _ in range(MAX_TRIES - 2):
        (message,) = challenged(wire, message, 401, STALE)
        assert parameter(message, "authorization", "nonce") == "n2"
    assert challenged(wire, message, 401, STALE) == []
    assert wire.event(InviteRejected).status == 401


@pytest.mark.parametrize(
    "asks",
    [
        'WWW-Authenticate: Digest realm="carrier", nonce="n", algorithm=ROT13',
        'WWW-Authenticate: Basic realm="carrier"',
        "X-Nothing: x",
        PROXY_ASKS,
    ],
)
def test_what_cannot_be_answered_is_a_refusal(wire: Wire, asks: str) -> None:
    _, first = invite(wire)
    assert challenged(wire, first, 401, asks) == []
    assert wire.event(InviteRejected).status == 401


def test_without_credentials_a_challenge_is_a_refusal(wire: Wire) -> None:
    wire.stack.invite(
        uri="sip:x@192.0.2.1", to_flow=PEER, from_="<sip:us>", to="<sip:x>", contact_user="",
        body=SDP, now=wire.now,
    )  # fmt: skip
    (first,) = wire.take()
    assert challenged(wire, first, 401, ASKS) == []
    assert wire.event(InviteRejected).status == 401


def test_a_cancelled_invite_is_not_sent_again(wire: Wire) -> None:
    sent, first = invite(wire)
    sent.cancel(now=wire.now)
    assert challenged(wire, first, 401, ASKS) == []
    assert wire.event(InviteRejected).why == "cancelled"


def test_the_cancel_of_the_second_invite_is_the_second_ones(wire: Wire) -> None:
    sent, first = invite(wire)
    (second,) = challenged(wire, first, 401, ASKS)
    sent.cancel(now=wire.now)
    (cancel,) = wire.give(response(second, 180))
    assert cancel.method == "CANCEL"
    assert cancel.get("via") == second.get("via")
    assert cancel.get("cseq") == "2 CANCEL"


def up(wire: Wire) -> Dialog:
    """A dialog whose INVITE was challenged."""
    _, first = invite(wire)
    (second,) = challenged(wire, first, 401, ASKS)
    wire.give(response(second, 200, body=SDP))
    return wire.event(InviteAnswered).dialog


def test_requests_in_the_dialog_are_answered_too(wire: Wire) -> None:
    dialog = up(wire)
    dialog.request("INFO", now=wire.now)
    (info,) = wire.take()
    (again,) = challenged(wire, info, 401, ASKS)
    assert again.get("cseq") == "4 INFO"
    # The nonce is counted on through the whole call.
    assert parameter(again, "authorization", "nc") == "00000002"
    wire.give(response(again, 200))
    assert wire.event(ResponseReceived).response.status == 200
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    assert bye.get("cseq") == "5 BYE"
    wire.event(DialogTerminated)
    (bye,) = challenged(wire, bye, 407, PROXY_ASKS)
    assert bye.get("cseq") == "6 BYE"
    wire.give(response(bye, 200))
    assert wire.stack.counts()["dialogs"] == 0


def test_a_reinvite_is_answered_too_and_its_ack_has_the_credentials(wire: Wire) -> None:
    dialog = up(wire)
    dialog.reinvite(body=SDP, now=wire.now)
    (first,) = wire.take()
    (second,) = challenged(wire, first, 401, ASKS)
    (ack,) = wire.give(response(second, 200, body=SDP))
    wire.event(ReinviteAnswered)
    assert ack.get("cseq").split()[0] == second.get("cseq").split()[0]
    assert ack.get("authorization") == second.get("authorization")


def test_a_refer_is_answered_too_and_told_of_by_its_new_number(wire: Wire) -> None:
    dialog = up(wire)
    dialog.refer("sip:else@192.0.2.1", referred_by=f"sip:us@{US}", now=wire.now)
    (first,) = wire.take()
    (second,) = challenged(wire, first, 401, ASKS)
    wire.give(response(second, 202))
    assert wire.event(ReferProgressed).status == 202
    number = second.get("cseq").split()[0]
    assert dialog.outgoing_refer is not None
    assert dialog.outgoing_refer.is_meant(number)


def test_options_outside_of_a_dialog_are_answered_too(wire: Wire) -> None:
    wire.stack.request(
        "OPTIONS", uri="sip:192.0.2.1", to_flow=PEER, from_=f"<sip:us@{US}>", to="<sip:192.0.2.1>",
        credentials=credentials(), now=wire.now,
    )  # fmt: skip
    (first,) = wire.take()
    (second,) = challenged(wire, first, 401, ASKS)
    assert second.get("cseq") == "2 OPTIONS"
    wire.give(response(second, 200))
    assert wire.event(ResponseReceived).response.status == 200


def test_nothing_is_left_behind(wire: Wire) -> None:
    dialog = up(wire)
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.give(response(bye, 200))
    wire.wait(64)
    assert set(wire.stack.counts().values()) == {0}
