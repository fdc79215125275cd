"""A party of which nothing is heard is asked whether it is there; who is gone ends the call."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.sip.events import ByeReceived
from tests.support.laboratory import DIRECT, Laboratory, laboratory


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path) as lab:
        yield lab


def held(lab: Laboratory) -> None:
    """A bridged call that its caller holds."""
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    lab.caller.reinvite("inactive")
    lab.settle()
    assert "leg.held" in lab.kinds()


def lose_bye(lab: Laboratory) -> None:
    """The caller hangs up, and nobody ever hears of it."""
    lab.lost.add("caller:BYE")
    lab.caller.hang_up()
    lab.advance(40)
    lab.lost.clear()
    assert lab.switchboard.calls


def limit_held(lab: Laboratory, seconds: float | None) -> None:
    """Have held calls end after another silence."""
    snapshot = lab.switchboard.snapshot
    switch = dataclasses.replace(snapshot.configuration.switch, held_no_media_seconds=seconds)
    configuration = dataclasses.replace(snapshot.configuration, switch=switch)
    lab.switchboard.snapshot = dataclasses.replace(snapshot, configuration=configuration)


def test_a_held_call_whose_bye_is_lost_ends_when_the_caller_is_asked(
    lab: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        held(lab)
        lose_bye(lab)
        lab.advance(30)
    assert lab.carried.count("caller:481 OPTIONS") == 1
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "leg_lost")
    (ended,) = lab.facts("call.ended")
    assert ended["cause"] == "leg_lost"
    assert "ends: leg_lost: leg a: no-such-dialog" in caplog.text
    (bye,) = [event for event in lab.callee.events if isinstance(event, ByeReceived)]
    assert "cause=41" in (bye.request.headers.get("Reason") or "")


def test_a_held_call_whose_callees_bye_is_lost_ends_too(lab: Laboratory) -> None:
    held(lab)
    lab.lost.add("callee:BYE")
    lab.callee.hang_up()
    lab.advance(40)
    lab.lost.clear()
    lab.advance(30)
    assert lab.record["cause"] == "leg_lost"
    assert lab.caller.count(ByeReceived) == 1


def test_a_held_call_whose_parties_answer_goes_on_and_is_asked_each_minute(
    lab: Laboratory,
) -> None:
    held(lab)
    lab.advance(330)
    assert lab.call.bridged
    assert lab.carried.count("switch:OPTIONS") == 2 * 5
    assert lab.carried.count("caller:200 OPTIONS") == lab.carried.count("callee:200 OPTIONS") == 5
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"


def test_a_party_that_answers_nothing_is_gone(lab: Laboratory) -> None:
    held(lab)
    lab.lost.add("caller:200 OPTIONS")
    lab.advance(90)
    assert lab.switchboard.calls
    lab.advance(10)
    assert lab.record["cause"] == "leg_lost"


def test_a_question_whose_answer_is_lost_is_asked_again(lab: Laboratory) -> None:
    held(lab)
    lab.lost.add("caller:200 OPTIONS")
    lab.advance(66)
    lab.lost.clear()
    lab.advance(60)
    assert lab.call.bridged
    lab.caller.hang_up()


def test_a_call_that_ends_while_a_question_is_under_way_ends_once(lab: Laboratory) -> None:
    held(lab)
    lab.held.add("caller:200 OPTIONS")
    lab.advance(66)
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"
    lab.release()
    lab.advance(40)


def test_nobody_is_asked_whose_trunk_wants_no_questions(tmp_path: Path) -> None:
    with laboratory(tmp_path, carrier="silence_check: off") as lab:
        held(lab)
        lab.advance(330)
        assert "caller:200 OPTIONS" not in lab.carried
        assert lab.carried.count("callee:200 OPTIONS") == 5
        lab.caller.hang_up()


def test_a_trunk_says_when_its_parties_are_asked(tmp_path: Path) -> None:
    with laboratory(tmp_path, carrier="silence_check: 5 s", agents="silence_check: off") as lab:
        held(lab)
        # It answers, and is asked again when as much time is over.
        lab.advance(31)
        assert lab.carried.count("switch:OPTIONS") in (4, 5, 6)
        assert lab.carried.count("switch:OPTIONS") == lab.carried.count("caller:200 OPTIONS")
        lab.caller.hang_up()


def test_nobody_is_asked_again_before_the_question_is_answered_or_given_up(
    tmp_path: Path,
) -> None:
    with laboratory(tmp_path, carrier="silence_check: 5 s", agents="silence_check: off") as lab:
        held(lab)
        lab.held.add("caller:200 OPTIONS")
        lab.advance(11)
        question = lab.call.caller.question
        assert question is not None
        lab.advance(18)
        assert lab.call.caller.question is question
        lab.release()
        lab.advance(11)
        assert lab.call.caller.question is not question
        lab.caller.hang_up()


def test_a_held_call_ends_after_half_an_hour_of_silence_though_everybody_answers(
    lab: Laboratory,
) -> None:
    held(lab)
    lab.advance(1795)
    assert lab.switchboard.calls
    lab.advance(10)
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "no_media")


def test_silence_on_hold_may_last_for_ever(lab: Laboratory) -> None:
    limit_held(lab, None)
    held(lab)
    lab.advance(4000)
    assert lab.call.bridged
    lab.caller.hang_up()


def test_a_call_that_rings_for_long_is_not_asked(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.call.caller.opened_clock -= 1000
    lab.advance(4)
    assert "switch:OPTIONS" not in lab.carried
    lab.caller.cancel()
