"""A caller in a menu: keys by RFC 4733, wrong keys, silence, hanging up in the middle."""

from __future__ import annotations

import time

import pytest

from tests.support.phone import Call
from tests.support.program import leg
from tests.support.rtp_end import RtpEnd
from tests.support.stage import AGENT, MENU, Stage


def _ask(stage: Stage) -> tuple[Call, RtpEnd]:
    near = stage.rtp()
    calling = stage.caller.invite(MENU, near.sdp())
    answer = calling.expect(200)
    calling.ack()
    near.aim_by(answer.body)
    near.wait_for_packets(10)
    return calling, near


def test_key_1_connects_to_the_agent_and_is_recorded(stage: Stage) -> None:
    calling, near = _ask(stage)
    near.press("1")
    called = stage.callee.expect_call()
    assert called.invite is not None
    assert AGENT in called.invite.uri
    far = stage.rtp()
    far.aim_by(called.invite.body)
    called.respond(200, far.sdp())
    called.expect("ACK")
    far.wait_for_packets(5)
    near.wait_for_packets(5)
    calling.bye()
    called.expect("BYE")
    record = stage.switch.record()
    assert record["keys"] == ["1"]
    assert record["path"]
    assert record["ended_by"] == "calling"
    assert record["ivr_seconds"] > 0
    assert record["talk_seconds"] > 0


def test_key_2_hangs_up(stage: Stage) -> None:
    calling, near = _ask(stage)
    near.press("2")
    calling.expect("BYE")
    record = stage.switch.record()
    assert record["keys"] == ["2"]
    assert record["ended_by"] == "switch"
    stage.callee.expect_no_call(during=0.1)


def test_the_fourth_wrong_key_ends_the_call(stage: Stage) -> None:
    calling, near = _ask(stage)
    for digit in "9870":
        near.press(digit)
        near.wait_until_played()
        time.sleep(0.3)
    calling.expect("BYE")
    record = stage.switch.record()
    assert record["keys"] == ["9", "8", "7", "0"]
    assert record["ended_by"] == "switch"


def test_a_right_key_after_three_wrong_ones_is_taken(stage: Stage) -> None:
    calling, near = _ask(stage)
    for digit in "987":
        near.press(digit)
        near.wait_until_played()
        time.sleep(0.3)
    near.press("1")
    called = stage.callee.expect_call()
    called.respond(486)
    calling.expect("BYE")
    assert stage.switch.record()["keys"] == ["9", "8", "7", "1"]


def test_no_input_is_asked_again_and_then_hung_up(stage: Stage) -> None:
    calling, near = _ask(stage)
    before = len(near.arrivals)
    calling.expect("BYE", within=10)
    assert len(near.arrivals) - before > 50
    record = stage.switch.record()
    assert record["keys"] == []
    assert record["ended_by"] == "switch"
    assert record["total_seconds"] > 2.0


def test_a_caller_who_hangs_up_in_the_menu_has_a_record(stage: Stage) -> None:
    calling, _ = _ask(stage)
    calling.bye()
    record = stage.switch.record()
    assert record["ended_by"] == "calling"
    assert [one["side"] for one in record["legs"]] == ["calling"]


@pytest.mark.parametrize("keep", ["start", "end"])
def test_a_digit_with_lost_packets_is_one_digit(stage: Stage, keep: str) -> None:
    calling, near = _ask(stage)
    near.lose_digit_packets = "all but the first" if keep == "start" else "all but the end"
    near.press("1")
    called = stage.callee.expect_call()
    called.respond(486)
    calling.expect("BYE")
    assert stage.switch.record()["keys"] == ["1"]


def test_an_agent_that_is_busy_ends_the_answered_call_by_bye(stage: Stage) -> None:
    calling, near = _ask(stage)
    near.press("1")
    stage.callee.expect_call().respond(486)
    calling.expect("BYE")
    record = stage.switch.record()
    assert leg(record, "called")["status"] == 486
    assert leg(record, "called")["q850"] == 17
