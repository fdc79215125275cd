"""Responses that do not come from where their request went: whoever knows the branch is not the
peer (RFC 3261 sections 17.1.3, 18.1.2 and 26.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.digest import Credentials
from softswitch.sip.events import (
    AckReceived,
    ByeReceived,
    DialogTerminated,
    ForkAnswered,
    InviteAnswered,
    InviteReceived,
    InviteRejected,
    ProbeChanged,
    ProvisionalReceived,
    RegistrationChanged,
    ReinviteAnswered,
    ResponseReceived,
    ResponseRefused,
)
from softswitch.sip.flow import Flow
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.peer import FROM_ELSEWHERE
from softswitch.sip.stack import Trace
from tests.support.sip_text import Message
from tests.support.wire import PEER, SDP, US, Wire, request, response

SPOOFER = Flow("udp", "203.0.113.66", 5060)
SECOND = Flow("udp", "192.0.2.2", 5060)
"""Another host of the peer's."""
OTHER = Flow("udp", "192.0.2.3", 5060)
"""Another trunk's."""
OWNERS = {PEER.host: "peer", SECOND.host: "peer", OTHER.host: "other"}


def answers(peer: object, asked: Flow, flow: Flow) -> bool:
    return asked.transport == flow.transport and OWNERS.get(flow.host) == peer


@pytest.fixture
def wire() -> Wire:
    made = Wire()
    made.stack.tell_strangers(lambda host: host not in OWNERS)
    made.stack.tell_answers(answers)
    return made


def invite(wire: Wire, to_flow: Flow = PEER, **settings: object) -> tuple[OutgoingInvite, Message]:
    sent = wire.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=to_flow, from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=SDP, peer="peer", now=wire.now,
        **settings,  # type: ignore[arg-type]
    )  # fmt: skip
    (message,) = wire.take()
    return sent, message


@pytest.mark.parametrize("source", [SPOOFER, OTHER])
@pytest.mark.parametrize("status", [100, 180, 183, 200, 302, 401, 486, 503, 603])
def test_a_response_to_an_invite_from_elsewhere_does_nothing(
    wire: Wire, status: int, source: Flow
) -> None:
    sent, message = invite(wire)
    assert wire.give(response(message, status, body=SDP if status < 300 else b""), source) == []
    refused = wire.event(ResponseRefused)
    assert (refused.who, refused.asked, refused.flow) == ("peer", PEER, source)
    wire.no_event()
    assert wire.stack.drops[FROM_ELSEWHERE] == 1
    assert not sent.is_heard
    # It is sent again as if nothing had come, and the peer answers it.
    assert [one.what for one in wire.wait(0.6)] == ["INVITE"]
    wire.give(response(message, 200, body=SDP))
    assert wire.event(InviteAnswered).dialog.flow == PEER


def test_a_response_from_elsewhere_is_in_the_trace_with_its_reason(wire: Wire) -> None:
    seen: list[Trace] = []
    _, message = invite(wire)
    wire.stack.trace = seen.append
    wire.give(response(message, 200, body=SDP), SPOOFER)
    assert [(one.direction, one.reason) for one in seen] == [("in", ""), ("drop", FROM_ELSEWHERE)]
    assert seen[-1].flow == SPOOFER


@pytest.mark.parametrize("source", [PEER, PEER._replace(port=40000), SECOND])
def test_the_peer_answers_from_any_port_and_any_host_of_its(wire: Wire, source: Flow) -> None:
    _, message = invite(wire)
    wire.give(response(message, 180), source)
    wire.event(ProvisionalReceived)
    wire.give(response(message, 200, body=SDP), source)
    wire.event(InviteAnswered)
    wire.no_event()


def test_one_refused_is_not_acknowledged_to_a_spoofer(wire: Wire) -> None:
    """17.1.1.3: an ACK would tell it that it has met."""
    _, message = invite(wire)
    assert wire.give(response(message, 486), SPOOFER) == []
    wire.event(ResponseRefused)
    acks = wire.give(response(message, 486))
    assert [one.method for one in acks] == ["ACK"]
    assert wire.event(InviteRejected).status == 486
    # And when the transaction only lingers: its user is gone, its peer is not.
    assert wire.give(response(message, 486), SPOOFER) == []
    wire.event(ResponseRefused)
    assert [one.method for one in wire.give(response(message, 486))] == ["ACK"]
    assert [one.method for one in wire.give(response(message, 486), SECOND)] == ["ACK"]


