"""The switch sends a party of one call to that of another (REFER with Replaces), through the real
program: with phones of ours, and with two that are not, which take a REFER each in its own way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.baresip import Baresip, hears_the_tone, needs_baresip
from tests.support.control import ControlPeer
from tests.support.phone import Call, Phone
from tests.support.program import wait_for
from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.sip_text import Message
from tests.support.sippy_peer import Sippy, needs_sippy
from tests.support.stage import CALLER, DIRECT, Stage

Send = Callable[..., "Future[Any]"]
REFER_TO = re.compile(r"<sips?:([^?>]+)\?Replaces=([^&>]+)>")


@pytest.fixture
def send(stage: Stage) -> Iterator[Send]:
    """Sends the caller of the oldest call to the caller of the next one, and has the answer."""
    with (
        closing(ControlPeer(("127.0.0.1", stage.switch.control_port))) as peer,
        ThreadPoolExecutor(1) as beside,
    ):

        def begin(**params: Any) -> Future[Any]:
            first, second = peer.ask("call.list")["calls"]
            told = {"call": first["call"], "to_call": second["call"], "within": 20, **params}
            return beside.submit(peer.ask, "call.transfer", **told)

        yield begin


class Talk:
    """A phone that talks to the agent."""

    def __init__(self, stage: Stage, phone: Phone) -> None:
        self.near, self.far = stage.rtp(), stage.rtp()
        self.calling = phone.invite(DIRECT, self.near.sdp())
        self.called = stage.callee.expect_call(within=10)
        pick_up(self.called, self.far)
        self.near.aim_by(self.calling.expect(200, within=10).body)
        self.calling.ack()


def pick_up(call: Call, end: RtpEnd) -> None:
    assert call.invite is not None
    end.aim_by(call.invite.body)
    call.respond(200, end.sdp())
    call.expect("ACK", within=10)


def hears(listener: RtpEnd, speaker: RtpEnd, seed: int) -> None:
    sound = known_signal(0.4, seed=seed)
    speaker.play(sound)
    wait_for("the sound", lambda: sound[1600:3200] in heard(listener.arrivals), within=20)


def read(refer: Message | str) -> tuple[tuple[str, int], str]:
    """Where a REFER leads: an address, and the dialog that is to be taken over."""
    text = refer if isinstance(refer, str) else refer.get("refer-to")
    found = REFER_TO.search(text)
    assert found is not None, text
    host, _, port = found[1].partition(";")[0].rpartition("@")[2].partition(":")
    return (host, int(port)), unquote(found[2])


def names(replaces: str, call: Call) -> bool:
    """Whether it is this dialog, as the phone that has it sees it (RFC 3891 section 3)."""
    tags = f"to-tag={call.local_tag};from-tag={call.remote_tag}"
    return replaces == f"{call.call_id};{tags}"


def tell(call: Call, status: int, state: str) -> None:
    headers = [("Event", "refer"), ("Subscription-State", state), ("Contact", call.phone.contact()),
               ("Content-Type", "message/sipfrag;version=2.0")]  # fmt: skip
    call.send("NOTIFY", f"SIP/2.0 {status} Whatever\r\n".encode(), headers)
    call.expect(200, to="NOTIFY", within=10)


def causes(stage: Stage) -> list[tuple[str, str]]:
    return [(one["ended_by"], one["cause"]) for one in stage.switch.wait_for_records(2, within=20)]


TRANSFERRED = [("switch", "transferred")] * 2


def test_two_phones_go_on_without_the_switch(stage: Stage, send: Send) -> None:
    phone = stage.phone()
    alice, carol = Talk(stage, stage.caller), Talk(stage, phone)
    answer = send()
    refer = alice.calling.expect("REFER", within=10)
    to, replaces = read(refer)
    assert to == ("127.0.0.1", phone.port)
    assert names(replaces, carol.calling)
    alice.calling.respond(202, request=refer)
    tell(alice.calling, 100, "active;expires=60")
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite("carol", near.sdp(), [("Replaces", replaces)], to=to)
    taken = phone.expect_call(within=10)
    assert taken.invite is not None
    far.aim_by(taken.invite.body)
    taken.respond(200, far.sdp())
    near.aim_by(calling.expect(200, within=10).body)
    calling.ack()
    taken.expect("ACK", within=10)
    carol.calling.bye()
    tell(alice.calling, 200, "terminated;reason=noresource")
    alice.calling.expect("BYE", within=10)
    for one in (alice.called, carol.called):
        one.expect("BYE", within=10)
    assert answer.result(20) | {"call": ""} == {
        "call": "", "leg": "a", "ok": True, "status": 200, "why": "",
    }  # fmt: skip
    hears(far, near, 1)
    hears(near, far, 2)
    assert causes(stage) == TRANSFERRED
    calling.bye()
    taken.expect("BYE", within=10)


def test_who_is_not_wanted_there_goes_on_here(stage: Stage, send: Send) -> None:
    alice, carol = Talk(stage, stage.caller), Talk(stage, stage.phone())
    answer = send()
    refer = alice.calling.expect("REFER", within=10)
    alice.calling.respond(202, request=refer)
    tell(alice.calling, 486, "terminated;reason=noresource")
    told = answer.result(20)
    assert (told["ok"], told["status"], told["why"]) == (False, 486, "failed")
    for talk in (alice, carol):
        hears(talk.far, talk.near, 3)
        talk.calling.bye()
        talk.called.expect("BYE", within=10)
    assert causes(stage) == [("calling", "hung_up")] * 2
    lines = stage.switch.output().splitlines()
    assert sum("transfer.ended" in line and "why=failed" in line for line in lines) == 2


@needs_baresip
def test_baresip_is_sent_to_a_phone_of_ours(stage: Stage, send: Send, tmp_path: Path) -> None:
    """It tells how it fares, and waits to be hung up on; Replaces stays in the address."""
    far, new = stage.rtp(), stage.rtp()
    bare = Baresip(tmp_path / "bare", dial=f"sip:{DIRECT}@127.0.0.1:{stage.switch.sip_port}")
    with closing(bare):
        bare.start()
        called = stage.callee.expect_call(within=20)
        pick_up(called, far)
        wait_for("the tone", lambda: hears_the_tone(far), within=20)
        phone = stage.phone()
        carol = Talk(stage, phone)
        answer = send()
        taken = phone.expect_call(within=10)
        pick_up(taken, new)
        carol.calling.expect("BYE", within=10)
        wait_for("the tone", lambda: hears_the_tone(new), within=20)
        told = answer.result(20)
        assert (told["ok"], told["why"]) == (True, "")
        called.expect("BYE", within=10)
        carol.called.expect("BYE", within=10)
        assert causes(stage) == TRANSFERRED
        taken.bye()


@needs_sippy
def test_sippy_is_sent_to_a_phone_of_ours(stage: Stage, send: Send, tmp_path: Path) -> None:
    """It takes the REFER, hangs up at once and tells nothing, as B2BUAs do: that it has worked
    shows when the other hangs up, too."""
    near, far = stage.rtp(), stage.rtp()
    with closing(Sippy(tmp_path / "sippy")) as peer:
        peer.start()
        call = peer.call(DIRECT, stage.switch.address, sdp=near.sdp().decode(), **{"from": CALLER})
        called = stage.callee.expect_call(within=10)
        pick_up(called, far)
        peer.expect("connect", within=20, id=call)
        phone = stage.phone()
        carol = Talk(stage, phone)
        answer = send()
        to, replaces = read(peer.expect("disconnect", within=20, id=call)["also"])
        assert names(replaces, carol.calling)
        further = peer.call(
            "carol", to, sdp=near.sdp().decode(), replaces=replaces, **{"from": CALLER}
        )
        taken = phone.expect_call(within=10)
        assert taken.invite is not None
        assert taken.invite.get("replaces") == replaces
        pick_up(taken, far)
        carol.calling.bye()
        peer.expect("connect", within=20, id=further)
        told = answer.result(20)
        assert (told["ok"], told["status"], told["why"]) == (True, 202, "")
        for one in (called, carol.called):
            one.expect("BYE", within=10)
        assert causes(stage) == TRANSFERRED
        peer.do("hang_up", further)
        taken.expect("BYE", within=10)
