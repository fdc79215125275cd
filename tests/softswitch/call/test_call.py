"""A call's way through real legs: what is told, what is sent, what the record says."""

from __future__ import annotations

from tests.support.laboratory import (
    DIRECT,
    MENU,
    Laboratory,
)


def bridge(lab: Laboratory, number: str = DIRECT) -> None:
    lab.caller.invite(number)
    lab.settle()
    lab.callee.ring()
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged


def test_a_transparent_call_tells_its_facts_in_order(lab: Laboratory) -> None:
    bridge(lab)
    lab.advance(7)
    lab.caller.hang_up()
    lab.settle()
    assert lab.kinds() == [
        "call.presented", "treatment.node", "leg.originated", "leg.progressed", "leg.answered",
        "call.answered", "call.bridged", "leg.ended", "leg.ended", "call.ended", "call.record",
    ]  # fmt: skip
    record = lab.record
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    assert record["talk_seconds"] == 7.0


def test_a_key_after_the_end_of_the_question_is_heard_at_once(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.settle()
    lab.wait_for_prompts()
    lab.press("2")
    lab.settle()
    assert lab.record["cause"] == "hang_up"
    assert lab.record["keys"] == ["2"]
