"""Calls of the real program that are steered from outside, and what becomes of them when whoever
steers them dies."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.phone import Call
from tests.support.program import ROOT, wait_for
from tests.support.rtp_end import DIGITS, PCMU, RtpEnd, heard, known_signal
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import AGENT, DIRECT, FIRST, KEPT, STEERED, Stage

MakeStage = Callable[..., Stage]

_seeds = itertools.count(1)

EXAMPLE = ROOT / "examples/controller.py"


class Controller(ControlPeer):
    """A controller of one call at a time."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(("127.0.0.1", stage.switch.control_port))
        self.stage = stage
        self.call = ""
        self.ask("events.subscribe", kinds=["call.*", "leg.*"])

    def do(self, verb: str, **params: Any) -> Any:
        """Something about the call."""
        return self.ask(f"call.{verb}", call=self.call, **params)

    def begin(self, verb: str, **params: Any) -> None:
        """Say it without waiting for the answer."""
        self._number += 1
        asked = {"call": self.call, **params}
        request = {"jsonrpc": "2.0", "id": self._number, "method": f"call.{verb}", "params": asked}
        self._socket.sendall(json.dumps(request).encode() + b"\n")

    def take(self) -> tuple[Call, RtpEnd]:
        """A call comes in, and is taken; the caller's end of it."""
        near = self.stage.rtp()
        calling = self.stage.caller.invite(STEERED, near.sdp((PCMU, DIGITS)))
        self.call = self.event("call.offered")["call"]
        assert self.do("take")["state"] == "presented"
        return calling, near

    def answer(self) -> tuple[Call, RtpEnd]:
        """The same, answered."""
        calling, near = self.take()
        self.do("answer")
        answer = calling.expect(200)
        calling.ack()
        near.aim_by(answer.body)
        return calling, near

    def dial(self, to: str = AGENT) -> tuple[str, Call, RtpEnd]:
        """A further leg that is up: its name, and its far end."""
        self.begin("dial", to=to)
        number = self.number
        called = self.stage.callee.expect_call()
        far = self.stage.rtp()
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp((PCMU, DIGITS)))
        called.expect("ACK")
        return self.answer_to(number)["leg"], called, far

    @property
    def number(self) -> int:
        """Of the last request."""
        return self._number

    def answer_to(self, number: int, *, within: float = 5.0) -> Any:
        """The result of a request that was begun."""
        deadline = time.monotonic() + within
        while (message := self._next(deadline)) is not None:
            if message.get("id") == number:
                return message["result"]
            self.notifications.append(message)
        raise AssertionError("not answered")


@contextmanager
def controller(stage: Stage) -> Iterator[Controller]:
    peer = Controller(stage)
    try:
        yield peer
    finally:
        peer.close()


def hears(near: RtpEnd, far: RtpEnd, *, within: float = 2.0) -> bool:
    """Whether what one end says from now on comes out at the other."""
    start, signal_ = len(far.arrivals), known_signal(0.3, seed=next(_seeds))
    near.play(signal_)
    near.wait_until_played()
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if signal_[320:1600] in heard(far.arrivals[start:]):
            return True
        time.sleep(0.05)
    return False


def test_a_call_is_answered_asked_bridged_parted_and_bridged_again(stage: Stage) -> None:
    with controller(stage) as peer:
        calling, near = peer.answer()
        assert peer.do("play", tone="chime")["played"] == "finished"
        near.wait_for_packets(5)
        near.press("42#")
        keys = peer.do("gather", max=4, timeout=5)
        assert keys == {"digits": "42", "why": "terminator", "complete": True}
        leg, called, far = peer.dial()
        assert peer.do("play", leg=leg, tone="chime")["played"] == "finished"
        far.wait_for_packets(5)
        peer.do("bridge", leg=leg)
        assert hears(near, far)
        assert hears(far, near)
        peer.do("unbridge", tone="ringback")
        assert not hears(near, far, within=0.5)
        peer.do("bridge", leg=leg)
        assert hears(near, far)
        called.bye()
        assert peer.event("call.unbridged")["facts"]["why"] == "asked"
        assert peer.event("call.unbridged")["facts"]["why"] == "hung_up"
        peer.begin("say", text="Good bye.")
        assert peer.answer_to(peer.number, within=30)["played"] == "finished"
        peer.do("release")
        calling.expect("BYE", within=10)
    record = stage.switch.record()
    assert (record["cause"], record["keys"]) == ("released", ["4", "2", "#"])
    assert record["talk_seconds"] > 0.5
    assert [one["status"] for one in record["legs"]] == [200, 200]


def test_nobody_takes_a_call_and_its_treatment_goes_on(stage: Stage) -> None:
    calling = stage.caller.invite(STEERED, stage.rtp().sdp((PCMU, DIGITS)))
    calling.expect(480, within=6)
    assert stage.switch.record()["cause"] == "untaken"


