"""Fax passed between the two of a call: asked, refused, ended, with each packet lost or doubled."""

from __future__ import annotations

import logging
import re
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.call.fax import MAX_WAIT_SECONDS
from softswitch.sip import events as sip_events
from softswitch.sip.flow import Flow
from softswitch.sip.message import Request
from softswitch.sip.reinvite import IncomingReinvite
from tests.support.laboratory import DIRECT, Laboratory, Phone, laboratory, session_description
from tests.support.link import describe

ASKED = ("T38FaxVersion:3", "T38MaxBitRate:14400", "T38FaxUdpEC:t38UDPRedundancy")
CANCEL = Request("CANCEL", "sip:switch")
TAKEN = ("T38FaxVersion:0", "T38MaxBitRate:9600")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data", carrier="t38: true", agents="t38: true") as made:
        yield made


@pytest.fixture
def ends() -> Iterator[list[socket.socket]]:
    """Where the caller and the callee have their fax machines."""
    pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for end in pair:
        end.bind(("127.0.0.1", 0))
    yield pair
    for end in pair:
        end.close()


def fax_of(end: socket.socket, *attributes: str, version: int = 2) -> bytes:
    lines = "".join(f"a={attribute}\r\n" for attribute in attributes)
    return (
        f"v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=image {end.getsockname()[1]} udptl t38\r\n{lines}"
    ).encode()


def talk(lab: Laboratory) -> None:
    for phone in (lab.caller, lab.callee):
        phone.answers_reinvites = False
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged


def last(phone: Phone, kind: type) -> object:
    found = [event for event in phone.events if isinstance(event, kind)]
    assert found, f"{phone.name} saw no {kind.__name__}"
    return found[-1]


def offered(phone: Phone) -> bytes:
    event = last(phone, sip_events.ReinviteReceived)
    assert isinstance(event, sip_events.ReinviteReceived)
    return bytes(event.request.body)


def accept(lab: Laboratory, phone: Phone, body: bytes) -> None:
    event = last(phone, sip_events.ReinviteReceived)
    assert isinstance(event, sip_events.ReinviteReceived)
    event.dialog.accept_reinvite(body=body, now=phone.now)
    phone.pump.flush()
    lab.settle()


def refuse(lab: Laboratory, phone: Phone, status: int) -> None:
    event = last(phone, sip_events.ReinviteReceived)
    assert isinstance(event, sip_events.ReinviteReceived)
    event.dialog.reject_reinvite(status, now=phone.now)
    phone.pump.flush()
    lab.settle()


def told(phone: Phone) -> bytes:
    event = last(phone, sip_events.ReinviteAnswered)
    assert isinstance(event, sip_events.ReinviteAnswered)
    return bytes(event.response.body)


def status_of(phone: Phone) -> int:
    event = last(phone, sip_events.ReinviteRejected)
    assert isinstance(event, sip_events.ReinviteRejected)
    return event.status


def image_in(body: bytes) -> tuple[str, int]:
    host = re.search(rb"c=IN IP4 (\S+)", body)
    port = re.search(rb"m=image ([0-9]+) udptl t38", body)
    assert host is not None
    assert port is not None
    return host[1].decode(), int(port[1])


def heal(lab: Laboratory) -> None:
    """Time for repeats of what was lost, with nothing lost any more."""
    lab.settle()
    if lab.lost & set(lab.carried):
        lab.lost.clear()
        lab.advance(2.0)


def double(lab: Laboratory, wanted: str) -> None:
    carry = lab._carry

    def carry_twice(sender: str, data: bytes, flow: Flow) -> None:
        carry(sender, data, flow)
        if f"{sender}:{describe(data)}" == wanted:
            carry(sender, data, flow)

    lab._carry = carry_twice  # type: ignore[method-assign]


def turn_to_fax(
    lab: Laboratory, ends: list[socket.socket], *, asker: str = "caller"
) -> tuple[Phone, Phone]:
    """Both parties agree; who asked, and the other."""
    first, other = (lab.caller, lab.callee) if asker == "caller" else (lab.callee, lab.caller)
    near, far = ends if asker == "caller" else ends[::-1]
    first.reinvite(body=fax_of(near, *ASKED))
    heal(lab)
    accept(lab, other, fax_of(far, *TAKEN))
    heal(lab)
    return first, other