def test_what_a_cancelled_invite_is_answered_counts_from_the_peer_only(wire: Wire) -> None:
    sent, message = invite(wire)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    sent.cancel(now=wire.now)
    (cancel,) = wire.take()
    wire.give(response(cancel, 200), SPOOFER)
    wire.event(ResponseRefused)
    # So the CANCEL is still on its way.
    assert "CANCEL" in [one.what for one in wire.wait(0.6)]
    wire.give(response(cancel, 200), SECOND)
    wire.give(response(message, 487), SPOOFER)
    wire.event(ResponseRefused)
    wire.give(response(message, 200, body=SDP), SPOOFER)
    wire.event(ResponseRefused)
    wire.give(response(message, 487), SECOND)
    assert wire.event(InviteRejected).status == 487
    wire.no_event()


def test_who_owned_an_invite_may_be_gone_before_its_answer(wire: Wire) -> None:
    """The shell lets go of what it has given up."""
    sent, message = invite(wire, owner=object())
    sent.owner = None
    wire.give(response(message, 486), SECOND)
    wire.event(InviteRejected)


def test_a_further_fork_is_ended_from_wherever_the_peer_answers(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 200, tag="one", body=SDP))
    wire.event(InviteAnswered)
    assert wire.give(response(message, 200, tag="two", body=SDP), SPOOFER) == []
    wire.event(ResponseRefused)
    forked = wire.give(response(message, 200, tag="two", body=SDP), SECOND)
    assert [one.method for one in forked] == ["ACK", "BYE"]
    wire.event(ForkAnswered)


def test_a_challenge_of_a_spoofer_is_not_answered(wire: Wire) -> None:
    challenge = 'WWW-Authenticate: Digest realm="x", nonce="n", qop="auth"'
    _, message = invite(wire, credentials=Credentials("us", "secret"))
    assert wire.give(response(message, 401, headers=[challenge]), SPOOFER) == []
    wire.event(ResponseRefused)
    sent = wire.give(response(message, 401, headers=[challenge]))
    assert [one.method for one in sent] == ["ACK", "INVITE"]
    # The second try has the same peer.
    assert wire.give(response(sent[1], 486), OTHER) == []
    wire.event(ResponseRefused)
    wire.give(response(sent[1], 486), SECOND)
    wire.event(InviteRejected)


# In a dialog.


def test_a_bye_is_sent_until_its_peer_has_answered(wire: Wire) -> None:
    _, message = invite(wire)
    wire.give(response(message, 200, body=SDP))
    dialog = wire.event(InviteAnswered).dialog
    dialog.owner = None
    dialog.bye(now=wire.now)
    (bye,) = wire.take()
    wire.event(DialogTerminated)
    wire.give(response(bye, 200), SPOOFER)
    wire.event(ResponseRefused)
    assert [one.what for one in wire.wait(0.6)] == ["BYE"]
    wire.give(response(bye, 200), SECOND)
    assert wire.wait(3.0) == []


def test_a_481_of_a_spoofer_ends_no_call(wire: Wire) -> None:
    """12.2.1.2: it would, from the peer."""
    _, message = invite(wire)
    wire.give(response(message, 200, body=SDP))
    dialog = wire.event(InviteAnswered).dialog
    dialog.request("INFO", now=wire.now)
    (info,) = wire.take()
    wire.give(response(info, 481), SPOOFER)
    wire.event(ResponseRefused)
    wire.give(response(info, 200))
    wire.event(ResponseReceived)
    dialog.reinvite(body=SDP, now=wire.now)
    (reinvite,) = wire.take()
    wire.give(response(reinvite, 481), SPOOFER)
    wire.event(ResponseRefused)
    wire.give(response(reinvite, 200, body=SDP), SECOND)
    wire.event(ReinviteAnswered)


