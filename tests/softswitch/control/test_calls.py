"""Methods about calls in progress, on calls of a whole switch between two scripted phones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import KeywordRule
from softswitch.control.access import ADMINISTRATOR, Access, Identity, Token
from softswitch.control.desk import Desk
from softswitch.control.history import EventHistory
from softswitch.control.methods.all import all_methods
from softswitch.control.session import Session
from softswitch.hearing.keywords import KeywordWatch
from tests.support.laboratory import CALLER, DIRECT, MENU, Laboratory, laboratory

READER = Token.of("reader", "s", ("read",)).identity
OTHERS = Token.of("others", "s", ("control",), ("nobodys",)).identity


class Tapes:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.recording = True
        self.asked: list[tuple[str, str, str | None]] = []

    def start(self, call_id: str) -> str | None:
        self.asked.append(("start", call_id, None))
        return None if self.recording else f"recordings/{call_id}.wav"

    def stop(self, call_id: str) -> bool:
        self.asked.append(("stop", call_id, None))
        return self.recording

    def pause(self, call_id: str, leg: str | None = None, why: str = "asked") -> bool:
        self.asked.append(("pause", call_id, leg))
        return self.recording

    def resume(self, call_id: str, leg: str | None = None) -> bool:
        self.asked.append(("resume", call_id, leg))
        return self.recording


class Bench:
    """A switch, and a peer of its control socket."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.tapes = Tapes()
        self.desk = Desk(
            switchboard=lab.switchboard,
            services=lab.services,
            history=EventHistory(lab.services.events, epoch="e1"),
            configuration=lambda: lab.configuration,
            tapes=self.tapes,
        )
        self.got: list[Any] = []

    async def _send(self, *messages: bytes) -> None:
        self.got += [json.loads(message) for message in messages]

    def begin(self, method: str, identity: Identity = ADMINISTRATOR, **params: Any) -> None:
        """Ask, without waiting for the answer."""
        session = Session(all_methods(), self.desk, self._send, access=Access(), identity=identity)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.lab.begin(session.receive(json.dumps(request).encode()))
        self.lab.settle()

    def ask(self, method: str, identity: Identity = ADMINISTRATOR, **params: Any) -> Any:
        """The result, or the reason of the error."""
        before = len(self.got)
        self.begin(method, identity, **params)
        (answer,) = self.got[before:]
        return answer["result"] if "result" in answer else answer["error"]["data"]["reason"]

    def bridge(self) -> str:
        """A bridged call; its id."""
        self.lab.caller.invite(DIRECT)
        self.lab.settle()
        self.lab.callee.answer()
        self.lab.settle()
        return self.lab.call.call_id


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with laboratory(tmp_path / "data") as lab:
        yield Bench(lab)
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()


def test_calls_are_listed_with_what_they_are_doing(bench: Bench) -> None:
    assert bench.ask("call.list") == {"calls": [], "total": 0}
    bench.lab.caller.invite(DIRECT)
    bench.lab.settle()
    (line,) = bench.ask("call.list")["calls"]
    assert (line["state"], line["caller"], line["private"]) == ("ringing", CALLER, False)
    bench.lab.callee.answer()
    bench.lab.advance(3.0)
    (line,) = bench.ask("call.list")["calls"]
    assert line["state"] == "bridged"
    assert line["seconds"] == pytest.approx(3.0, abs=0.1)
    assert bench.ask("call.list", campaign=line["campaign"])["total"] == 1
    assert bench.ask("call.list", campaign="other")["total"] == 0


def test_who_has_other_campaigns_neither_sees_nor_touches_a_call(bench: Bench) -> None:
    call = bench.bridge()
    assert bench.ask("call.list", OTHERS)["total"] == 0
    assert bench.ask("call.get", OTHERS, call=call) == "call_not_found"
    assert bench.ask("call.hangup", OTHERS, call=call) == "call_not_found"
    assert bench.ask("call.hangup", READER, call=call) == "forbidden"
    assert bench.lab.call.bridged


def test_one_call_shows_its_legs_and_its_record_so_far(bench: Bench) -> None:
    call = bench.bridge()
    bench.lab.advance(2.0)
    found = bench.ask("call.get", call=call)
    assert found["state"] == "bridged"
    assert [(leg["leg"], leg["side"], leg["state"]) for leg in found["legs"]] == [
        ("a", "calling", "answered"),
        ("b1", "called", "answered"),
    ]
    caller, called = found["legs"]
    assert (caller["number"], called["number"]) == (CALLER, DIRECT)
    assert called["codec"] == caller["codec"] == "PCMU"
    assert called["talk_seconds"] == pytest.approx(2.0, abs=0.1)
    assert found["record"]["call_id"] == call
    assert found["record"]["path"] != []
    assert bench.ask("call.get", call="nobody") == "call_not_found"