def test_of_two_controllers_one_has_the_call(stage: Stage) -> None:
    with controller(stage) as first, controller(stage) as second:
        stage.caller.invite(STEERED, stage.rtp().sdp((PCMU, DIGITS)))
        offers = [peer.event("call.offered")["call"] for peer in (first, second)]
        assert offers[0] == offers[1]
        first.call = second.call = offers[0]
        outcomes = []
        for peer in (first, second):
            try:
                outcomes.append(peer.do("take")["call"])
            except Refused as late:
                outcomes.append(late.reason)
        assert outcomes == [offers[0], "not_in_control"]
        with pytest.raises(Refused) as refused:
            second.do("answer")
        assert refused.value.reason == "not_in_control"
        first.do("hangup", cause="enough")
    assert stage.switch.record()["cause"] == "enough"


VERBS: dict[str, dict[str, Any]] = {
    "play": {"tone": "ringback"},
    "gather": {"timeout": 60, "secret": True},
    "dial": {"to": AGENT},
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_caller_hangs_up_during_a_verb(stage: Stage, verb: str) -> None:
    with controller(stage) as peer:
        calling, _ = peer.answer()
        peer.begin(verb, **VERBS[verb])
        called = stage.callee.expect_call() if verb == "dial" else None
        if called is not None:
            called.respond(180)
        calling.bye()
        if called is not None:
            called.expect("CANCEL")
        peer.event("call.record")
        with pytest.raises(Refused) as refused:
            peer.do("answer")
        assert refused.value.reason == "call_not_found"
    assert stage.switch.record()["cause"] == "hung_up"


@pytest.mark.parametrize("verb", VERBS)
def test_a_controller_dies_during_a_verb(stage: Stage, verb: str) -> None:
    with controller(stage) as peer:
        calling, _ = peer.answer()
        peer.begin(verb, **VERBS[verb])
        called = stage.callee.expect_call() if verb == "dial" else None
        if called is not None:
            called.respond(180)
            time.sleep(0.1)
        peer.close()
        if called is not None:
            called.expect("CANCEL")
        calling.expect("BYE")
    assert stage.switch.record()["cause"] == "untaken"


def test_a_controller_dies_while_two_talk_and_they_go_on(stage: Stage) -> None:
    with controller(stage) as peer:
        calling, near = peer.answer()
        leg, called, far = peer.dial()
        peer.do("bridge", leg=leg)
        peer.close()
    time.sleep(0.2)
    assert hears(near, far)
    called.bye()
    calling.expect("BYE")
    record = stage.switch.record()
    assert (record["ended_by"], record["cause"]) == ("called", "hung_up")


def test_a_controller_dies_and_legs_that_talk_to_nobody_are_left(stage: Stage) -> None:
    with controller(stage) as peer:
        calling, _ = peer.answer()
        _, called, _ = peer.dial()
        peer.close()
    called.expect("BYE")
    calling.expect("BYE")
    assert len(stage.switch.record()["legs"]) == 2


def test_a_call_of_our_own_making_is_steered_like_any_other(stage: Stage) -> None:
    with controller(stage) as peer:
        peer.ask("call.originate", campaign="steered", first=FIRST, treatment="steered")
        first = stage.callee.expect_call()
        near = stage.rtp()
        assert first.invite is not None
        near.aim_by(first.invite.body)
        first.respond(200, near.sdp((PCMU, DIGITS)))
        first.expect("ACK")
        peer.call = peer.event("call.offered")["call"]
        assert peer.do("take")["state"] == "answered"
        peer.do("answer")
        near.press("7")
        assert peer.do("gather", max=1, timeout=5)["digits"] == "7"
        leg, second, far = peer.dial()
        peer.do("bridge", leg=leg)
        assert hears(near, far)
        second.bye()
        assert peer.event("call.unbridged")["facts"]["other_leg"] == leg
        peer.do("hangup", cause="enough")
        first.expect("BYE")
    record = stage.switch.record()
    assert (record["direction"], record["cause"]) == ("outbound", "enough")


SECRET = "s3cret-s3cret-s3cret"


def test_a_token_that_is_taken_away_takes_its_calls_with_it(make_stage: MakeStage) -> None:
    tokens = f"control: {{tokens: {{crm: {{secret: {SECRET}, roles: control}}}}}}\n"
    stage = make_stage(sections=tokens)
    peer = ControlPeer(("127.0.0.1", stage.switch.control_port))
    with peer:
        peer.ask("auth", token=SECRET)
        peer.ask("events.subscribe", kinds=["call.*"])
        calling = stage.caller.invite(STEERED, stage.rtp().sdp((PCMU, DIGITS)))
        call = peer.event("call.offered")["call"]
        peer.ask("call.take", call=call)
        peer.ask("call.answer", call=call)
        calling.expect(200)
        calling.ack()
        text = stage.switch.config.read_text()
        stage.switch.config.write_text(text.replace(SECRET, "another-another-another"))
        os.kill(stage.switch.pid, signal.SIGHUP)
        calling.expect("BYE", within=10)
    assert stage.switch.record()["cause"] == "untaken"


def test_a_call_is_moved_to_another_treatment_in_mid_talk(stage: Stage) -> None:
    bridge = stage.bridge(DIRECT)
    with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
        (line,) = peer.ask("call.list")["calls"]
        with pytest.raises(Refused) as refused:
            peer.ask("call.route", call=line["call"], treatment="nowhere")
        assert refused.value.reason == "not_configured"
        peer.ask("call.route", call=line["call"], treatment="agent")
        bridge.called.expect("BYE")
        second = stage.callee.expect_call()
        second.respond(200, stage.rtp().sdp((PCMU, DIGITS)))
        second.expect("ACK")
        second.bye()
        bridge.calling.expect("BYE")
    assert len(stage.switch.record()["legs"]) == 3


def test_the_caller_is_kept_when_the_agent_leaves(stage: Stage) -> None:
    bridge = stage.bridge(KEPT)
    bridge.called.bye()
    bridge.calling.expect_nothing(during=0.5)
    bridge.near.press("9")
    bridge.calling.expect("BYE")
    record = stage.switch.record()
    assert record["cause"] == "kept"
    assert record["path"][-2:] == ["wait-1", "hang_up-1"]


def test_a_sound_of_the_folder_is_played_and_nothing_beside_it(stage: Stage) -> None:
    folder = stage.switch.data / "sounds"
    folder.mkdir(exist_ok=True)
    for path in (folder / "hello.wav", stage.switch.data / "outside.wav"):
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(4800))
    with controller(stage) as peer:
        peer.answer()
        assert peer.do("play", file="hello.wav")["played"] == "finished"
        for bad in ("../outside.wav", str(stage.switch.data / "outside.wav"), "no.wav", "a\0b"):
            with pytest.raises(Refused) as refused:
                peer.do("play", file=bad)
            assert refused.value.reason == "media_unavailable"
        peer.do("hangup")


