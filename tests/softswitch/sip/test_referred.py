"""A REFER of the peer and what we tell of it, to the letter and with lost and doubled packets."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from softswitch.sip.events import InviteReceived, ReferTold, RequestReceived
from softswitch.sip.headers.refer_to import ReferTo
from softswitch.sip.referred import IncomingRefer, read_refer
from tests.support.agents import Agent, leftovers, pair
from tests.support.link import DOUBLED, DOUBLED_LATE, LATE, LOST, VERY_LATE, Fate, Link, PacketName
from tests.support.sip_text import Message
from tests.support.wire import SDP, Wire, request, response

CAROL = "Refer-To: <sip:carol@192.0.2.3>"


@pytest.fixture
def wire() -> Wire:
    return Wire()


def called(wire: Wire) -> str:
    """A call that came in and was answered: its To."""
    wire.give(request(body=SDP))
    invite = wire.event(InviteReceived).invite
    invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    to = answer.get("to")
    wire.give(request("ACK", to=to))
    wire.events()
    return to


def referred(wire: Wire, *headers: str, number: int = 2, to: str = "") -> IncomingRefer:
    """The peer of a call refers us."""
    wire.give(request("REFER", number=number, to=to or called(wire), headers=headers or (CAROL,)))
    event = wire.event(RequestReceived)
    found = read_refer(event.request)
    assert isinstance(found, ReferTo)
    return IncomingRefer(event.dialog, event.transaction, event.request, found)


def notified(messages: list[Message]) -> Message:
    (notify,) = [message for message in messages if message.method == "NOTIFY"]
    return notify


def test_what_is_accepted_is_told_of_at_once(wire: Wire) -> None:
    """RFC 3515 section 2.4.4: "an initial NOTIFY with a body of 100 Trying"."""
    refer = referred(wire)
    refer.accept(now=wire.now)
    accepted, notify = wire.take()
    assert (accepted.status, accepted.cseq_method) == (202, "REFER")
    assert accepted.get("contact")
    assert notify.method == "NOTIFY"
    assert notify.get("event") == "refer"
    assert notify.get("subscription-state") == "active;expires=180"
    assert notify.get("content-type") == "message/sipfrag;version=2.0"
    assert notify.body == b"SIP/2.0 100 Trying\r\n"
    wire.give(response(notify, 200))
    refer.tell(180, now=wire.now)
    assert notified(wire.take()).body == b"SIP/2.0 180 Ringing\r\n"


def test_the_next_is_told_when_the_last_is_answered(wire: Wire) -> None:
    """Inside a dialog what comes later must not overtake what came before it."""
    refer = referred(wire)
    refer.accept(now=wire.now)
    _, first = wire.take()
    refer.tell(180, now=wire.now)
    refer.tell(183, now=wire.now)
    assert wire.take() == []
    second = notified(wire.give(response(first, 200)))
    assert second.body.startswith(b"SIP/2.0 183 ")
    refer.tell(200, now=wire.now)
    last = notified(wire.give(response(second, 200)))
    assert last.get("subscription-state") == "terminated;reason=noresource"
    wire.no_event()
    wire.give(response(last, 200))
    wire.event(ReferTold)
    refer.tell(486, now=wire.now)
    assert wire.take() == []


def test_the_same_is_told_once(wire: Wire) -> None:
    refer = referred(wire)
    refer.accept(now=wire.now)
    _, first = wire.take()
    refer.tell(180, now=wire.now)
    second = notified(wire.give(response(first, 200)))
    refer.tell(180, now=wire.now)
    assert wire.give(response(second, 200)) == []


@pytest.mark.parametrize("status", [481, 489, 405, 500])
def test_a_peer_that_does_not_want_to_hear_is_left_alone(wire: Wire, status: int) -> None:
    """And its call goes on: 481 is about the subscription here."""
    refer = referred(wire)
    refer.accept(now=wire.now)
    _, first = wire.take()
    refer.tell(180, now=wire.now)
    assert wire.give(response(first, status)) == []
    wire.no_event()
    refer.tell(200, now=wire.now)
    assert wire.take() == []
    wire.event(ReferTold)
    wire.no_event()


def test_a_peer_that_answers_nothing_is_given_up(wire: Wire) -> None:
    refer = referred(wire)
    refer.accept(now=wire.now)
    refer.tell(200, now=wire.now)
    wire.wait(33.0)
    wire.event(ReferTold)
    wire.no_event()


def test_a_second_one_is_told_of_by_its_number(wire: Wire) -> None:
    """RFC 3515 section 2.4.6: the id of the Event is the CSeq number of the REFER."""
    to = called(wire)
    first = referred(wire, to=to)
    first.accept(now=wire.now)
    _, notify = wire.take()
    first.tell(486, now=wire.now)
    last = notified(wire.give(response(notify, 200)))
    wire.give(response(last, 200))
    wire.events()
    second = referred(wire, number=3, to=to)
    second.accept(now=wire.now)
    assert notified(wire.take()).get("event") == "refer;id=3"


def test_who_has_hung_up_is_told_all_the_same(wire: Wire) -> None:
    """RFC 5589 section 6.1: the transferor may leave the call before it knows how that went."""
    to = called(wire)
    refer = referred(wire, to=to)
    refer.accept(now=wire.now)
    _, first = wire.take()
    wire.give(request("BYE", number=3, to=to))
    wire.give(response(first, 200))
    refer.tell(200, now=wire.now)
    assert notified(wire.take()).body.startswith(b"SIP/2.0 200 ")


def test_who_says_refer_sub_false_is_told_nothing(wire: Wire) -> None:
    """RFC 4488 section 4."""
    refer = referred(wire, CAROL, "Refer-Sub: false")
    refer.accept(now=wire.now)
    (accepted,) = wire.take()
    assert (accepted.status, accepted.get("refer-sub")) == (202, "false")
    refer.tell(200, now=wire.now)
    assert wire.take() == []
    wire.event(ReferTold)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 400),
        ((CAROL, CAROL), 400),
        (("Refer-To: <sip:carol@",), 400),
        (("Refer-To: <sip:carol@192.0.2.3?Replaces=a>",), 400),
        (("Refer-To: <sip:carol@192.0.2.3;method=BYE>",), 403),
        (("Refer-To: <sip:carol@192.0.2.3;method=invite>",), 0),
        (("r: sip:carol@192.0.2.3",), 0),
    ],
)
def test_a_refer_names_one_address(wire: Wire, headers: tuple[str, ...], status: int) -> None:
    """RFC 3515 section 2.4.2."""
    wire.give(request("REFER", number=2, to=called(wire), headers=headers))
    found = read_refer(wire.event(RequestReceived).request)
    assert (found if isinstance(found, int) else 0) == status


@pytest.mark.parametrize(
    ("headers", "handed_on"),
    [
        (("Referred-By: <sip:bob@192.0.2.2>;cid=x",), "<sip:bob@192.0.2.2>"),
        (('Referred-By: "B" <sip:bob@192.0.2.2?X=y>',), ""),
        (("Referred-By: nonsense",), ""),
        (("Referred-By: <sip:" + "b" * 600 + "@192.0.2.2>",), ""),
        ((), ""),
    ],
)
def test_who_refers_is_handed_on_where_it_can_be_read(
    wire: Wire, headers: tuple[str, ...], handed_on: str
) -> None:
    assert referred(wire, CAROL, *headers).referred_by == handed_on


def subscribe(wire: Wire, to: str, expires: str, event: str = "refer") -> list[Message]:
    return wire.give(
        request("SUBSCRIBE", number=3, to=to, headers=[f"Event: {event}", f"Expires: {expires}"])
    )


@pytest.mark.parametrize(
    ("expires", "granted"), [("60", "60"), ("9999", "180"), ("x", "180"), ("", "180")]
)
def test_a_subscription_is_renewed(wire: Wire, expires: str, granted: str) -> None:
    to = called(wire)
    refer = referred(wire, to=to)
    refer.accept(now=wire.now)
    wire.give(response(wire.take()[1], 200))
    answer, notify = subscribe(wire, to, expires)
    assert (answer.status, answer.get("expires")) == (200, granted)
    assert notify.get("subscription-state") == f"active;expires={granted}"


def test_a_subscription_is_ended_by_the_peer(wire: Wire) -> None:
    """RFC 6665 section 4.1.2.3: Expires 0 unsubscribes, and gets a last NOTIFY."""
    to = called(wire)
    refer = referred(wire, to=to)
    refer.accept(now=wire.now)
    wire.give(response(wire.take()[1], 200))
    _, notify = subscribe(wire, to, "0")
    assert notify.get("subscription-state") == "terminated;reason=timeout"
    wire.give(response(notify, 200))
    refer.tell(200, now=wire.now)
    assert wire.take() == []
    wire.event(ReferTold)


def test_what_is_not_subscribed_is_not_renewed(wire: Wire) -> None:
    to = called(wire)
    (answer,) = subscribe(wire, to, "60")
    assert answer.status == 481
    (answer,) = wire.give(request("SUBSCRIBE", number=4, to=to, headers=["Event: dialog"]))
    assert (answer.status, answer.get("allow-events")) == (489, "refer")


# With packets lost and doubled.


def transfer(fates: Mapping[PacketName, Fate]) -> tuple[Link, Agent, Agent]:
    """Alice calls bob and refers him; he takes it and tells 180, then 200; she hangs up."""
    link, alice, bob = pair(fates)
    bob.ring_and_answer()
    alice.on_answered = lambda _dialog: link.after(1.0, alice.refer)
    alice.on_refer_ended = alice.hang_up
    listen = bob.on_event

    def take(event: object) -> None:
        listen(event)
        if not isinstance(event, RequestReceived) or event.request.method != "REFER":
            return
        to = read_refer(event.request)
        assert isinstance(to, ReferTo)
        refer = IncomingRefer(event.dialog, event.transaction, event.request, to)
        refer.accept(now=link.now)
        link.after(1.0, lambda: refer.tell(180, now=link.now))
        link.after(2.0, lambda: refer.tell(200, now=link.now))

    link.sides[1].on_event = take
    alice.call(bob)
    link.run()
    return link, alice, bob


def packets() -> list[PacketName]:
    """Those of the clean exchange that are about the transfer."""
    names = transfer({})[0].names()
    return [name for name in names if name.what.endswith(("REFER", "NOTIFY"))]


@pytest.mark.parametrize("fate", [LOST, DOUBLED, DOUBLED_LATE, LATE, VERY_LATE])
@pytest.mark.parametrize("name", packets(), ids=str)
def test_each_packet_may_be_lost_doubled_or_late(name: PacketName, fate: Fate) -> None:
    _, alice, bob = transfer({name: fate})
    assert [fact for fact in alice.facts if fact.startswith("refer ")] == ["refer told 200"]
    assert sum(isinstance(event, ReferTold) for event in bob.events) == 1
    assert bob.facts.count("asked REFER") == 1
    assert not leftovers(alice, bob)