def exchange(lab: Laboratory, ends: list[socket.socket], first: Phone, other: Phone) -> None:
    """Datagrams come through as they are, both ways."""
    near, far = ends if first is lab.caller else ends[::-1]
    for number in range(3):
        near.sendto(b"\x00\x01fax %d" % number, image_in(told(first)))
        assert take(far) == b"\x00\x01fax %d" % number
        far.sendto(b"\x00\x02back %d" % number, image_in(offered(other)))
        assert take(near) == b"\x00\x02back %d" % number


def take(end: socket.socket, within: float = 10.0) -> bytes:
    """The next datagram that is no RTP: the last of the sound may come before it."""
    while True:
        ready, _, _ = select.select([end], [], [], within)
        assert ready, "nothing arrived"
        data = end.recv(4096)
        if data[0] >> 6 != 2:
            return data


def sound_again(lab: Laboratory, first: Phone, other: Phone) -> None:
    first.reinvite("sendrecv")
    heal(lab)
    assert b"m=audio " in offered(other)
    accept(lab, other, session_description(lab.sink_port))
    heal(lab)
    assert b"m=audio " in told(first)
    assert lab.call.caller.fax is None
    assert lab.call.callee is not None
    assert lab.call.callee.fax is None


@pytest.mark.parametrize("asker", ["caller", "callee"])
def test_fax_is_asked_of_the_other_party_and_its_answer_passed_back(
    lab: Laboratory, ends: list[socket.socket], asker: str
) -> None:
    talk(lab)
    first, other = turn_to_fax(lab, ends, asker=asker)
    for attribute in ASKED:
        assert f"a={attribute}\r\n".encode() in offered(other)
    assert b"m=audio" not in offered(other)
    for attribute in TAKEN:
        assert f"a={attribute}\r\n".encode() in told(first)
    exchange(lab, ends, first, other)
    legs = ("a", "b1") if asker == "caller" else ("b1", "a")
    (fact,) = lab.facts("call.fax_relayed")
    assert (fact["leg"], fact["other_leg"], fact["version"]) == (*legs, 0)
    sound_again(lab, other, first)
    (fact,) = lab.facts("call.fax_relay_ended")
    assert (fact["leg"], fact["why"], fact["datagrams"]) == (legs[0], "asked", 6)
    lab.caller.hang_up()
    lab.settle()
    (entry,) = lab.record["fax_relays"]
    assert (entry["leg"], entry["other_leg"], entry["why"]) == (*legs, "asked")


PACKETS = (
    "{asker}:INVITE",
    "switch:INVITE",
    "{other}:200 INVITE",
    "switch:ACK",
    "switch:200 INVITE",
    "{asker}:ACK",
    "switch:100 INVITE",
    "{other}:100 INVITE",
)


@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize("fate", ["lost", "doubled"])
@pytest.mark.parametrize("asker", ["caller", "callee"])
def test_there_is_fax_whatever_is_lost_or_doubled(
    lab: Laboratory, ends: list[socket.socket], packet: str, fate: str, asker: str
) -> None:
    talk(lab)
    names = {"asker": asker, "other": "callee" if asker == "caller" else "caller"}
    wanted = packet.format(**names)
    if fate == "lost":
        lab.carried.clear()
        lab.lost.add(wanted)
    else:
        double(lab, wanted)
    first, other = turn_to_fax(lab, ends, asker=asker)
    exchange(lab, ends, first, other)
    assert len(lab.facts("call.fax_relayed")) == 1
    if fate == "lost":
        lab.carried.clear()
        lab.lost.add(wanted)
    sound_again(lab, first, other)
    assert len(lab.facts("call.fax_relay_ended")) == 1
    lab.callee.hang_up()


@pytest.mark.parametrize(
    ("refusal", "answer"), [(488, 488), (606, 606), (415, 415), (500, 488), (603, 488)]
)
def test_a_refusal_is_passed_back_and_the_sound_goes_on(
    lab: Laboratory, ends: list[socket.socket], refusal: int, answer: int
) -> None:
    talk(lab)
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.settle()
    refuse(lab, lab.callee, refusal)
    assert status_of(lab.caller) == answer
    (fact,) = lab.facts("call.fax_relay_refused")
    assert (fact["leg"], fact["status"], fact["why"]) == ("a", answer, "refused")
    assert lab.call.caller.fax is None
    lab.caller.reinvite("sendonly")
    lab.settle()
    assert b"a=sendonly" in offered(lab.callee), "and holds cross as before"
    accept(lab, lab.callee, session_description(lab.sink_port, "recvonly"))
    lab.caller.hang_up()