def test_a_caller_answers_from_where_it_has_called_or_says_that_it_is(wire: Wire) -> None:
    contact = "192.0.2.77"
    wire.give(request(body=SDP, contact=f"<sip:caller@{contact}>"), SPOOFER)
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to), SPOOFER)
    wire.event(AckReceived)
    for source in (Flow("udp", contact, 5060), SPOOFER):
        dialog.request("INFO", now=wire.now)
        (info,) = wire.take()
        assert wire.log[-1].flow.host == contact
        wire.give(response(info, 200), OTHER)
        wire.event(ResponseRefused)
        wire.give(response(info, 200), source)
        wire.event(ResponseReceived)


# Outside of dialogs.


def test_a_registration_is_made_by_its_registrar_alone(wire: Wire) -> None:
    wire.stack.register(
        registrar="sip:192.0.2.1", aor="sip:us@192.0.2.1", contact_user="us", line="abc",
        expires=600.0, ways=lambda: [PEER], credentials=None, owner="peer", now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    wire.give(response(message, 200, headers=["Expires: 600"]), SPOOFER)
    wire.event(ResponseRefused)
    wire.give(response(message, 403), OTHER)
    wire.event(ResponseRefused)
    wire.give(response(message, 200, headers=["Expires: 600"]), SECOND)
    assert wire.event(RegistrationChanged).registered


def test_a_probe_is_answered_by_whom_it_asks_alone(wire: Wire) -> None:
    wire.stack.probe(
        uri="sip:192.0.2.1", local=f"sip:{US}", to_flow=PEER, every=30.0, misses=1,
        down=(408, 503), owner="peer", now=wire.now,
    )  # fmt: skip
    asked = wire.wait(1.1)[0]
    wire.give(response(asked.message, 503), SPOOFER)
    wire.event(ResponseRefused)
    wire.give(response(asked.message, 200), SECOND)
    assert wire.event(ProbeChanged).up


# By which way.


TCP = Flow("tcp", PEER.host, 5060, 1)


@pytest.mark.parametrize(
    ("asked", "came", "is_taken"),
    [
        (TCP, TCP._replace(connection=3), True),
        # 18.2.2: ours may have broken.
        (TCP._replace(connection=3), TCP._replace(port=40111, connection=4), True),
        (TCP._replace(connection=3), TCP._replace(host=SECOND.host, connection=4), True),
        (TCP._replace(connection=3), TCP._replace(host=OTHER.host, connection=4), False),
        # Over UDP the address of the peer may be anybody's.
        (TCP, PEER, False),
        (TCP, SECOND, False),
        (PEER, TCP._replace(connection=3), False),
        (TCP._replace(transport="tls", name="carrier.example"), TCP._replace(connection=3), False),
    ],
)
def test_a_response_comes_by_the_transport_of_its_request(
    wire: Wire, asked: Flow, came: Flow, *, is_taken: bool
) -> None:
    _, message = invite(wire, asked)
    wire.give(response(message, 200, body=SDP), came)
    event = wire.event(InviteAnswered if is_taken else ResponseRefused)
    if isinstance(event, InviteAnswered):
        assert event.dialog.flow == came


def test_who_may_answer_by_another_way_is_not_called_by_it(wire: Wire) -> None:
    wire.stack.tell_answers(lambda peer, asked, flow: True)
    _, message = invite(wire, TCP)
    (ack,) = wire.give(response(message, 200, body=SDP), SPOOFER)
    assert ack.method == "ACK"
    assert wire.event(InviteAnswered).dialog.flow == TCP


@pytest.mark.parametrize(
    ("asked", "came"),
    [
        ("2001:DB8::0:7", "2001:db8::7"),
        ("2001:db8:0:0:0:0:0:7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:C000:0207", "192.0.2.7"),
        ("192.0.2.7", "::ffff:192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_may_be_spelled_differently(wire: Wire, asked: str, came: str) -> None:
    _, message = invite(wire, PEER._replace(host=asked))
    wire.give(response(message, 486), PEER._replace(host=came))
    wire.event(InviteRejected)


def plain(address: object) -> str:
    """An address in one spelling: IPv4 written as IPv6 is IPv4."""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@given(st.ip_addresses(), st.ip_addresses())
def test_any_two_addresses_are_one_peer_only_where_they_are_one(one: object, other: object) -> None:
    wire = Wire()
    wire.stack.tell_answers(lambda peer, asked, flow: False)
    _, message = invite(wire, PEER._replace(host=str(one)))
    wire.give(response(message, 486), PEER._replace(host=str(other)))
    wire.event(InviteRejected if plain(one) == plain(other) else ResponseRefused)
    wire.give(response(message, 486), PEER._replace(host=str(one)))


# Names.


class Names:
    """Where the transport has sent to, by name, and when."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}

    def led(self, asked: Flow, source: Flow, since: float) -> bool:
        return asked.host == "carrier.example" and self.sent.get(source.host, -1.0) >= since


@pytest.fixture
def named(wire: Wire) -> tuple[Wire, Names]:
    names = Names()
    wire.stack.tell_answers(lambda peer, asked, flow: False, names.led)
    return wire, names


BY_NAME = Flow("udp", "carrier.example", 5060)


def test_a_name_that_stands_for_something_else_meanwhile_may_be_answered_from_both(
    named: tuple[Wire, Names],
) -> None:
    wire, names = named
    _, message = invite(wire, BY_NAME)
    names.sent["192.0.2.1"] = wire.now
    wire.wait(0.6)  # sent again, to the new address
    names.sent["192.0.2.2"] = wire.now
    wire.give(response(message, 183), SECOND)
    wire.event(ProvisionalReceived)
    wire.give(response(message, 180))
    wire.event(ProvisionalReceived)
    wire.give(response(message, 486), OTHER)
    wire.event(ResponseRefused)
    wire.give(response(message, 486))
    wire.event(InviteRejected)


def test_what_a_name_stood_for_before_is_not_good_any_more(named: tuple[Wire, Names]) -> None:
    wire, names = named
    names.sent["192.0.2.2"] = wire.now
    wire.wait(10.0)
    _, message = invite(wire, BY_NAME)
    names.sent["192.0.2.1"] = wire.now
    wire.give(response(message, 200, body=SDP), SECOND)
    wire.event(ResponseRefused)
    wire.give(response(message, 200, body=SDP))
    wire.event(InviteAnswered)


def test_who_was_taken_once_is_not_asked_about_again(wire: Wire) -> None:
    asked: list[str] = []

    def ask(peer: object, where: Flow, flow: Flow) -> bool:
        asked.append(flow.host)
        return answers(peer, where, flow)

    wire.stack.tell_answers(ask)
    _, message = invite(wire)
    wire.give(response(message, 180))
    assert asked == []
    for _ in range(3):
        wire.give(response(message, 180), SECOND)
    assert asked == [SECOND.host]


# Failing over.


def test_the_first_server_does_not_answer_for_the_second(wire: Wire) -> None:
    """Each try has its branch and its own peer's address."""
    wire.stack.tell_answers(lambda peer, asked, flow: False)
    _, first = invite(wire)
    wire.give(response(first, 503))
    wire.event(InviteRejected)
    _, second = invite(wire, SECOND)
    wire.give(response(second, 200, body=SDP), PEER)
    wire.event(ResponseRefused)
    # What the first still says to its own is no matter of the second.
    wire.give(response(first, 503))
    wire.give(response(second, 200, body=SDP), SECOND)
    assert wire.event(InviteAnswered).dialog.flow == SECOND
    bye = request(
        "BYE", from_=second.get("to") + ";tag=far", to=second.get("from"), call_id=second.call_id
    )
    assert [one.status for one in wire.give(bye, SECOND)] == [200]
    wire.event(ByeReceived)


@pytest.mark.parametrize("tell", [lambda wire: None, lambda wire: wire.stack.tell_strangers(bool)])
def test_a_stack_that_was_told_nothing_believes_whom_it_does_not_call_strange(
    tell: Callable[[Wire], None],
) -> None:
    wire = Wire()
    tell(wire)
    _, message = invite(wire)
    wire.give(response(message, 486), SPOOFER)
    wire.event(ResponseRefused if wire.stack.is_stranger(SPOOFER.host) else InviteRejected)