def test_a_call_is_ended_with_the_cause_that_was_given(bench: Bench) -> None:
    call = bench.bridge()
    assert bench.ask("call.hangup", call=call, cause="customer_refused") == {"call": call}
    bench.lab.settle()
    assert (bench.lab.record["ended_by"], bench.lab.record["cause"]) == (
        "switch",
        "customer_refused",
    )
    assert bench.ask("call.hangup", call=call) == "call_not_found"
    assert bench.ask("call.hangup", call=call, cause="No Spaces") == "invalid_params"


def test_a_caller_who_was_not_answered_is_refused(bench: Bench) -> None:
    bench.lab.caller.invite(DIRECT)
    bench.lab.settle()
    bench.ask("call.hangup", call=bench.lab.call.call_id)
    bench.lab.settle()
    assert bench.lab.record["legs"][0]["status"] == 480


def test_a_call_whose_last_facts_are_awaited_is_over(bench: Bench) -> None:
    call = bench.bridge()
    hold = bench.lab.call.hold_end("a recording")
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert bench.ask("call.list")["calls"][0]["state"] == "ending"
    assert bench.ask("call.hangup", call=call) == "call_ended"
    assert bench.ask("call.send_dtmf", call=call, digits="1") == "call_ended"
    bench.lab.do(hold.release)
    assert bench.ask("call.get", call=call) == "call_not_found"


def test_keys_are_pressed_and_told_when_they_have_been(bench: Bench) -> None:
    call = bench.bridge()
    bench.begin("call.send_dtmf", call=call, leg="b1", digits="12w#")
    assert bench.got == []
    bench.lab.advance(2.0)
    assert bench.got[0]["result"] == {"call": call, "leg": "b1", "count": 4}


def test_keys_that_cannot_be_pressed_are_refused(bench: Bench) -> None:
    call = bench.bridge()
    assert bench.ask("call.send_dtmf", call=call, leg="b2", digits="1") == "leg_not_found"
    assert bench.ask("call.send_dtmf", call=call, digits="1 2") == "invalid_params"
    assert bench.ask("call.send_dtmf", call=call, digits="") == "invalid_params"
    bench.begin("call.send_dtmf", call=call, digits="w" * 128)
    bench.lab.advance(1.0)
    bench.lab.caller.hang_up()
    bench.lab.advance(1.0)
    assert bench.got[-1]["error"]["data"]["reason"] == "call_ended"


def test_keys_need_an_answered_leg(bench: Bench) -> None:
    bench.lab.caller.invite(DIRECT)
    bench.lab.settle()
    call = bench.lab.call.call_id
    assert bench.ask("call.send_dtmf", call=call, digits="1") == "wrong_state"
    assert bench.ask("call.send_dtmf", call=call, digits="1", leg="b1") == "wrong_state"


def test_recording_is_paused_and_resumed(bench: Bench) -> None:
    call = bench.bridge()
    assert bench.ask("call.record.pause", call=call) == {
        "call": call, "leg": None, "recording": False,
    }  # fmt: skip
    assert bench.ask("call.record.resume", call=call, leg="a")["recording"] is True
    assert bench.tapes.asked == [("pause", call, None), ("resume", call, "a")]
    assert bench.ask("call.record.pause", call=call, leg="b7") == "leg_not_found"
    bench.tapes.recording = False
    assert bench.ask("call.record.pause", call=call) == "wrong_state"
    bench.desk.tapes = None
    assert bench.ask("call.record.pause", call=call) == "not_supported"


def test_recording_is_started_and_stopped(bench: Bench) -> None:
    bench.lab.caller.invite(DIRECT)
    bench.lab.settle()
    call = bench.lab.call.call_id
    assert bench.ask("call.record.start", call=call) == "wrong_state"
    bench.lab.callee.answer()
    bench.lab.settle()
    assert bench.ask("call.record.start", call=call) == "wrong_state"
    assert bench.ask("call.record.stop", call=call) == {"call": call}
    bench.tapes.recording = False
    begun = bench.ask("call.record.start", call=call)
    assert begun == {"call": call, "path": f"recordings/{call}.wav"}
    assert bench.ask("call.record.stop", call=call) == "wrong_state"
    bench.desk.tapes = None
    assert bench.ask("call.record.start", call=call) == "not_supported"