@pytest.mark.parametrize("kind", ["sound", "port 0", "nothing", "rubbish"])
def test_one_that_says_yes_to_something_else_is_asked_for_sound(
    lab: Laboratory, ends: list[socket.socket], kind: str
) -> None:
    talk(lab)
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.settle()
    answers = {
        "sound": session_description(lab.sink_port),
        "port 0": b"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=image 0 udptl t38\r\n",
        "nothing": b"",
        "rubbish": b"\xff\xfe",
    }
    accept(lab, lab.callee, answers[kind])
    assert status_of(lab.caller) == 488
    assert b"m=audio " in offered(lab.callee)
    accept(lab, lab.callee, session_description(lab.sink_port))
    assert lab.call.callee is not None
    assert not lab.call.callee.is_negotiating
    lab.callee.hang_up()


def test_one_that_says_nothing_is_not_waited_for_longer_than_that(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.settle()
    lab.advance(MAX_WAIT_SECONDS + 0.1)
    assert status_of(lab.caller) == 488
    assert lab.facts("call.fax_relay_refused")[0]["why"] == "late"
    # It says yes after all, to nobody.
    accept(lab, lab.callee, fax_of(ends[1], *TAKEN))
    assert b"m=audio " in offered(lab.callee)
    accept(lab, lab.callee, session_description(lab.sink_port))
    assert lab.call.caller.fax is None
    lab.caller.hang_up()


def test_one_that_never_answers_ends_the_call(lab: Laboratory, ends: list[socket.socket]) -> None:
    talk(lab)
    lab.lost.add("switch:INVITE")
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.advance(33.0)
    lab.lost.clear()
    assert lab.record["cause"] == "leg_lost"
    assert status_of(lab.caller) == 488


@pytest.mark.parametrize("leaves", ["caller", "callee"])
@pytest.mark.parametrize("when", ["asked", "fax", "sound asked"])
def test_either_may_hang_up_at_any_moment(
    lab: Laboratory, ends: list[socket.socket], leaves: str, when: str
) -> None:
    talk(lab)
    if when == "asked":
        lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
        lab.settle()
    else:
        turn_to_fax(lab, ends)
    if when == "sound asked":
        lab.callee.reinvite("sendrecv")
        lab.settle()
    (lab.caller if leaves == "caller" else lab.callee).hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"
    assert len(lab.facts("call.fax_relay_ended")) == (0 if when == "asked" else 1)


def test_two_that_ask_at_once_come_to_fax_after_all(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.callee.reinvite(body=fax_of(ends[1], *ASKED))
    lab.settle()
    for _ in range(12):
        lab.advance(0.5)
        if lab.facts("call.fax_relayed"):
            break
        for phone, end in ((lab.caller, ends[0]), (lab.callee, ends[1])):
            if phone.dialog is not None and phone.dialog.incoming_reinvite is not None:
                accept(lab, phone, fax_of(end, *TAKEN))
    assert len(lab.facts("call.fax_relayed")) == 1
    lab.caller.hang_up()


def test_an_offer_of_fax_that_is_taken_back_is_undone(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.settle()
    fax = lab.call.caller.fax
    assert fax is not None
    dialog = lab.call.caller.dialog
    assert dialog is not None
    reinvite = dialog.incoming_reinvite
    assert reinvite is not None
    assert isinstance(reinvite, IncomingReinvite)
    reinvite.on_cancel(CANCEL)
    lab.do(lab.services.flush_soon)
    lab.settle()
    assert lab.facts("call.fax_relay_refused")[0]["why"] == "withdrawn"
    accept(lab, lab.callee, fax_of(ends[1], *TAKEN))
    assert b"m=audio " in offered(lab.callee)
    accept(lab, lab.callee, session_description(lab.sink_port))
    assert not lab.facts("call.fax_relayed")
    lab.caller.hang_up()


def test_fax_may_be_offered_again_from_another_port(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    turn_to_fax(lab, ends)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as moved:
        moved.bind(("127.0.0.1", 0))
        lab.caller.reinvite(body=fax_of(moved, *ASKED, version=3))
        lab.settle()
        assert b"a=T38FaxVersion:0\r\n" in told(lab.caller)
        exchange(lab, [moved, ends[1]], lab.caller, lab.callee)
    assert len(lab.facts("call.fax_relayed")) == 1
    lab.caller.hang_up()


def test_who_asks_for_an_offer_during_fax_is_offered_fax(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    turn_to_fax(lab, ends)
    lab.caller.description = fax_of(ends[0], *TAKEN)
    lab.caller.reinvite(body=b"")
    lab.settle()
    assert b"m=image " in told(lab.caller)
    exchange(lab, ends, lab.caller, lab.callee)
    lab.caller.hang_up()


def test_a_refusal_to_have_sound_again_leaves_the_fax(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    first, other = turn_to_fax(lab, ends)
    asked = offered(other)
    lab.caller.reinvite("sendrecv")
    lab.settle()
    refuse(lab, lab.callee, 488)
    assert status_of(lab.caller) == 488
    assert not lab.facts("call.fax_relay_ended")
    near, far = ends
    far.sendto(b"\x00\x05still", image_in(asked))
    assert take(near) == b"\x00\x05still"
    assert first is lab.caller
    lab.caller.hang_up()


def test_those_who_are_parted_are_asked_for_sound(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    turn_to_fax(lab, ends)
    call = lab.call
    call.keeps_caller = True
    lab.do(call.unbridge)
    lab.settle()
    for phone in (lab.caller, lab.callee):
        assert b"m=audio " in offered(phone)
        accept(lab, phone, session_description(lab.sink_port))
    assert lab.facts("call.fax_relay_ended")[0]["why"] == "parted"
    lab.do(lambda: call.end("switch", "asked"))


def test_the_session_timer_is_refreshed_with_the_fax_there_is(
    lab: Laboratory, ends: list[socket.socket]
) -> None:
    talk(lab)
    turn_to_fax(lab, ends)
    leg = lab.call.callee
    assert leg is not None
    assert leg.dialog is not None
    before = offered(lab.callee)
    event = sip_events.SessionRefreshDue(leg.dialog)
    lab.do(lambda: leg.receive(event))
    lab.settle()
    assert offered(lab.callee) == before, "the same, in the same version"
    accept(lab, lab.callee, fax_of(ends[1], *TAKEN))
    exchange(lab, ends, lab.caller, lab.callee)
    lab.caller.hang_up()


def test_a_party_on_hold_gets_no_fax(lab: Laboratory, ends: list[socket.socket]) -> None:
    talk(lab)
    lab.callee.reinvite("sendonly")
    lab.settle()
    accept(lab, lab.caller, session_description(lab.sink_port, "recvonly"))
    lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
    lab.settle()
    assert status_of(lab.caller) == 488
    assert lab.facts("call.fax_relay_refused")[0]["why"] == "not_now"
    lab.caller.hang_up()


@pytest.mark.parametrize(
    ("carrier", "agents"),
    [("", "t38: true"), ("t38: true", ""), ("t38: true", "t38: true, srtp: optional")],
)
def test_no_fax_where_a_trunk_has_none(
    tmp_path: Path,
    ends: list[socket.socket],
    caplog: pytest.LogCaptureFixture,
    carrier: str,
    agents: str,
) -> None:
    caplog.set_level(logging.INFO)
    with laboratory(tmp_path / "data", carrier=carrier, agents=agents) as lab:
        talk(lab)
        lab.caller.reinvite(body=fax_of(ends[0], *ASKED))
        lab.settle()
        if "optional" in agents:
            assert b"m=image " in offered(lab.callee), "keys are for sound; plain sound has none"
            refuse(lab, lab.callee, 488)
        assert status_of(lab.caller) == 488
        (refused,) = lab.facts("call.fax_relay_refused")
        assert refused["why"] == ("refused" if "optional" in agents else "not_set")
        line = {
            "": "t38 is not set for trunk carrier (488)",
            "t38: true": "t38 is not set for trunk agents (488)",
        }
        said = [one.getMessage() for one in caplog.records if "no fax" in one.getMessage()]
        if "optional" not in agents:
            assert said == [f"call {lab.call.call_id} leg a: no fax: {line[carrier]}"]
        lab.caller.hang_up()


@pytest.mark.parametrize("beside", [False, True])
def test_a_call_begins_with_sound(lab: Laboratory, ends: list[socket.socket], beside: bool) -> None:
    image = fax_of(ends[0], *ASKED)
    if beside:
        image = session_description(lab.sink_port) + image[image.index(b"m=image") :]
    lab.caller.invite(DIRECT, body=image)
    lab.settle()
    if beside:
        lab.callee.answer()
        lab.settle()
        assert b"m=image 0 udptl t38\r\n" in lab.bodies("caller")[-1]
        lab.caller.hang_up()
    else:
        assert lab.record["legs"][0]["status"] == 488


# Offered by the switch.


@pytest.fixture
def offering(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data", carrier="t38: offer", agents="t38: offer") as made:
        yield made


def hear(lab: Laboratory, side: str, tone: str = "ced") -> None:
    leg = lab.call.caller if side == "caller" else lab.call.callee
    assert leg is not None
    lab.do(lambda: leg.on_fax(tone))
    lab.settle()


@pytest.mark.parametrize("side", ["callee", "caller"])
def test_the_switch_asks_both_when_a_machine_answers(
    offering: Laboratory, ends: list[socket.socket], side: str
) -> None:
    lab = offering
    talk(lab)
    hear(lab, side)
    first, other = (lab.callee, lab.caller) if side == "callee" else (lab.caller, lab.callee)
    near, far = ends[::-1] if side == "callee" else ends
    assert b"a=T38FaxVersion:0\r\n" in offered(first)
    accept(lab, first, fax_of(near, *TAKEN))
    for attribute in TAKEN:
        assert f"a={attribute}\r\n".encode() in offered(other)
    accept(lab, other, fax_of(far, *TAKEN))
    (fact,) = lab.facts("call.fax_relayed")
    assert fact["leg"] == ("b1" if side == "callee" else "a")
    near.sendto(b"\x00\x01page", image_in(offered(first)))
    assert take(far) == b"\x00\x01page"
    sound_again(lab, other, first)
    lab.caller.hang_up()


@pytest.mark.parametrize("refused_by", ["first", "other"])
def test_whoever_refuses_what_the_switch_asks_both_have_sound(
    offering: Laboratory, ends: list[socket.socket], refused_by: str
) -> None:
    lab = offering
    talk(lab)
    hear(lab, "callee")
    if refused_by == "first":
        refuse(lab, lab.callee, 488)
        assert not lab.caller.count(sip_events.ReinviteReceived)
    else:
        accept(lab, lab.callee, fax_of(ends[1], *TAKEN))
        refuse(lab, lab.caller, 488)
        assert b"m=audio " in offered(lab.callee)
        accept(lab, lab.callee, session_description(lab.sink_port))
    assert lab.call.caller.fax is None
    assert lab.facts("call.fax_relay_refused")[0]["why"] == "refused"
    lab.caller.hang_up()


@pytest.mark.parametrize("leaves", ["caller", "callee"])
@pytest.mark.parametrize("when", ["first", "other"])
def test_either_may_hang_up_while_the_switch_asks(
    offering: Laboratory, ends: list[socket.socket], leaves: str, when: str
) -> None:
    lab = offering
    talk(lab)
    hear(lab, "callee")
    if when == "other":
        accept(lab, lab.callee, fax_of(ends[1], *TAKEN))
    (lab.caller if leaves == "caller" else lab.callee).hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"


def test_one_that_does_not_answer_the_switch_is_asked_for_sound(
    offering: Laboratory, ends: list[socket.socket]
) -> None:
    lab = offering
    talk(lab)
    hear(lab, "callee")
    accept(lab, lab.callee, fax_of(ends[1], *TAKEN))
    lab.advance(MAX_WAIT_SECONDS + 0.1)
    assert b"m=audio " in offered(lab.callee)
    accept(lab, lab.callee, session_description(lab.sink_port))
    accept(lab, lab.caller, fax_of(ends[0], *TAKEN))
    assert b"m=audio " in offered(lab.caller)
    accept(lab, lab.caller, session_description(lab.sink_port))
    assert not lab.facts("call.fax_relayed")
    lab.caller.hang_up()


@pytest.mark.parametrize("tone", ["cng", "ansam"])
def test_no_other_tone_makes_the_switch_ask(offering: Laboratory, tone: str) -> None:
    talk(offering)
    hear(offering, "callee", tone)
    assert not offering.callee.count(sip_events.ReinviteReceived)
    offering.caller.hang_up()


def test_the_switch_asks_nobody_whose_trunk_only_has_fax_passed_on(lab: Laboratory) -> None:
    talk(lab)
    hear(lab, "callee")
    assert not lab.callee.count(sip_events.ReinviteReceived)
    lab.caller.hang_up()
