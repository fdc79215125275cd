"""A switch that is full, as those see it who call it and those who watch it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

from tests.support.control import ControlPeer
from tests.support.phone import Call
from tests.support.program import wait_for
from tests.support.sip_text import Message
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]


def is_final(message: Message) -> bool:
    return message.status is not None and message.status >= 200


def give_up(calling: Call, called: Call) -> None:
    calling.cancel()
    called.expect("CANCEL")
    calling.expect(200, to="CANCEL")
    calling.expect(487)


def test_media_ports_are_kept_for_second_legs(make_stage: MakeStage) -> None:
    # Four pairs: the second leg of a call that is there has one, whatever callers want.
    stage = make_stage(rtp_count=8, sections="admission: {free_ports: 2}\n")
    watcher = ControlPeer((stage.switch.host, stage.switch.control_port))

    def closed() -> str:
        return str(watcher.ask("status")["parts"]["admission"]["closed"])

    assert closed() == ""
    calling = stage.caller.invite(DIRECT)
    called = stage.callee.expect_call()
    wait_for("the switch to be full", lambda: closed() == "free_ports")
    refused = stage.caller.invite(DIRECT).expect(is_final)
    assert refused.status == 503
    assert 1 <= int(refused.get("retry-after")) <= 5
    wait_for("the reason", lambda: 'why="switch is full (free_ports)"' in stage.switch.output())
    with urllib.request.urlopen(
        f"http://{stage.switch.host}:{stage.switch.control_port}/metrics", timeout=10
    ) as answer:
        text = answer.read().decode()
    assert "\nsoftswitch_admission_closed 1\n" in text
    assert "\nsoftswitch_admission_closings_total 1\n" in text
    assert "\nsoftswitch_loop_lag_seconds " in text
    give_up(calling, called)
    wait_for("it to open", lambda: closed() == "", within=20)
    wait_for("that to be told", lambda: "admission.opened" in stage.switch.output())
    assert "why=free_ports" in stage.switch.output()
    give_up(stage.caller.invite(DIRECT), stage.callee.expect_call())
    watcher.close()
    # The call that was refused was never one.
    assert len(stage.switch.wait_for_records(2)) == 2


def test_calls_a_second_of_the_whole_switch_are_bounded(make_stage: MakeStage) -> None:
    stage = make_stage(sections="admission: {calls_per_second: 2}\n")
    calls = [stage.caller.invite(DIRECT) for _ in range(4)]
    refused = calls[-1].expect(503, within=5.0)
    assert 1 <= int(refused.get("retry-after")) <= 5
    wait_for("the reason", lambda: "switch is full (calls_per_second)" in stage.switch.output())
    stage.callee.expect_call()
    for calling in calls[:2]:
        calling.cancel()
