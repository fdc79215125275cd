"""Delayed offers both ways: callers that leave the offer to us, far ends to which we leave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.sip import events
from tests.support.laboratory import DIRECT, Laboratory, laboratory, session_description


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data", agents="offers: late") as lab:
        yield lab


def begin(lab: Laboratory, body: bytes | None = None) -> None:
    lab.caller.invite(DIRECT, body=body)
    lab.settle()


@pytest.mark.parametrize("by_us", [False, True])
def test_the_far_end_makes_the_offer(lab: Laboratory, by_us: bool) -> None:
    begin(lab, b"" if by_us else None)
    invite = lab.callee.calls[0].request
    assert invite.body == b""
    assert "100rel" not in (invite.headers.get("Supported") or "")
    lab.callee.ring()
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged
    (acked,) = [one for one in lab.callee.events if isinstance(one, events.AckReceived)]
    assert b"m=audio" in acked.body
    assert lab.facts("leg.answered")[0]["codec"] == "PCMU"
    lab.caller.hang_up()


def test_the_codec_is_the_callers_where_the_far_end_has_it(lab: Laboratory) -> None:
    begin(lab, session_description(lab.sink_port, codecs="8 101"))
    lab.callee.answer()
    lab.settle()
    assert [fact["codec"] for fact in lab.facts("leg.answered")] == ["PCMA"]
    lab.caller.hang_up()


def test_nothing_is_heard_of_it_before_it_answers(lab: Laboratory) -> None:
    begin(lab)
    lab.callee.ring(183, media=True)
    lab.settle()
    assert lab.facts("leg.progressed") == [{"leg": "b1", "status": 183, "early_media": False}]
    assert lab.call.joined is None
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged
    lab.caller.hang_up()


@pytest.mark.parametrize("body", [b"", b"nonsense", session_description(1, codecs="18")])
def test_an_offer_that_cannot_be_answered_ends_the_leg(lab: Laboratory, body: bytes) -> None:
    begin(lab)
    lab.callee.answer(body=body)
    lab.settle()
    assert lab.record["legs"][1]["status"] == 488
    assert lab.callee.count(events.AckReceived) == 1
    assert lab.callee.count(events.ByeReceived) == 1


def test_a_caller_may_leave_at_the_moment_of_the_answer(lab: Laboratory) -> None:
    begin(lab)
    lab.callee.ring()
    lab.settle()
    lab.held.add("callee:200 INVITE")
    lab.callee.answer()
    lab.settle()
    lab.caller.cancel()
    lab.settle()
    lab.release()
    lab.settle()
    assert lab.callee.count(events.ByeReceived) == 1
    assert lab.record["cause"] == "cancelled"


def test_a_lost_ack_is_sent_again(lab: Laboratory) -> None:
    begin(lab)
    lab.lost.add("switch:ACK")
    lab.callee.answer()
    lab.settle()
    lab.lost.clear()
    lab.advance(1.0)
    assert lab.callee.count(events.AckReceived) == 1
    lab.caller.hang_up()
