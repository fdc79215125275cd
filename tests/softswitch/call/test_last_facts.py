"""The end of a call waits for facts that are still to come in; a call can be taken out of its
treatment."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from softswitch.call.call import Call
from softswitch.call.end_hold import MAX_HOLD_SECONDS, EndHold
from softswitch.call.events import KeywordHeard
from softswitch.call.outcomes import Answered
from tests.support.laboratory import DIRECT, Laboratory
from tests.support.treated import Script, answer, request_to, treated


def run(lab: Laboratory, script: Script) -> None:
    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()


async def talk(call: Call, lab: Laboratory, number: str = "501") -> None:
    outcome = await call.dial(request_to(lab, number))
    assert isinstance(outcome, Answered)
    call.bridge(outcome.leg)
    await call.talk()


def held(lab: Laboratory) -> tuple[Call, EndHold]:
    """A bridged call with a hold on its end."""
    run(lab, partial(talk, lab=lab))
    answer(lab, 0)
    lab.settle()
    return lab.call, lab.call.hold_end("speech")


def keyword(call: Call) -> None:
    call.emit(
        KeywordHeard, leg="a", side="caller", rule="friend", text="friend", start=1.0, end=1.4,
        confidence=0.9, weight=1, mode="rolling", engine="whisper", clip=None,
    )  # fmt: skip


def test_the_end_waits_for_a_hold_and_keeps_its_own_time(lab: Laboratory) -> None:
    call, hold = held(lab)
    lab.advance(10)
    lab.caller.hang_up()
    lab.settle()
    assert "leg.ended" in lab.kinds()
    assert "call.ended" not in lab.kinds()
    lab.advance(3)
    keyword(call)
    hold.release()
    lab.settle()
    kinds = lab.kinds()
    assert kinds.index("call.keyword") < kinds.index("call.ended")
    assert kinds[-1] == "call.record"
    assert lab.record["total_seconds"] == pytest.approx(10, abs=0.1)
    assert [found["text"] for found in lab.record["keywords"]] == ["friend"]


def test_every_hold_must_be_released(lab: Laboratory) -> None:
    call, first = held(lab)
    second = call.hold_end("recording")
    lab.caller.hang_up()
    lab.settle()
    first.release()
    first.release()
    assert "call.ended" not in lab.kinds()
    second.release()
    lab.settle()
    assert lab.kinds()[-1] == "call.record"


def test_a_hold_released_before_the_end_holds_nothing(lab: Laboratory) -> None:
    _, hold = held(lab)
    hold.release()
    lab.caller.hang_up()
    lab.settle()
    assert lab.kinds()[-1] == "call.record"


def test_the_end_does_not_wait_for_ever(lab: Laboratory, caplog: pytest.LogCaptureFixture) -> None:
    _, hold = held(lab)
    lab.caller.hang_up()
    lab.settle()
    with caplog.at_level(logging.WARNING):
        lab.advance(MAX_HOLD_SECONDS + 0.1)
    assert lab.kinds()[-1] == "call.record"
    assert "without waiting for: speech" in caplog.text
    hold.release()
    lab.settle()
    assert lab.kinds().count("call.ended") == 1


def test_a_call_that_waits_for_facts_is_over_for_everybody_else(lab: Laboratory) -> None:
    call, hold = held(lab)
    lab.caller.hang_up()
    lab.settle()
    call.end("switch", "shutdown")
    call.caller.on_digit("1")
    lab.settle()
    assert call.ended
    assert not call.concluded
    hold.release()
    lab.settle()
    assert lab.record["ended_by"] == "calling"
    assert lab.record["keys"] == []


def test_a_diverted_call_leaves_its_called_party_and_goes_on(lab: Laboratory) -> None:
    run(lab, partial(talk, lab=lab))
    answer(lab, 0)
    lab.settle()
    call = lab.call
    call.divert(partial(talk, call, lab, "502"))
    lab.settle()
    answer(lab, 1)
    lab.settle()
    assert lab.kinds().count("call.bridged") == 2
    lab.caller.hang_up()
    lab.settle()
    legs = lab.record["legs"]
    assert [leg["side"] for leg in legs] == ["calling", "called", "called"]
    assert lab.record["ended_by"] == "calling"


def test_a_call_is_diverted_out_of_a_dial(lab: Laboratory) -> None:
    run(lab, partial(talk, lab=lab))
    call = lab.call
    call.divert(partial(talk, call, lab, "502"))
    lab.settle()
    answer(lab, 1)
    lab.settle()
    assert call.bridged
    lab.caller.hang_up()
    lab.settle()
    assert [leg["status"] for leg in lab.record["legs"]] == [200, 487, 200]


def test_a_diverted_call_may_end_before_its_new_treatment_begins(lab: Laboratory) -> None:
    run(lab, partial(talk, lab=lab))
    answer(lab, 0)
    lab.settle()
    call = lab.call
    begun: list[str] = []

    async def never() -> None:
        begun.append("begun")

    def both() -> None:
        call.divert(never)
        call.end("switch", "shutdown")

    lab.do(both)
    lab.settle()
    assert begun == []
    assert lab.record["cause"] == "shutdown"
