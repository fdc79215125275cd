"""What is altered on calls in progress: what they know and show, hold, transfer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import CallerId, OriginateRules, Prompt
from softswitch.control.access import Token
from softswitch.sip import events
from tests.support.desk_bench import DeskBench
from tests.support.laboratory import DIRECT, MENU, laboratory

READER = Token.of("reader", "s", ("read",)).identity
CRM = Token.of("crm", "s", ("control",)).identity
RULES = OriginateRules(to=("+1602*",), caller_ids=("+1800*",), per_minute=3)
ELSEWHERE = "+1 602 555 0177"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    with laboratory(tmp_path / "data") as lab:
        yield DeskBench(
            lab,
            originate=RULES,
            prompts={"music": Prompt(text="long"), "gone": Prompt(text="missing")},
        )
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()


# What a call knows and shows.


def test_attributes_become_facts_and_stand_in_the_record(bench: DeskBench) -> None:
    call = bench.bridge()
    given = {"tier": "gold", "score": 7, "share": 0.5, "vip": True}
    told = {"tier": "gold", "score": {"number": "7"}, "share": {"number": "0.5"}, "vip": True}
    assert bench.ask("call.set", call=call, attributes=given) == {
        "call": call, "attributes": told, "caller_id": None,
    }  # fmt: skip
    facts = bench.desk.journey(bench.lab.call).facts
    assert (facts.fact("attribute.tier"), facts.fact("attribute.score")) == ("gold", 7)
    answer = bench.ask("call.set", call=call, attributes={"tier": "lead", "vip": None})
    assert answer["attributes"] == {**told, "tier": "lead", "vip": None}
    assert bench.lab.facts("call.attributes")[-1]["values"] == answer["attributes"]
    bench.ask("call.hangup", call=call)
    bench.lab.settle()
    assert bench.lab.record["attributes"] == answer["attributes"]


@pytest.mark.parametrize(
    "attributes",
    [{"no spaces": 1}, {"list": [1]}, {"": 1}, {f"a{n}": n for n in range(51)}, {"a": "x" * 2001}],
)
def test_attributes_have_names_plain_values_and_an_end(bench: DeskBench, attributes: Any) -> None:
    call = bench.bridge()
    assert bench.ask("call.set", call=call, attributes=attributes) == "invalid_params"


def test_the_attributes_of_a_call_have_an_end(bench: DeskBench) -> None:
    call = bench.bridge()
    for part in range(4):
        given = {f"a{part}": "x" * 1900}
        assert bench.ask("call.set", call=call, attributes=given)["call"] == call
    assert bench.ask("call.set", call=call, attributes={"more": "x" * 1900}) == "limit_reached"
    assert "more" not in bench.ask("call.get", call=call)["record"]["attributes"]


def test_the_caller_id_of_further_legs_is_one_that_may_be_shown(bench: DeskBench) -> None:
    bench.lab.caller.invite(MENU)
    bench.lab.settle()
    call = bench.lab.call.call_id
    for wrong in ("anybody", "212XXXXXXX", "sip:a@b.example", "sip:a b", ""):
        assert bench.ask("call.set", call=call, caller_id=wrong) == "invalid_params"
    assert bench.ask("call.set", call=call, caller_id="+1 900 555 0000") == "forbidden"
    assert bench.desk.journey(bench.lab.call).caller_id is None
    answer = bench.ask("call.set", call=call, caller_id="800 555 0123")
    assert answer["caller_id"] == "+18005550123"
    assert bench.desk.journey(bench.lab.call).caller_id == CallerId("fixed", "+18005550123")
    assert bench.ask("call.set", call=call)["caller_id"] == "+18005550123"
    bench.lab.wait_for_prompts()
    bench.lab.press("1")
    bench.lab.settle()
    (invite,) = bench.lab.callee.calls
    assert "+18005550123@" in (invite.request.headers.get("From") or "")
    assert bench.ask("call.set", call=call, caller_id="called")["caller_id"] == "called"
    assert bench.ask("call.set", call=call, caller_id=None)["caller_id"] is None
    assert [fact["caller_id"] for fact in bench.lab.facts("call.caller_id")] == [
        "+18005550123", "called", None,
    ]  # fmt: skip


def test_who_may_not_steer_the_call_alters_nothing(bench: DeskBench) -> None:
    call = bench.bridge()
    for method, params in (
        ("call.set", {"attributes": {"a": 1}}), ("call.hold", {}), ("call.unhold", {}),
        ("call.transfer", {"to": ELSEWHERE}),
    ):  # fmt: skip
        assert bench.ask(method, READER, call=call, **params) == "forbidden"
        assert bench.ask(method, call="nobody", **params) == "call_not_found"
        bench.desk.holders[call] = bench.session()
        assert bench.ask(method, CRM, call=call, **params) == "not_in_control"
        bench.desk.holders.clear()
    assert bench.lab.call.bridged


# Hold.


def offers(bench: DeskBench, phone: Any) -> list[str]:
    """The directions of the re-INVITEs that a phone got."""
    found = []
    for event in phone.events:
        if isinstance(event, events.ReinviteReceived):
            text = event.request.body.decode()
            found += [line[2:] for line in text.split() if line[2:] in DIRECTIONS]
    return found


DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@pytest.mark.parametrize(("leg", "phone"), [("a", "caller"), ("b1", "callee")])
def test_a_leg_on_hold_hears_music_and_nobody_hears_it(
    bench: DeskBench, leg: str, phone: str
) -> None:
    call = bench.bridge()
    held = getattr(bench.lab, phone)
    other = bench.lab.callee if phone == "caller" else bench.lab.caller
    answer = bench.ask("call.hold", call=call, leg=leg, prompt="music")
    assert answer == {"call": call, "leg": leg, "on_hold": True}
    assert offers(bench, held) == ["sendonly"]
    assert offers(bench, other) == []
    states = {one["leg"]: one["state"] for one in bench.ask("call.get", call=call)["legs"]}
    assert states[leg] == "on_hold"
    assert bench.lab.facts("prompt.started")[-1] == {"leg": leg, "prompt": "long", "seconds": 10.0}
    assert bench.lab.facts("leg.hold") == [{"leg": leg, "prompt": "long"}]
    bench.lab.advance(400)
    assert bench.lab.call.bridged, "silence on hold is no lost media"
    assert bench.ask("call.unhold", call=call, leg=leg)["on_hold"] is False
    assert offers(bench, held) == ["sendonly", "sendrecv"]
    assert bench.lab.facts("prompt.ended")[-1]["leg"] == leg
    assert bench.lab.facts("leg.unhold") == [{"leg": leg}]
    assert {one["state"] for one in bench.ask("call.get", call=call)["legs"]} == {"answered"}


def test_hold_without_a_sound_is_silence_and_may_become_music(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.ask("call.hold", call=call)
    bench.ask("call.hold", call=call, prompt="music")
    bench.ask("call.unhold", call=call)
    bench.ask("call.unhold", call=call)
    assert offers(bench, bench.lab.caller) == ["inactive", "sendonly", "sendrecv"]
    assert len(bench.lab.facts("leg.hold")) == len(bench.lab.facts("leg.unhold")) == 1


def test_a_hold_that_nobody_ends_ends_by_itself(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.ask("call.hold", call=call, at_most=60)
    bench.lab.advance(59)
    bench.ask("call.hold", call=call, prompt="music", at_most=60)
    bench.lab.advance(59)
    assert bench.lab.facts("leg.unhold") == []
    bench.lab.advance(2)
    assert bench.lab.facts("leg.unhold") == [{"leg": "a"}]
    assert offers(bench, bench.lab.caller) == ["inactive", "sendonly", "sendrecv"]
    bench.ask("call.hold", call=call, at_most=60)
    bench.lab.caller.hang_up()
    bench.lab.settle()
    bench.lab.advance(61)
    assert len(bench.lab.facts("leg.unhold")) == 1


def test_sound_of_the_configuration_only(bench: DeskBench) -> None:
    call = bench.bridge()
    assert bench.ask("call.hold", call=call, prompt="other") == "not_configured"
    assert bench.ask("call.hold", call=call, prompt="music", tone="busy") == "invalid_params"
    assert bench.ask("call.hold", call=call, leg="b2") == "leg_not_found"
    assert bench.lab.facts("leg.hold") == []


def test_a_leg_that_is_not_answered_cannot_be_held(bench: DeskBench) -> None:
    bench.lab.caller.invite(DIRECT)
    bench.lab.settle()
    call = bench.lab.call.call_id
    for leg in ("a", "b1"):
        assert bench.ask("call.hold", call=call, leg=leg) == "wrong_state"
        assert bench.ask("call.unhold", call=call, leg=leg) == "wrong_state"
        assert bench.ask("call.transfer", call=call, leg=leg, to=ELSEWHERE) == "wrong_state"


def test_a_trunk_with_hold_local_is_told_nothing(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data", agents="hold: local") as lab:
        bench = DeskBench(lab, originate=RULES)
        call = bench.bridge()
        bench.ask("call.hold", call=call, leg="b1")
        assert lab.call.callee is not None
        assert lab.call.callee.on_hold == "inactive"
        bench.ask("call.unhold", call=call, leg="b1")
        assert offers(bench, lab.callee) == []
        bench.ask("call.hangup", call=call)
        lab.settle()


def test_a_peer_that_does_not_answer_the_reinvite_is_on_hold_all_the_same(
    bench: DeskBench,
) -> None:
    call = bench.bridge()
    bench.lab.caller.answers_reinvites = False
    bench.ask("call.hold", call=call, prompt="music")
    bench.ask("call.unhold", call=call)
    assert offers(bench, bench.lab.caller) == ["sendonly"]
    assert bench.lab.call.bridged
    bench.lab.caller.answers_reinvites = True
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert bench.lab.record["cause"] == "hung_up"


def test_the_other_side_may_hang_up_meanwhile(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.ask("call.hold", call=call, prompt="music")
    bench.lab.callee.hang_up()
    bench.lab.settle()
    assert bench.lab.record["ended_by"] == "called"
    assert bench.ask("call.unhold", call=call) == "call_not_found"


# Transfer.


def refers(bench: DeskBench, phone: Any) -> list[events.RequestReceived]:
    return [event for event in phone.events if isinstance(event, events.RequestReceived)]


def respond(bench: DeskBench, phone: Any, status: int) -> None:
    refers(bench, phone)[-1].transaction.respond(status, now=phone.now)
    phone.pump.flush()
    bench.lab.settle()


def tell(bench: DeskBench, phone: Any, status: int) -> None:
    phone.dialog.request(
        "NOTIFY",
        body=f"SIP/2.0 {status} Whatever\r\n".encode(),
        content_type="message/sipfrag",
        headers=(("Event", "refer"), ("Subscription-State", "terminated")),
        now=phone.now,
    )
    phone.pump.flush()
    bench.lab.settle()


def test_a_caller_is_sent_elsewhere(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.begin("call.transfer", CRM, call=call, to=ELSEWHERE)
    (refer,) = refers(bench, bench.lab.caller)
    assert refer.request.headers.get("Refer-To") == "<sip:+16025550177@192.0.2.1>"
    respond(bench, bench.lab.caller, 202)
    tell(bench, bench.lab.caller, 200)
    assert bench.got[-1]["result"] == {
        "call": call, "leg": "a", "ok": True, "status": 200, "why": "",
    }  # fmt: skip
    assert bench.lab.record["cause"] == "transferred"


def test_a_transfer_that_does_not_work_leaves_the_call_as_it_was(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.begin("call.transfer", call=call, leg="b1", to="sip:sales@192.0.2.2", within=5)
    assert bench.got[-1]["error"]["data"]["reason"] == "destination_not_allowed"
    bench.begin("call.transfer", call=call, leg="b1", to=ELSEWHERE, within=5)
    respond(bench, bench.lab.callee, 603)
    assert bench.got[-1]["result"]["why"] == "refused"
    assert bench.got[-1]["result"]["ok"] is False
    assert bench.lab.call.bridged


def test_a_caller_that_hangs_up_meanwhile_is_an_outcome(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.begin("call.transfer", call=call, to=ELSEWHERE)
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert bench.got[-1]["result"]["ok"] is False
    assert bench.lab.record["ended_by"] == "calling"


def test_a_call_ended_from_elsewhere_is_an_outcome(bench: DeskBench) -> None:
    call = bench.bridge()
    bench.begin("call.transfer", call=call, to=ELSEWHERE)
    bench.lab.do(lambda: bench.lab.switchboard.end_all("over"))
    bench.lab.settle()
    assert bench.got[-1]["result"] == {
        "call": call, "leg": "a", "ok": False, "status": 0, "why": "hung_up",
    }  # fmt: skip


def test_an_address_is_referred_to_as_one_however_its_scheme_is_written(bench: DeskBench) -> None:
    rules = OriginateRules(to=("sip:*@192.0.2.7:5060",))
    bench.configuration = replace(bench.configuration, originate=rules)
    bench.begin("call.transfer", call=bench.bridge(), to="SIP:sales@192.0.2.7")
    (refer,) = refers(bench, bench.lab.caller)
    assert refer.request.headers.get("Refer-To") == "<sip:sales@192.0.2.7>"


@pytest.mark.parametrize("to", ["sips:a@b.example", "anybody", "sip:a b@c"])
def test_only_numbers_and_addresses_are_called(bench: DeskBench, to: str) -> None:
    call = bench.bridge()
    assert bench.ask("call.transfer", call=call, to=to) == "invalid_params"


def test_transfers_count_under_the_rules_for_calls(bench: DeskBench) -> None:
    call = bench.bridge()
    assert bench.ask("call.transfer", call=call, to="+1 900 555 0177") == "destination_not_allowed"
    for _ in range(3):
        bench.begin("call.transfer", call=call, to=ELSEWHERE)
        respond(bench, bench.lab.caller, 603)
    assert bench.ask("call.transfer", call=call, to=ELSEWHERE) == "limit_reached"


# Holds and bridges.


def test_bridging_a_leg_again_ends_its_hold(bench: DeskBench) -> None:
    call_id = bench.bridge()
    bench.ask("call.hold", call=call_id, prompt="music")
    call = bench.lab.call
    leg = call.callee
    assert leg is not None
    bench.lab.do(call.unbridge)
    bench.lab.settle()
    assert bench.ask("call.get", call=call_id)["state"] == "answered"
    assert call.caller.on_hold == "sendonly"
    bench.lab.do(lambda: call.bridge(leg))
    bench.lab.settle()
    assert bench.ask("call.get", call=call_id)["state"] == "bridged"
    assert offers(bench, bench.lab.caller) == ["sendonly", "sendrecv"]
    assert bench.lab.facts("leg.unhold") == [{"leg": "a"}]


def test_a_leg_may_be_put_on_hold_while_nobody_talks_to_it(bench: DeskBench) -> None:
    call_id = bench.bridge()
    bench.lab.do(bench.lab.call.unbridge)
    bench.lab.settle()
    for leg, phone in (("a", bench.lab.caller), ("b1", bench.lab.callee)):
        bench.ask("call.hold", call=call_id, leg=leg)
        bench.ask("call.unhold", call=call_id, leg=leg)
        assert offers(bench, phone) == ["inactive", "sendrecv"]
