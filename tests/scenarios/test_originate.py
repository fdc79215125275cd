"""Calls of our own making through the real program: two parties are called and joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.phone import Call
from tests.support.program import leg
from tests.support.rtp_end import DIGITS, PCMU, RtpEnd, known_signal
from tests.support.stage import AGENT, FIRST, Stage

MakeStage = Callable[..., Stage]

SECTIONS = """
originate: {to: ["+1602555*"], never: ["+16025559999"], at_once: 4, per_minute: 1000}
prompts:
  ding: {tone: chime}
"""


@pytest.fixture
def placing(make_stage: MakeStage) -> Stage:
    return make_stage(sections=SECTIONS)


@contextmanager
def control(stage: Stage) -> Iterator[ControlPeer]:
    with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
        yield peer


def place(peer: ControlPeer, **params: Any) -> str:
    asked = {"campaign": "direct", "first": FIRST, "second": AGENT, **params}
    placed = peer.ask("call.originate", **asked)
    assert isinstance(placed["call"], str)
    return placed["call"]


def answer(stage: Stage, call: Call) -> RtpEnd:
    """A phone takes a call."""
    end = stage.rtp()
    assert call.invite is not None
    end.aim_by(call.invite.body)
    call.respond(180)
    call.respond(200, end.sdp((PCMU, DIGITS)))
    call.expect("ACK")
    return end


def to_of(call: Call) -> str:
    assert call.invite is not None
    return call.invite.start_line.split()[1].partition("@")[0]


def test_two_parties_are_called_and_joined_with_one_record(placing: Stage) -> None:
    with control(placing) as peer:
        call_id = place(peer, attributes={"order": "4711"})
        first = placing.callee.expect_call()
        assert to_of(first) == f"sip:{FIRST}"
        near = answer(placing, first)
        second = placing.callee.expect_call()
        assert to_of(second) == f"sip:{AGENT}"
        far = answer(placing, second)
        near.play(known_signal(1.0))
        far.wait_for_packets(3)
        far.play(known_signal(1.0))
        near.wait_for_packets(3)
        assert peer.ask("call.get", call=call_id)["state"] == "bridged"
        second.bye()
        first.expect("BYE")
    record = placing.switch.record()
    assert record["call_id"] == call_id
    assert record["direction"] == "outbound"
    assert (record["caller"], record["number"]) == (FIRST, AGENT)
    assert (record["ended_by"], record["cause"]) == ("called", "hung_up")
    assert record["attributes"]["order"] == "4711"
    assert record["talk_seconds"] > 0
    one, other = leg(record, "calling"), leg(record, "called")
    assert (one["to"], one["status"], one["codec"]) == (FIRST, 200, "PCMU")
    assert one["sip_call_id"] == first.call_id
    assert one["originated_at"] <= one["answered_at"] <= other["originated_at"]
    assert (other["to"], other["from"], other["status"]) == (AGENT, FIRST, 200)


def test_whom_nobody_lists_is_not_called(placing: Stage) -> None:
    with control(placing) as peer:
        for second in ("+442071234567", "+16025559999", "sip:x@127.0.0.1"):
            with pytest.raises(Refused) as refused:
                place(peer, second=second)
            assert refused.value.reason == "destination_not_allowed"
        placing.callee.expect_no_call(during=0.2)
