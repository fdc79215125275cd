"""The real switch on a link that loses, doubles and delays single messages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.program import leg
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]
CALLER_FAULTS = [
    ("out", "INVITE", "lose"),
    ("out", "INVITE", "double"),
    ("in", 200, "lose"),
    ("out", "ACK", "lose"),
    ("out", "ACK", "double"),
    ("out", "ACK", 0.3),
    ("out", "BYE", "lose"),
    ("out", "BYE", "double"),
]
CALLEE_FAULTS = [
    ("in", "INVITE", "lose"),
    ("out", 100, "lose"),
    ("out", 180, "lose"),
    ("out", 180, "double"),
    ("out", 200, "lose"),
    ("out", 200, "double"),
    ("out", 200, 0.3),
    ("in", "ACK", "lose"),
    ("in", "BYE", "lose"),
]


@pytest.mark.parametrize(("direction", "what", "action"), CALLER_FAULTS)
def test_a_fault_on_the_callers_link_is_healed(
    stage: Stage, direction: str, what: str | int, action: str | float
) -> None:
    stage.caller.fault(direction, what, action)
    _call_and_hang_up(stage)


@pytest.mark.parametrize(("direction", "what", "action"), CALLEE_FAULTS)
def test_a_fault_on_the_called_link_is_healed(
    stage: Stage, direction: str, what: str | int, action: str | float
) -> None:
    stage.callee.fault(direction, what, action)
    _call_and_hang_up(stage)


def _call_and_hang_up(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call(within=4)
    called.respond(180)
    called.respond(200, far.sdp())
    calling.expect(200, within=4)
    calling.ack()
    called.expect("ACK", within=4)
    calling.send("BYE")
    calling.expect(200, to="BYE", within=4)
    called.expect("BYE", within=4)
    record = stage.switch.record()
    assert record["ended_by"] == "calling"
    assert leg(record, "called")["status"] == 200


def test_a_lost_refusal_is_repeated_until_its_ack(stage: Stage) -> None:
    stage.caller.fault("in", 486)
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    stage.callee.fault("out", 486)
    called.respond(486)
    calling.expect(486, within=4)
    called.expect("ACK")
    assert leg(stage.switch.record(), "called")["status"] == 486


def test_an_unacknowledged_200_comes_again_in_growing_steps(stage: Stage) -> None:
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    called.respond(200, stage.rtp().sdp())
    calling.expect(200)
    calling.expect_nothing(during=1.7)
    assert calling.repeats["200"] == 2  # after 0.5 and 1.5 s
    calling.ack()
    calling.expect_nothing(during=2.2)
    assert calling.repeats["200"] == 2
    calling.bye()
    called.expect("ACK")
    called.expect("BYE")


@pytest.mark.full
def test_a_200_that_is_never_acknowledged_ends_in_a_bye_after_32_seconds(stage: Stage) -> None:
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    called.respond(200, stage.rtp().sdp())
    calling.never_ack = True
    calling.expect(200)
    calling.expect("BYE", within=36)
    called.expect("ACK")
    called.expect("BYE")
    record = stage.switch.record()
    assert record["ended_by"] == "switch"
    assert 31 < record["total_seconds"] < 34


@pytest.mark.full
def test_a_destination_that_never_says_a_word_times_out(stage: Stage) -> None:
    stage.callee.sends_trying = False
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    refused = calling.expect(lambda message: (message.status or 0) >= 400, within=36)
    assert refused.status in (408, 480)
    assert called.repeats["INVITE"] >= 5
    assert leg(stage.switch.record(), "called")["status"] == 408


def test_a_destination_where_nobody_listens_is_unreachable_at_once(make_stage: MakeStage) -> None:
    stage = make_stage(trunk_port=9)
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    refused = calling.expect(lambda message: (message.status or 0) >= 400, within=5)
    assert refused.status in (408, 480, 503)
    assert leg(stage.switch.record(), "called")["status"] == 503
