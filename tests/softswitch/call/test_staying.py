"""The caller leaves and the called party stays, for steps of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.laboratory import AFTER_CALL, Laboratory, laboratory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def talk(lab: Laboratory) -> None:
    lab.caller.invite(AFTER_CALL)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    lab.advance(3)


def leave(lab: Laboratory) -> None:
    """The caller hangs up."""
    lab.caller.hang_up()
    lab.settle()


def press(lab: Laboratory, keys: str) -> None:
    for key in keys:
        lab.do(lambda one=key: lab.call.legs[1].on_digit(one))  # type: ignore[misc]
    lab.settle()


def test_the_agents_answers_are_in_the_record_and_the_caller_has_ended_it(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        leave(lab)
        assert lab.all_records() == []
        assert lab.call.caller.leg_id == "b1"
        lab.wait_for_prompts()
        lab.advance(1)
        press(lab, "42#")
        record = lab.record
        assert record["answers"] == {"order": "42"}
        assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
        assert (record["talk_seconds"], record["ivr_seconds"]) == (3.0, 0.0)
        assert record["total_seconds"] >= 4.0
        assert record["keys"] == []
        assert lab.facts("call.unbridged") == [{"leg": "a", "other_leg": "b1", "why": "hung_up"}]
        assert lab.carried.count("switch:BYE") == 1


def test_an_agent_that_leaves_too_ends_it(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        leave(lab)
        lab.callee.hang_up()
        lab.settle()
        assert (lab.record["ended_by"], lab.record["cause"]) == ("calling", "hung_up")
        assert lab.carried.count("switch:BYE") == 0


def test_an_agent_that_leaves_first_ends_it(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        lab.callee.hang_up()
        lab.settle()
        assert (lab.record["ended_by"], lab.record["cause"]) == ("called", "hung_up")
        assert lab.carried.count("switch:BYE") == 1


def test_both_may_leave_at_once(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        lab.caller.hang_up()
        lab.callee.hang_up()
        lab.settle()
        assert lab.record["ended_by"] == "calling"


def test_the_switch_may_end_it_while_the_agent_answers(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        leave(lab)
        lab.do(lambda: lab.call.end("switch", "enough"))
        lab.settle()
        assert (lab.record["ended_by"], lab.record["cause"]) == ("calling", "hung_up")
        assert lab.carried.count("switch:BYE") == 1


def test_an_agent_that_answers_nothing_is_left(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        leave(lab)
        for count in range(1, 6):
            if lab.switchboard.calls:
                lab.wait_for_prompts(count)
                lab.advance(6)
        assert lab.record["answers"] == {}
        assert lab.carried.count("switch:BYE") == 1


def test_a_caller_that_is_lost_leaves_the_agent_too(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        lab.do(lambda: lab.call.on_leg_lost(lab.call.caller, why="no ACK"))
        lab.settle()
        assert lab.call.caller.leg_id == "b1"
        press(lab, "42#")
        lab.advance(1)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "leg_lost")


def test_the_agent_may_be_connected_further(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        leave(lab)
        lab.wait_for_prompts()
        press(lab, "9#")
        assert len(lab.callee.calls) == 2
        lab.callee.answer()
        lab.settle()
        assert lab.call.bridged
        assert lab.call.callee is lab.call.legs[2]
        lab.callee.hang_up()
        lab.settle()
        assert lab.carried.count("switch:BYE") == 1
        assert [one["side"] for one in lab.record["legs"]] == ["calling", "called", "called"]


def test_a_held_agent_is_taken_back(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        lab.caller.reinvite("sendonly")
        lab.settle()
        leave(lab)
        assert lab.bodies("callee")[-1].endswith(b"a=sendrecv\r\n")
        press(lab, "42#")
        lab.advance(1)
        assert lab.record["answers"] == {"order": "42"}
