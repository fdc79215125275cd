"""Keys of encrypted legs while each packet of an exchange is lost once, or comes twice; at the end
both sides have the same ones, whatever happened."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.call.events import CallEvent, LegEnded
from softswitch.call.leg import Leg
from softswitch.sdp import SrtpKeys
from softswitch.sdp.crypto import KEYS_NEEDED
from softswitch.sip.flow import Flow
from tests.support.laboratory import DIRECT, Laboratory, laboratory, session_description
from tests.support.link import describe
from tests.support.srtp import needs_srtp

pytestmark = needs_srtp
SUITE = "AES_CM_128_HMAC_SHA1_80"
CRYPTO = re.compile(rb"a=crypto:([0-9]+) ([A-Z0-9_]+) inline:([A-Za-z0-9+/]{40})\r\n")
KEYS = [bytes([number]) * 30 for number in range(5)]


def described(lab: Laboratory, key: bytes, *, direction: str = "sendrecv") -> bytes:
    """What a phone with this key says."""
    inline = base64.b64encode(key).decode()
    plain = session_description(lab.sink_port, direction).replace(b"RTP/AVP", b"RTP/SAVP")
    return plain + f"a=crypto:1 {SUITE} inline:{inline}\r\n".encode()


def key_in(body: bytes) -> bytes:
    """The key of the suite's line."""
    (found,) = [key for _, suite, key in CRYPTO.findall(body) if suite.decode() == SUITE]
    return base64.b64decode(found)


def keys_of(leg: Leg) -> SrtpKeys:
    assert leg.media is not None
    assert leg.media.agreement is not None
    agreed = leg.media.agreement.srtp
    assert agreed is not None
    return agreed


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data", carrier="srtp: required", agents="srtp: required") as made:
        made.caller.description = described(made, KEYS[0])
        made.callee.description = described(made, KEYS[1])
        yield made


def double(lab: Laboratory, wanted: str) -> None:
    """Have the packets of this name come twice."""
    carry = lab._carry

    def carry_twice(sender: str, data: bytes, flow: Flow) -> None:
        carry(sender, data, flow)
        if f"{sender}:{describe(data)}" == wanted:
            carry(sender, data, flow)

    lab._carry = carry_twice  # type: ignore[method-assign]


def talk(lab: Laboratory) -> None:
    """A call that was answered; what was lost on its way comes again."""
    lab.caller.invite(DIRECT)
    lab.settle()
    heal(lab)
    lab.callee.answer()
    lab.settle()
    heal(lab)
    assert lab.call.bridged
    assert not lab.lost


def heal(lab: Laboratory) -> None:
    """Time for repeats of what was lost, with nothing lost any more."""
    if lab.lost & set(lab.carried):
        lab.lost.clear()
        lab.advance(2.0)


def agree(lab: Laboratory) -> tuple[SrtpKeys, SrtpKeys]:
    """The keys of both legs, which must be those that the peers know."""
    call = lab.call
    assert call.callee is not None
    caller, callee = keys_of(call.caller), keys_of(call.callee)
    assert caller.our_key == key_in(lab.bodies("caller")[-1])
    assert callee.our_key == key_in(lab.bodies("callee")[-1])
    assert caller.their_key == key_in(lab.bodies("switch from caller")[-1])
    return caller, callee


PACKETS = (
    "caller:INVITE",
    "switch:INVITE",
    "callee:200 INVITE",
    "switch:200 INVITE",
    "switch:ACK",
    "caller:ACK",
)


@pytest.fixture(autouse=True)
def note_offers(lab: Laboratory) -> None:
    """Keep what the caller says apart from what the callee does."""
    carry = lab._carry

    def noting(sender: str, data: bytes, flow: Flow) -> None:
        body = data.partition(b"\r\n\r\n")[2]
        if body and sender == "caller":
            lab._bodies.append(("switch from caller", body))
        carry(sender, data, flow)

    lab._carry = noting  # type: ignore[method-assign]


@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize("fate", ["lost", "doubled"])
def test_a_call_has_one_key_a_side_whatever_is_lost_or_doubled(
    lab: Laboratory, packet: str, fate: str
) -> None:
    if fate == "lost":
        lab.lost.add(packet)
    else:
        double(lab, packet)
    talk(lab)
    caller, callee = agree(lab)
    assert (caller.their_key, callee.their_key) == (KEYS[0], KEYS[1])
    assert len({caller.our_key, callee.our_key, KEYS[0], KEYS[1]}) == 4
    assert len({key_in(body) for body in lab.bodies("caller")}) == 1
    lab.caller.hang_up()


