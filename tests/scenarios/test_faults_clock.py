"""Somebody sets the clock: calls, their durations and credentials notice nothing of it.

What is promised for it stands in docs/failures.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import digest
from tests.support.program import wait_for
from tests.support.rtp_end import discontinuities
from tests.support.stage import DIRECT, Bridge, Stage
from tests.support.stepped_clock import SteppedClock

MakeStage = Callable[..., Stage]
DAY = 86_400


def hears_on(bridge: Bridge, packets: int = 30) -> None:
    for end in (bridge.near, bridge.far):
        end.wait_for_packets(len(end.arrivals) + packets, within=20.0)


@pytest.mark.parametrize("seconds", [DAY, -DAY, 90 * DAY])
def test_calls_go_on_and_their_durations_are_right_however_the_clock_is_set(
    make_stage: MakeStage, tmp_path: Path, seconds: int
) -> None:
    clock = SteppedClock(tmp_path)
    stage = make_stage(environment=clock.environment, trunk_lines="    session_expires: 90 s\n")
    bridge = stage.bridge()
    hears_on(bridge)
    clock.step_to(seconds)
    wait_for("the event", lambda: "clock.stepped" in stage.switch.output())
    hears_on(bridge, 75)
    for end in (bridge.near, bridge.far):
        assert discontinuities(end.arrivals, slack=0.5) == []
    bridge.hang_up()
    record = stage.switch.record()
    assert record["ended_by"] == "calling"
    assert 2.0 < record["talk_seconds"] <= record["total_seconds"] < 60.0
    # And calls that begin now.
    again = stage.bridge()
    hears_on(again)
    again.hang_up()
    _, second = stage.switch.wait_for_records(2)
    assert second["received_at"] <= second["answered_at"] <= second["ended_at"]
    clock.step_to(0)
    wait_for("back", lambda: stage.switch.output().count("clock.stepped") == 2)
    stage.bridge().hang_up()
    stage.switch.wait_for_records(3)


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_challenge_from_before_the_step_is_answered_as_one_from_now(
    make_stage: MakeStage, tmp_path: Path, seconds: int
) -> None:
    clock = SteppedClock(tmp_path)
    login = "    inbound_auth: {user: them, password: theirs}\n"
    stage = make_stage(environment=clock.environment, trunk_lines=login)
    uri = f"sip:{DIRECT}@{stage.switch.host}:{stage.switch.sip_port}"
    asked = stage.caller.invite(DIRECT).expect(401)
    clock.step_to(seconds)
    shown = digest.answer(asked, user="them", password="theirs", method="INVITE", uri=uri)
    calling = stage.caller.invite(DIRECT, b"", [("Authorization", shown)])
    called = stage.callee.expect_call()
    calling.cancel()
    called.expect("CANCEL")


def test_a_crash_across_a_step_leaves_a_record_without_negative_times(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    clock = SteppedClock(tmp_path)
    stage = make_stage(environment=clock.environment)
    clock.step_to(DAY)
    bridge = stage.bridge()
    hears_on(bridge)
    stage.switch.kill()
    clock.step_to(0)
    stage.switch.start()
    record = stage.switch.record()
    assert record["ended_by"] == "crash"
    assert record["received_at"] <= record["ended_at"]
    for name in ("ivr_seconds", "ring_seconds", "talk_seconds", "total_seconds"):
        assert record[name] >= 0.0