class Watch:
    """Remembers the rules it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.room = True

    def live_rules(self, *, call_id: str = "", campaign: str = "") -> None:
        return None

    def set_rules(self, rules: Any, *, call_id: str = "", campaign: str = "") -> bool:
        self.given.append((rules, call_id, campaign))
        return self.room


def transcribe(bench: Bench) -> None:
    """Have the call's speech heard."""
    (call,) = bench.lab.switchboard.calls.values()
    call.counts_for = replace(call.counts_for, transcribe=True)


def test_keyword_rules_are_read_as_in_the_configuration(bench: Bench) -> None:
    watch = bench.desk.keywords = Watch()
    bench.lab.caller.invite(MENU)
    bench.lab.settle()
    call = bench.lab.call
    name = call.counts_for.name
    assert bench.ask("keyword.set_rules", call=call.call_id, rules={}) == "not_configured"
    transcribe(bench)
    rules = {"friend": "friend or buddy", "card": {"say": "credit card", "leg": "caller"}}
    told = bench.ask("keyword.set_rules", call=call.call_id, rules=rules)
    assert told == {"call": call.call_id, "campaign": None, "rules": ["friend", "card"]}
    (friend, card), call_id, campaign = watch.given[0]
    assert isinstance(friend, KeywordRule)
    assert (friend.name, friend.text, friend.side) == ("friend", "friend or buddy", "any")
    assert (card.side, call_id, campaign) == ("caller", call.call_id, "")
    assert bench.ask("keyword.set_rules", call=call.call_id, rules=None)["rules"] is None
    assert watch.given[1] == (None, call.call_id, "")
    assert bench.ask("keyword.set_rules", campaign=name, rules={}) == "not_configured"
    watch.room = False
    assert bench.ask("keyword.set_rules", call=call.call_id, rules={}) == "limit_reached"


def test_keyword_rules_that_cannot_be_are_refused(bench: Bench) -> None:
    watch = bench.desk.keywords = Watch()
    call = bench.bridge()
    transcribe(bench)
    for rules in (
        {"x": "and and"}, {"x": 'not "no"'}, {"": "friend"}, {"a\nb": "friend"},
        {"x": {"say": "friend", "weight": 1000}}, {str(n): "friend" for n in range(201)},
    ):  # fmt: skip
        assert bench.ask("keyword.set_rules", call=call, rules=rules) == "invalid_params"
    assert bench.ask("keyword.set_rules", rules={}) == "invalid_params"
    assert bench.ask("keyword.set_rules", rules={}, call=call, campaign="x") == "invalid_params"
    assert bench.ask("keyword.set_rules", rules={}, campaign="nobody") == "not_configured"
    assert watch.given == []
    bench.desk.keywords = None
    assert bench.ask("keyword.set_rules", rules={}, call=call) == "not_supported"


def test_keyword_rules_are_listed_with_whose_they_are(bench: Bench) -> None:
    bench.desk.keywords = KeywordWatch()
    call = bench.bridge()
    name = bench.lab.call.counts_for.name
    whole = {"name": "card", "say": "credit card", "leg": "caller", "weight": 3, "confidence": 0.5}
    listed = bench.ask("keyword.list", call=call)
    assert listed == {"call": call, "campaign": name, "source": "configuration", "rules": []}
    transcribe(bench)
    rules = {"card": {"say": "credit card", "leg": "caller", "weight": 3}}
    bench.ask("keyword.set_rules", call=call, rules=rules)
    listed = bench.ask("keyword.list", READER, call=call)
    assert (listed["source"], listed["rules"]) == ("call", [whole])
    assert bench.ask("keyword.list", campaign=name)["source"] == "configuration"
    bench.desk.keywords.set_rules([], campaign=name)
    assert bench.ask("keyword.list", campaign=name)["source"] == "campaign"
    bench.ask("keyword.set_rules", call=call, rules=None)
    listed = bench.ask("keyword.list", call=call)
    assert (listed["source"], listed["rules"]) == ("campaign", [])
    assert bench.ask("keyword.list", OTHERS, campaign=name) == "not_configured"
    assert bench.ask("keyword.list", OTHERS, call=call) == "call_not_found"
    assert bench.ask("keyword.list") == "invalid_params"
    bench.desk.keywords = None
    assert bench.ask("keyword.list", call=call) == "not_supported"
