"""Calls of our own making through the real program: two parties are called and joined."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.phone import Call
from tests.support.program import Switch, leg
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


@pytest.fixture(scope="module")
def places_nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    """A switch for requests that are refused."""
    made = Stage(tmp_path_factory.mktemp("refusing"), sections=SECTIONS)
    yield made.switch
    made.close(stop=True)


@contextmanager
def control(stage: Stage | Switch) -> Iterator[ControlPeer]:
    switch = stage.switch if isinstance(stage, Stage) else stage
    with ControlPeer(("127.0.0.1", switch.control_port)) as peer:
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
        assert peer.ask("status")["parts"]["originate"] == {"placed": 0, "lists": 0}


def test_no_more_calls_are_placed_than_may_be(placing: Stage) -> None:
    with control(placing) as peer:
        calls = [place(peer), place(peer)]
        with pytest.raises(Refused) as refused:
            place(peer)
        assert refused.value.reason == "limit_reached"
        for call in calls:
            peer.ask("call.hangup", call=call)
        for _ in calls:
            placing.callee.expect_call().expect("CANCEL")
        place(peer)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"campaign": "nobodys"}, "not_configured"),
        ({"treatment": "nobodys", "second": None}, "not_configured"),
        ({"second": None}, "invalid_params"),
        ({"treatment": "menu"}, "invalid_params"),
        ({"treatment": "menu", "second": None, "criterion": "ringing"}, "invalid_params"),
        ({"treatment": "menu", "second": None, "reverse": True}, "invalid_params"),
        ({"criterion": "key"}, "invalid_params"),
        ({"criterion": "word", "prompt": "ding"}, "invalid_params"),
        ({"prompt": "nobodys"}, "media_unavailable"),
        ({"press_to_accept": "nobodys"}, "media_unavailable"),
        ({"caller_id": "+16025550100"}, "destination_not_allowed"),
        ({"ring_seconds": 0}, "invalid_params"),
        ({"first": ""}, "invalid_params"),
        ({"attributes": {"a b": "c"}}, "invalid_params"),
        ({"first": "+442071234567", "second": AGENT}, "destination_not_allowed"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_placed(
    places_nothing: Switch, params: dict[str, Any], reason: str
) -> None:
    with control(places_nothing) as peer:
        with pytest.raises(Refused) as refused:
            place(peer, **params)
        assert refused.value.reason == reason
        assert peer.ask("call.list")["total"] == 0


def test_the_first_presses_a_key_and_the_order_may_be_reversed(placing: Stage) -> None:
    with control(placing) as peer:
        place(peer, reverse=True, criterion="key", key="7", prompt="ding")
        agent = placing.callee.expect_call()
        assert to_of(agent) == f"sip:{AGENT}"
        near = answer(placing, agent)
        near.wait_for_packets(3)
        placing.callee.expect_no_call(during=0.2)
        near.press("7")
        customer = placing.callee.expect_call()
        assert to_of(customer) == f"sip:{FIRST}"
        answer(placing, customer)
        agent.bye()
        customer.expect("BYE")
    record = placing.switch.record()
    assert record["keys"] == ["7"]
    assert (record["caller"], record["number"]) == (AGENT, FIRST)


def test_events_tell_what_becomes_of_it(placing: Stage) -> None:
    with control(placing) as peer:
        peer.ask("events.subscribe", kinds=["call.*", "leg.*"])
        call_id = place(peer)
        first = placing.callee.expect_call()
        first.respond(486)
        kinds = []
        while (told := peer.notification()) is not None:
            kinds.append(told["params"]["kind"])
            assert told["params"]["call"] == call_id
            if kinds[-1] == "call.record":
                break
        assert kinds == [
            "call.presented", "leg.originated", "leg.ended", "call.ended", "call.record",
        ]  # fmt: skip
    assert placing.switch.record()["cause"] == "rejected"


@pytest.mark.parametrize("moment", ["first rings", "second rings", "they talk"])
def test_a_killed_switch_has_one_record_of_a_call_it_placed(placing: Stage, moment: str) -> None:
    with control(placing) as peer:
        call_id = place(peer)
        first = placing.callee.expect_call()
        first.respond(180)
        if moment != "first rings":
            answer(placing, first)
            second = placing.callee.expect_call()
            if moment == "they talk":
                answer(placing, second).wait_for_packets(1)
    time.sleep(0.5)  # the journal's notes wait that long for company
    placing.switch.kill()
    placing.switch.start()
    record = placing.switch.record()
    assert (record["call_id"], record["ended_by"]) == (call_id, "crash")
    assert record["direction"] == "outbound"
    legs = record["legs"]
    assert [one["side"] for one in legs] == ["calling", "called"][: len(legs)]
    assert legs[0]["to"] == FIRST
    assert legs[0]["sip_call_id"] == first.call_id
    assert len(legs) == (1 if moment == "first rings" else 2)
    assert (record["talk_seconds"] > 0) is (moment == "they talk")


ORIGINAL = """
originate: {to: ["+1602555*"], caller_ids: ["+1 602 555 1XXX"], per_minute: 3}
"""


def test_each_is_shown_the_other_where_both_are_listed(make_stage: MakeStage) -> None:
    stage = make_stage(sections=ORIGINAL)
    with control(stage) as peer:
        for refused in ({"second": "+16025552222"}, {"second": None, "treatment": "menu"}):
            with pytest.raises(Refused) as error:
                place(peer, campaign="called-id", caller_id="original", **refused)
            assert error.value.reason in ("destination_not_allowed", "invalid_params")
        place(peer, campaign="called-id", caller_id="original")
        first = stage.callee.expect_call()
        assert first.invite is not None
        assert AGENT in (first.invite.get("From") or "")
        answer(stage, first)
        second = stage.callee.expect_call()
        assert second.invite is not None
        assert FIRST in (second.invite.get("From") or "")
        second.respond(486)
        first.expect("BYE")


def test_who_asks_for_two_where_one_is_left_is_told_so_and_leaves_it(make_stage: MakeStage) -> None:
    stage = make_stage(sections=ORIGINAL)
    with control(stage) as peer:
        place(peer)
        for _ in range(3):
            with pytest.raises(Refused, match="the request needs two"):
                place(peer)
        place(peer, second=None, treatment="menu")
        for call in peer.ask("call.list")["calls"]:
            peer.ask("call.hangup", call=call["call"])
        for _ in range(2):
            stage.callee.expect_call().expect("CANCEL")


def test_nobody_is_called_any_more_once_a_drain_is_asked_for(placing: Stage) -> None:
    wish = {"campaign": "direct", "first": FIRST, "second": AGENT}
    lines = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate([("drain", {}), ("call.originate", wish)])
    ]
    with control(placing) as peer:
        place(peer)
        going_on = placing.callee.expect_call()
        with socket.create_connection(("127.0.0.1", placing.switch.control_port), 10) as other:
            other.sendall(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            reader = other.makefile("rb")
            told = [json.loads(reader.readline()) for _ in lines]
        answers = {one["id"]: one for one in told}
        assert answers[0]["result"]["calls"] == 1
        assert answers[1]["error"]["data"]["reason"] == "no_capacity"
        going_on.respond(486)
    placing.callee.expect_no_call(during=0.2)
    assert len(placing.switch.wait_for_records(1)) == 1
