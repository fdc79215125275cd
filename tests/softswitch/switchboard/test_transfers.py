"""Parties that have those they talk to moved: who may, whom it leads to, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.sip import events
from tests.support.referring import THIRD, Referring, referring
from tests.support.treated import answer, refuse, ring


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Referring]:
    with referring(tmp_path / "data") as bench:
        yield bench


def test_an_agent_has_the_caller_moved(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    assert bench.told(agent) == ["202", "100"]
    assert lab.facts("transfer.received") == [
        {"leg": "b1", "to": THIRD, "attended": False, "other_call": None}
    ]
    invite = lab.callee.calls[1].request
    assert invite.uri == f"sip:{THIRD}@192.0.2.2"
    ring(lab, 1)
    answer(lab, 1)
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b2"}
    assert lab.facts("transfer.ended") == [{"leg": "b1", "ok": True, "status": 200, "why": ""}]
    assert bench.told(agent) == ["202", "100", "180", "200 told"]
    lab.settle()
    ended = [event.dialog for event in lab.callee.events if isinstance(event, events.ByeReceived)]
    assert ended == [agent]
    lab.caller.hang_up()
    lab.settle()
    record = lab.record
    assert [leg["to"] for leg in record["legs"]][1:] == ["100001", THIRD]
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")


def test_a_caller_that_is_not_wanted_there_is_given_back(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    refuse(lab, 1, 486)
    assert bench.told(agent) == ["202", "100", "486 told"]
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b1"}
    lab.advance(10.0)
    assert not lab.call.ended