@pytest.mark.parametrize("packet", ["caller:INVITE", "switch:200 INVITE", "caller:ACK"])
@pytest.mark.parametrize("fate", ["lost", "doubled"])
def test_a_new_key_is_answered_with_one_new_key(lab: Laboratory, packet: str, fate: str) -> None:
    talk(lab)
    before, other = agree(lab)
    if fate == "lost":
        lab.lost.add(packet)
    else:
        double(lab, packet)
    lab.caller.reinvite(body=described(lab, KEYS[2]))
    lab.settle()
    heal(lab)
    after, same = agree(lab)
    assert after.their_key == KEYS[2]
    assert after.our_key != before.our_key
    assert len({key_in(body) for body in lab.bodies("caller")}) == 2
    assert same == other
    lab.callee.hang_up()


def test_a_hold_that_crosses_the_bridge_changes_no_key(lab: Laboratory) -> None:
    talk(lab)
    before = agree(lab)
    for direction in ("sendonly", "sendrecv"):
        lab.callee.description = described(lab, KEYS[1])
        lab.caller.reinvite(body=described(lab, KEYS[0], direction=direction))
        lab.settle()
    assert agree(lab) == before
    lab.caller.hang_up()


def test_who_asks_for_an_offer_gets_new_keys_that_count_with_the_ack(lab: Laboratory) -> None:
    talk(lab)
    before = keys_of(lab.call.caller)
    lab.held.add("caller:ACK")
    lab.caller.description = described(lab, KEYS[3])
    lab.caller.reinvite(body=b"")
    lab.settle()
    assert keys_of(lab.call.caller) == before
    lab.release()
    lab.settle()
    after = keys_of(lab.call.caller)
    assert after.their_key == KEYS[3]
    assert after.our_key == key_in(lab.bodies("caller")[-1])
    assert after.our_key != before.our_key
    lab.caller.hang_up()


@pytest.mark.parametrize("ending", ["caller", "callee"])
def test_a_call_that_ends_before_its_new_key_is_acknowledged(lab: Laboratory, ending: str) -> None:
    talk(lab)
    lab.held.add("caller:ACK")
    lab.caller.reinvite(body=described(lab, KEYS[2]))
    lab.settle()
    (lab.caller if ending == "caller" else lab.callee).hang_up()
    lab.settle()
    assert [leg["srtp"] for leg in lab.record["legs"]] == [SUITE, SUITE]


def test_a_far_end_that_answers_with_a_key_nobody_offered_is_left(lab: Laboratory) -> None:
    ended: list[CallEvent] = []
    lab.services.events.subscribe(ended.append, kinds=frozenset([LegEnded]))
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.answer(body=described(lab, KEYS[1]).replace(b"crypto:1", b"crypto:7"))
    lab.settle()
    assert lab.record["legs"][1]["status"] == 488
    causes = [event.cause for event in ended if isinstance(event, LegEnded)]
    assert any(cause.endswith(KEYS_NEEDED) for cause in causes)


def test_a_caller_without_keys_is_told_that_they_are_needed(
    lab: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "softswitch.call")
    lab.caller.description = session_description(lab.sink_port)
    lab.caller.invite(DIRECT)
    lab.settle()
    assert f"ends: not_acceptable: {KEYS_NEEDED}" in caplog.text


def test_sound_that_becomes_plain_in_mid_call_is_told(tmp_path: Path) -> None:
    optional = "srtp: optional"
    with laboratory(tmp_path / "other", carrier=optional, agents=optional) as lab:
        ended: list[CallEvent] = []
        lab.services.events.subscribe(ended.append, kinds=frozenset([LegEnded]))
        lab.caller.description = described(lab, KEYS[0])
        lab.callee.description = described(lab, KEYS[1])
        talk(lab)
        lab.caller.reinvite(body=session_description(lab.sink_port, "sendrecv"))
        lab.settle()
        lab.caller.hang_up()
        lab.settle()
        told = {event.leg: event.srtp for event in ended if isinstance(event, LegEnded)}
        assert told == {"a": f"{SUITE}, then plain", "b1": SUITE}