# The example.


def is_heard(stage: Stage) -> bool:
    """Whether somebody has subscribed to events."""
    with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
        return bool(peer.ask("status")["events"]["readers"])


@contextmanager
def example(stage: Stage, folder: Path) -> Iterator[Path]:
    """The example at work, and what it says."""
    told = folder / "controller.txt"
    address = f"127.0.0.1:{stage.switch.control_port}"
    with told.open("wb") as out:
        program = subprocess.Popen(
            [sys.executable, str(EXAMPLE), address, AGENT],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"]},
        )
        try:
            wait_for("the example listens", lambda: is_heard(stage), within=10)
            yield told
        finally:
            program.send_signal(signal.SIGKILL)
            program.wait(10)


def test_the_example_greets_asks_bridges_and_is_told(stage: Stage, tmp_path: Path) -> None:
    with example(stage, tmp_path) as told:
        near = stage.rtp()
        calling = stage.caller.invite(STEERED, near.sdp((PCMU, DIGITS)))
        near.aim_by(calling.expect(200, within=10).body)
        calling.ack()
        wait_for("it asks", lambda: "call.answered" in told.read_text())
        near.wait_for_packets(10)
        near.press("1")
        called = stage.callee.expect_call(within=10)
        far = stage.rtp()
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp((PCMU, DIGITS)))
        called.expect("ACK")
        wait_for("they talk", lambda: "call.bridged" in told.read_text(), within=40)
        assert hears(near, far)
        called.bye()
        calling.expect("BYE", within=40)
        wait_for("it is told", lambda: "call.record" in told.read_text(), within=10)
        assert "Traceback" not in told.read_text()
    record = stage.switch.record()
    assert (record["ended_by"], record["cause"]) == ("switch", "released")


@needs_sipp
@pytest.mark.timeout(180)
def test_the_example_serves_the_calls_of_sipp(make_stage: MakeStage, tmp_path: Path) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=130) as uas:
        stage = make_stage(trunk_port=uas.port)
        with (
            example(stage, tmp_path) as told,
            Sipp(
                tmp_path,
                "uac_key_1.xml",
                remote=stage.switch.address,
                service=STEERED,
                calls=5,
                rate=2,
                hold_ms=20000,
                timeout=90,
            ) as uac,
        ):
            assert uac.wait().successful == 5
            records = stage.switch.wait_for_records(5, within=20)
            assert "Traceback" not in told.read_text()
    assert sum(len(record["legs"]) == 2 for record in records) == 5
    assert all(record["talk_seconds"] > 0 for record in records)
