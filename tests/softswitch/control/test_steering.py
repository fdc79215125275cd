"""Calls steered from outside: who has them, what is done to them, and the worst moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import CallerId, Prompt
from softswitch.control.access import Token
from tests.softswitch.control.steering_bench import Bench, Connection
from tests.support.laboratory import DIRECT, KEPT, laboratory

READER = Token.of("reader", "s", ("read",)).identity
OTHERS = Token.of("others", "s", ("control",), ("nobodys",)).identity
CRM = Token.of("crm", "s", ("control",)).identity


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with laboratory(tmp_path / "data") as lab:
        yield Bench(lab)
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()


# Who has a call.


def test_a_call_is_offered_with_the_time_until_it_waits(bench: Bench) -> None:
    bench.offer()
    (offer,) = bench.lab.facts("call.offered")
    assert (offer["name"], offer["node"]) == ("crm", "controller-1")
    assert offer["deadline"] == pytest.approx(bench.lab.services.wall_clock() + 2.0, abs=1.0)
    assert bench.steering.status()["offered"] == 1


def test_nobody_came_in_time(bench: Bench) -> None:
    bench.offer()
    bench.lab.advance(2.1)
    assert bench.lab.record["cause"] == "untaken"
    assert bench.lab.facts("call.released") == [{"why": "untaken"}]
    assert bench.connection().ask("call.take") == "call_not_found"
    assert bench.steering.status() == {
        "offered": 0, "steered": 0, "taken": 0, "untaken": 1, "running": 0,
    }  # fmt: skip


def test_the_first_of_two_controllers_has_the_call(bench: Bench) -> None:
    bench.offer()
    first, second = bench.connection(), bench.connection()
    assert first.ask("call.take")["call"] == bench.call_id
    assert second.ask("call.take") == "not_in_control"
    assert second.ask("call.answer") == "not_in_control"
    assert first.ask("call.take")["call"] == bench.call_id
    assert first.ask("call.answer") == {"call": bench.call_id}
    assert bench.lab.kinds().count("call.taken") == 1


def test_a_call_is_taken_by_who_may(bench: Bench) -> None:
    bench.offer()
    assert bench.connection(READER).ask("call.take") == "forbidden"
    assert bench.connection(OTHERS).ask("call.take") == "call_not_found"
    bench.connection(CRM).ask("call.take")
    assert bench.lab.facts("call.taken") == [{"controller": "crm"}]


def test_what_nobody_has_taken_is_not_steered(bench: Bench) -> None:
    bench.offer()
    connection = bench.connection()
    assert connection.ask("call.answer") == "not_in_control"
    assert connection.ask("call.dial", to="+16025551234") == "not_in_control"
    bench.lab.advance(2.1)


def test_a_call_in_its_treatment_is_not_offered(bench: Bench) -> None:
    bench.offer(DIRECT)
    assert bench.connection().ask("call.take") == "wrong_state"


def test_a_call_that_is_let_go_goes_on_behind_the_step(bench: Bench) -> None:
    connection = bench.taken()
    assert connection.ask("call.release") == {"call": bench.call_id}
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    assert bench.lab.record["cause"] == "released"
    assert bench.lab.facts("call.released") == [{"why": "released"}]
    assert bench.desk.holders == {}


def test_a_controller_that_is_lost_leaves_its_call_to_the_treatment(bench: Bench) -> None:
    connection = bench.answered()
    connection.close()
    assert bench.lab.record["cause"] == "untaken"
    assert bench.lab.facts("call.released") == [{"why": "lost"}]
    assert bench.desk.holders == {}
    assert connection.session.when_closed == set()


def test_a_call_that_nobody_answers_is_not_held_for_ever(bench: Bench) -> None:
    bench.taken()
    bench.lab.advance(179)
    assert bench.lab.switchboard.calls
    bench.lab.advance(2)
    assert bench.lab.facts("call.released") == [{"why": "unanswered"}]
    assert bench.lab.record["cause"] == "untaken"


def test_an_answered_call_is_held_as_long_as_it_may_last(bench: Bench) -> None:
    bench.answered()
    bench.lab.call.media_expected_from += 400  # nobody sends sound here
    bench.lab.advance(300)
    assert bench.lab.switchboard.calls


def test_the_caller_who_hangs_up_takes_the_call_away(bench: Bench) -> None:
    connection = bench.answered()
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert connection.ask("call.play", prompt="short") == "call_not_found"
    assert bench.desk.holders == {}
    assert connection.session.when_closed == set()
    assert bench.lab.record["ended_by"] == "calling"


# Speaking with a leg.


def test_a_caller_is_rung_answered_and_played_to(bench: Bench) -> None:
    connection = bench.taken()
    assert connection.ask("call.play", prompt="short") == "wrong_state"
    assert connection.ask("call.ring") == {"call": bench.call_id}
    assert connection.ask("call.answer") == {"call": bench.call_id}
    assert connection.ask("call.ring") == "wrong_state"
    number = connection.begin("call.play", prompt="short")
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    assert connection.answers[number] == {"call": bench.call_id, "leg": "a", "played": "finished"}


@pytest.mark.parametrize(
    "sound", [{"prompt": "short"}, {"text": "Good morning."}, {"file": "a.wav"}]
)
def test_whatever_is_a_sound_is_played(bench: Bench, sound: dict[str, str]) -> None:
    connection = bench.answered()
    number = connection.begin("call.play", **sound)
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    assert connection.answers[number]["played"] == "finished"


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        ({}, "invalid_params"),
        ({"prompt": "short", "text": "twice"}, "invalid_params"),
        ({"prompt": "nobody"}, "not_configured"),
        ({"tone": "trumpet"}, "invalid_params"),
        ({"text": ""}, "invalid_params"),
        ({"text": "x" * 1001}, "invalid_params"),
        ({"prompt": "short", "leg": "b1"}, "leg_not_found"),
    ],
)
def test_what_is_no_sound_is_told(bench: Bench, sound: dict[str, str], reason: str) -> None:
    assert bench.answered().ask("call.play", **sound) == reason


def test_what_plays_is_cut_by_what_plays_next_and_by_stop(bench: Bench) -> None:
    connection = bench.answered()
    first = connection.begin("call.play", prompt="long")
    second = connection.begin("call.say", text="long")
    assert connection.answers[first]["played"] == "cut"
    assert connection.ask("call.stop") == {"call": bench.call_id}
    assert connection.answers[second]["played"] == "cut"


def test_what_is_repeated_is_not_waited_for(bench: Bench) -> None:
    connection = bench.answered()
    assert connection.ask("call.play", prompt="short", repeat=True)["played"] == "playing"
    assert connection.ask("call.play", prompt="long", wait=False)["played"] == "playing"
    assert bench.lab.call.caller.player.playing


def test_a_key_cuts_what_may_be_cut_and_is_there_to_be_gathered(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.play", prompt="long", barge_in=True)
    bench.lab.press("7")
    bench.lab.settle()
    assert connection.answers[number]["played"] == "cut"
    assert connection.ask("call.gather", max=1)["digits"] == "7"


def test_a_prompt_without_end_has_one_all_the_same(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.play", prompt="long")
    bench.lab.advance(21)  # the engine's own clock has hardly moved
    assert connection.answers[number]["played"] == "cut"


# Keys.


def gathering(bench: Bench, **params: Any) -> tuple[Connection, int]:
    connection = bench.answered()
    return connection, connection.begin("call.gather", **params)


def test_keys_are_gathered_up_to_as_many_as_there_may_be(bench: Bench) -> None:
    connection, number = gathering(bench, prompt="long", max=3)
    for key in "123":
        bench.lab.press(key)
        bench.lab.settle()
    assert connection.answers[number] == {"digits": "123", "why": "most", "complete": True}


def test_keys_are_gathered_up_to_the_terminator(bench: Bench) -> None:
    connection, number = gathering(bench, min=4)
    for key in "12#":
        bench.lab.press(key)
    bench.lab.settle()
    assert connection.answers[number] == {"digits": "12", "why": "terminator", "complete": False}


def test_silence_ends_an_entry_and_one_that_never_began(bench: Bench) -> None:
    connection, number = gathering(bench, timeout=4.0, inter_digit=2.0)
    bench.lab.press("5")
    bench.lab.advance(2.1)
    assert connection.answers[number] == {"digits": "5", "why": "silence", "complete": True}
    number = connection.begin("call.gather", timeout=4.0)
    bench.lab.advance(4.1)
    assert connection.answers[number] == {"digits": "", "why": "timeout", "complete": False}


def test_secret_keys_are_told_to_who_asked_alone(bench: Bench) -> None:
    connection, number = gathering(bench, max=4, secret=True)
    for key in "9876":
        bench.lab.press(key)
    bench.lab.settle()
    assert connection.answers[number]["digits"] == "9876"
    assert bench.lab.facts("call.dtmf") == []
    assert "9876" not in str(bench.lab.all_events)
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert "9876" not in str(bench.lab.record)


def test_a_leg_is_asked_one_thing_at_a_time(bench: Bench) -> None:
    connection, number = gathering(bench, timeout=60)
    assert connection.ask("call.gather") == "wrong_state"
    bench.lab.press("1")
    bench.lab.press("#")
    bench.lab.settle()
    assert connection.answers[number]["digits"] == "1"
    second = connection.begin("call.gather", timeout=1)
    bench.lab.advance(1.1)
    assert connection.answers[second]["why"] == "timeout"


def test_keys_pressed_before_count_unless_they_are_forgotten(bench: Bench) -> None:
    connection = bench.answered()
    bench.lab.press("1")
    number = connection.begin("call.gather", max=1, forget=True, timeout=1)
    bench.lab.advance(1.1)
    assert connection.answers[number]["digits"] == ""


def test_without_barge_in_only_keys_after_the_question_count(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.gather", prompt="short", barge_in=False, max=2, timeout=60)
    bench.lab.press("1")
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    bench.lab.press("2")
    bench.lab.press("#")
    bench.lab.settle()
    assert connection.answers[number]["digits"] == "2"


# Further legs.


def test_a_leg_is_called_bridged_parted_and_bridged_again(bench: Bench) -> None:
    connection, leg = bench.bridged()
    assert leg == "b1"
    assert bench.lab.call.bridged is True
    assert connection.ask("call.bridge", leg=leg) == "wrong_state"
    bench.lab.advance(5)
    assert connection.ask("call.unbridge", prompt="short")["leg"] == "b1"
    assert bench.lab.call.caller.player.repeating
    assert [leg for leg in bench.lab.call.legs if bench.lab.call.other_leg(leg)] == []
    assert connection.ask("call.unbridge") == "wrong_state"
    bench.lab.advance(3)
    assert connection.ask("call.bridge", leg=leg)["leg"] == "b1"
    bench.lab.advance(2)
    bench.lab.caller.hang_up()
    bench.lab.settle()
    record = bench.lab.record
    assert record["talk_seconds"] == pytest.approx(7.0, abs=0.05)
    assert len(record["legs"]) == 2


def test_an_unanswered_caller_is_answered_by_the_bridge(bench: Bench) -> None:
    connection = bench.taken()
    leg = bench.dialled(connection)
    assert not bench.lab.call.caller.answered
    assert connection.ask("call.bridge", leg=leg)["leg"] == leg
    assert bench.lab.call.caller.answered


def test_the_caller_stays_when_the_agent_leaves(bench: Bench) -> None:
    connection, leg = bench.bridged()
    bench.lab.callee.hang_up()
    bench.lab.settle()
    (parted,) = bench.lab.facts("call.unbridged")
    assert parted == {"leg": "a", "other_leg": leg, "why": "hung_up"}
    number = connection.begin("call.gather", max=1)
    bench.lab.press("5")
    bench.lab.settle()
    assert connection.answers[number]["digits"] == "5"
    second = bench.dialled(connection)
    assert second == "b2"
    assert connection.ask("call.bridge", leg=second)["leg"] == "b2"


def test_a_leg_of_ones_own_is_asked_before_it_is_bridged(bench: Bench) -> None:
    connection = bench.answered()
    leg = bench.dialled(connection)
    number = connection.begin("call.gather", leg=leg, prompt="long", max=1)
    bench.lab.call.legs[1].on_digit("1")
    bench.lab.settle()
    assert connection.answers[number]["digits"] == "1"


def test_who_talks_is_not_asked_for_keys(bench: Bench) -> None:
    connection, leg = bench.bridged()
    assert connection.ask("call.gather") == "wrong_state"
    assert connection.ask("call.gather", leg=leg) == "wrong_state"


def test_another_is_called_while_two_talk(bench: Bench) -> None:
    connection, leg = bench.bridged()
    number = connection.begin("call.dial", to="+16025552222", ring_seconds=3)
    bench.lab.callee.ring()
    bench.lab.settle()
    assert bench.lab.call.joined is bench.lab.call.callee
    bench.lab.advance(3.1)
    assert connection.answers[number]["outcome"] == "no_answer"
    assert bench.lab.call.bridged
    assert bench.lab.call.joined is bench.lab.call.callee
    second = bench.dialled(connection)
    connection.ask("call.unbridge")
    assert connection.ask("call.bridge", leg=second)["leg"] == second
    assert connection.ask("call.leg_hangup", leg=leg) == {"call": bench.call_id}
    assert bench.lab.call.bridged


def test_the_far_end_refuses(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.dial", to="+16025551234")
    bench.lab.callee.refuse(486)
    bench.lab.settle()
    told = connection.answers[number]
    assert (told["outcome"], told["status"], told["q850"]) == ("rejected", 486, 17)
    assert told["leg"] is None


def test_nobody_is_called_who_is_not_allowed(bench: Bench) -> None:
    connection = bench.answered()
    assert connection.ask("call.dial", to="+18765551234") == "destination_not_allowed"
    assert connection.ask("call.dial", to="not a number") == "destination_not_allowed"
    assert connection.ask("call.dial", to="+16025551234", trunk="x") == "destination_not_allowed"
    shown = connection.ask("call.dial", to="+16025551234", caller_id="+19005551234")
    assert shown == "destination_not_allowed"
    forged = connection.ask("call.dial", to="+16025551234", headers={"Contact": "<sip:x@y>"})
    assert forged == "invalid_params"
    bench.desk.guards = None
    assert connection.ask("call.dial", to="+16025551234") == "not_supported"
    assert len(bench.lab.callee.calls) == 0


def test_header_fields_have_one_line(bench: Bench) -> None:
    connection = bench.answered()
    for text in ("a\r\nX-Evil: 1", "a\nb", "\x00", "a\tb", "\x7f"):
        refused = connection.ask("call.dial", to="+16025551234", headers={"X-Note": text})
        assert refused == "invalid_params", text
    assert len(bench.lab.callee.calls) == 0
    connection.begin("call.dial", to="+16025551234", headers={"X-Note": "Größe 3: ok"})
    assert bench.lab.callee.calls[-1].request.headers.get("X-Note") == "Größe 3: ok"


@pytest.mark.parametrize(
    "name",
    ["Diversion", "history-info", "Referred-By", "P-Charge-Info", "Privacy", "Reply-To",
     "P-Asserted-Identity", "Remote-Party-ID", "Identity", "Call-Info"],
)  # fmt: skip
def test_no_header_field_says_who_calls(bench: Bench, name: str) -> None:
    connection = bench.answered()
    forged = {name: "<sip:+19005551234@carrier.example>"}
    assert connection.ask("call.dial", to="+16025551234", headers=forged) == "invalid_params"
    assert len(bench.lab.callee.calls) == 0


def allow(bench: Bench, **rules: Any) -> None:
    """Have other rules hold for the campaign that is steered."""
    campaign = bench.lab.call.campaign
    assert campaign.originate is not None
    object.__setattr__(campaign, "originate", replace(campaign.originate, **rules))


def test_an_address_is_called_as_one_however_its_scheme_is_written(bench: Bench) -> None:
    connection = bench.answered()
    allow(bench, to=("sip:*@192.0.2.2:5060",))
    connection.begin("call.dial", to="SIP:bob@192.0.2.2")
    assert bench.lab.callee.calls[-1].request.uri == "sip:bob@192.0.2.2"


def test_the_caller_is_shown_where_its_campaign_does_so_or_its_number_is_listed(
    bench: Bench,
) -> None:
    connection = bench.answered()
    campaign = bench.lab.call.campaign
    object.__setattr__(campaign, "caller_id", CallerId("fixed", "+18666831981"))
    dial = {"to": "+16025551234", "caller_id": "original"}
    assert connection.ask("call.dial", **dial) == "destination_not_allowed"
    caller = bench.lab.call.caller_number
    allow(bench, caller_ids=(caller,))
    connection.begin("call.dial", **dial)
    assert caller in (bench.lab.callee.calls[-1].request.headers.get("From") or "")
    allow(bench, caller_ids=())
    object.__setattr__(campaign, "caller_id", CallerId())
    connection.begin("call.dial", **dial)
    assert len(bench.lab.callee.calls) == 2


def test_no_more_keys_have_to_be_pressed_than_may_be(bench: Bench) -> None:
    connection = bench.answered()
    assert connection.ask("call.gather", min=3, max=2) == "invalid_params"


def test_a_call_has_so_many_legs(bench: Bench) -> None:
    connection = bench.answered()
    for _ in range(10):
        bench.dialled(connection)
    assert connection.ask("call.dial", to="+16025551234") == "limit_reached"
    assert connection.ask("call.leg_hangup", leg="b1") == {"call": bench.call_id}
    assert bench.dialled(connection) == "b11"


def test_a_leg_that_rings_is_hung_up(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.dial", to="+16025551234")
    assert connection.ask("call.leg_hangup", leg="b1") == {"call": bench.call_id}
    assert connection.answers[number]["outcome"] == "cancelled"
    assert connection.ask("call.leg_hangup", leg="b1") == "wrong_state"
    assert connection.ask("call.leg_hangup", leg="a") == "wrong_state"


def test_the_leg_of_two_who_talk_is_hung_up_and_the_caller_stays(bench: Bench) -> None:
    connection, leg = bench.bridged()
    assert connection.ask("call.leg_hangup", leg=leg) == {"call": bench.call_id}
    assert not bench.lab.call.bridged
    assert not bench.lab.call.ended


def test_only_legs_that_are_up_are_bridged(bench: Bench) -> None:
    connection = bench.answered()
    connection.begin("call.dial", to="+16025551234")
    assert connection.ask("call.bridge", leg="b1") == "wrong_state"
    assert connection.ask("call.bridge", leg="a") == "wrong_state"
    assert connection.ask("call.bridge", leg="b2") == "leg_not_found"
    bench.lab.callee.answer()
    bench.lab.settle()
    bench.lab.callee.hang_up()
    bench.lab.settle()
    assert connection.ask("call.bridge", leg="b1") == "wrong_state"
    assert not bench.lab.call.ended


# Letting go.


def test_two_who_talk_go_on_without_a_controller(bench: Bench) -> None:
    for end in ("release", "close"):
        connection, _ = bench.bridged()
        if end == "close":
            connection.close()
        else:
            connection.ask("call.release")
        assert bench.lab.call.bridged
        bench.lab.advance(4)
        bench.lab.callee.hang_up()
        bench.lab.settle()
        assert bench.lab.switchboard.calls == {}
    causes = [(one["ended_by"], one["cause"]) for one in bench.lab.all_records()]
    assert causes == [("called", "hung_up")] * 2


def test_legs_that_talk_to_nobody_are_left_with_the_call(bench: Bench) -> None:
    connection = bench.answered()
    bench.dialled(connection)
    connection.ask("call.release")
    assert all(leg.ended for leg in bench.lab.call.legs[1:])
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    assert bench.lab.record["cause"] == "released"


def test_what_is_repeated_ends_with_the_steering(bench: Bench) -> None:
    connection = bench.answered()
    connection.ask("call.play", prompt="long", repeat=True)
    connection.close()
    assert bench.lab.record["cause"] == "untaken"


def test_a_call_is_routed_to_another_treatment(bench: Bench) -> None:
    connection, leg = bench.bridged()
    assert connection.ask("call.route", treatment="nowhere") == "not_configured"
    assert connection.ask("call.route") == "invalid_params"
    told = connection.ask("call.route", treatment="afterwards")
    assert told == {"call": bench.call_id, "treatment": "afterwards"}
    assert bench.lab.facts("call.released") == [{"why": "routed"}]
    assert bench.lab.facts("leg.ended")[0]["leg"] == leg
    assert connection.ask("call.play", prompt="short") == "not_in_control"
    bench.lab.advance(2.1)
    bench.lab.wait_for(lambda: not bench.lab.switchboard.calls)
    assert bench.lab.record["cause"] == "closed"


def test_a_call_is_routed_to_another_campaign(bench: Bench) -> None:
    connection = bench.answered()
    told = connection.ask("call.route", campaign="long-prompt")
    assert told["treatment"] == "long-prompt"
    assert bench.lab.call.counts_for.name == "long-prompt"
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert bench.lab.record["campaign"] == "long-prompt"


def test_what_is_ended_from_outside_is_over_for_its_controller(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.gather", timeout=60)
    assert bench.connection().ask("call.hangup") == {"call": bench.call_id}
    assert connection.answers[number] == "call_ended"


# The worst moments: each verb at work when the call, or its controller, goes.

VERBS: dict[str, dict[str, Any]] = {
    "call.play": {"prompt": "long"},
    "call.say": {"text": "long"},
    "call.gather": {"prompt": "long", "secret": True},
    "call.dial": {"to": "+16025551234"},
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_caller_hangs_up_during_a_verb(bench: Bench, verb: str) -> None:
    connection = bench.answered()
    number = connection.begin(verb, **VERBS[verb])
    assert number not in connection.answers
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert connection.answers[number] == "call_ended"
    assert bench.lab.record["cause"] == "hung_up"


@pytest.mark.parametrize("verb", VERBS)
def test_the_controller_is_lost_during_a_verb(bench: Bench, verb: str) -> None:
    connection = bench.answered()
    number = connection.begin(verb, **VERBS[verb])
    connection.close()
    bench.lab.settle()
    assert number not in connection.answers
    assert bench.lab.record["cause"] == "untaken"
    assert bench.lab.facts("call.released") == [{"why": "lost"}]


@pytest.mark.parametrize("verb", VERBS)
def test_the_call_is_released_during_a_verb(bench: Bench, verb: str) -> None:
    connection = bench.answered()
    number = connection.begin(verb, **VERBS[verb])
    assert connection.ask("call.release") == {"call": bench.call_id}
    assert connection.answers[number] == "not_in_control"
    bench.lab.wait_for(lambda: not bench.lab.switchboard.calls)
    assert bench.lab.record["cause"] == "released"


@pytest.mark.parametrize("verb", VERBS)
def test_the_switch_ends_the_call_during_a_verb(bench: Bench, verb: str) -> None:
    connection = bench.answered()
    number = connection.begin(verb, **VERBS[verb])
    bench.lab.do(lambda: bench.lab.switchboard.end_all("shutdown"))
    bench.lab.settle()
    assert connection.answers[number] == "call_ended"


def test_the_caller_cancels_while_a_leg_is_called(bench: Bench) -> None:
    connection = bench.taken()
    number = connection.begin("call.dial", to="+16025551234")
    bench.lab.caller.cancel()
    bench.lab.settle()
    assert connection.answers[number] == "call_ended"
    assert bench.lab.record["cause"] == "cancelled"


def test_the_caller_hangs_up_while_a_sound_is_made(bench: Bench) -> None:
    connection = bench.answered()
    bench.sounds.made.clear()
    number = connection.begin("call.say", text="Good morning.")
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert connection.answers[number] == "call_ended"
    bench.sounds.made.set()


def test_the_answer_crosses_the_end_of_the_call(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.dial", to="+16025551234")
    bench.lab.caller.hang_up()
    bench.lab.callee.answer()
    bench.lab.settle()
    assert connection.answers[number] == "call_ended"


def test_a_leg_hangs_up_while_it_is_asked(bench: Bench) -> None:
    connection = bench.answered()
    leg = bench.dialled(connection)
    number = connection.begin("call.gather", leg=leg, timeout=60)
    bench.lab.callee.hang_up()
    bench.lab.settle()
    assert connection.answers[number] == "wrong_state"
    assert not bench.lab.call.ended


def test_the_offer_crosses_the_end_of_the_call(bench: Bench) -> None:
    bench.offer()
    bench.lab.caller.cancel()
    bench.lab.settle()
    assert bench.connection().ask("call.take") == "call_not_found"
    assert bench.lab.facts("call.released") == []


def test_a_fax_takes_the_call_from_its_controller(bench: Bench) -> None:
    connection = bench.answered()
    number = connection.begin("call.gather", timeout=60)

    async def elsewhere() -> None:
        await bench.lab.call.play(Prompt(text="long"))

    bench.lab.do(lambda: bench.lab.call.divert(elsewhere))
    bench.lab.settle()
    assert connection.answers[number] == "not_in_control"
    assert bench.lab.facts("call.released") == [{"why": "diverted"}]
    assert bench.lab.call.caller.player.playing


# The caller stays, in a treatment.


def test_the_caller_goes_on_when_the_agent_has_left(bench: Bench) -> None:
    bench.offer(KEPT)
    bench.lab.callee.answer()
    bench.lab.settle()
    bench.lab.advance(8)
    bench.lab.callee.hang_up()
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    record = bench.lab.record
    assert (record["ended_by"], record["cause"]) == ("switch", "kept")
    assert record["talk_seconds"] == pytest.approx(8.0, abs=0.05)
    assert record["legs"][1]["status"] == 200


def test_the_longest_talk_ends_it_and_the_caller_stays(bench: Bench) -> None:
    bench.offer(KEPT)
    bench.lab.callee.answer()
    bench.lab.settle()
    bench.lab.call.media_expected_from += 400
    bench.lab.advance(30.1)
    bench.lab.wait_for_prompts()
    bench.lab.settle()
    assert bench.lab.record["cause"] == "kept"
    assert bench.lab.facts("leg.ended")[0]["cause"] == "max_duration"


def test_the_caller_who_hangs_up_ends_a_call_that_would_keep_it(bench: Bench) -> None:
    bench.offer(KEPT)
    bench.lab.callee.answer()
    bench.lab.settle()
    bench.lab.caller.hang_up()
    bench.lab.settle()
    assert (bench.lab.record["ended_by"], bench.lab.record["cause"]) == ("calling", "hung_up")


def test_a_call_that_another_steers_is_ended_by_an_administrator_alone(bench: Bench) -> None:
    bench.answered()
    assert bench.connection(CRM).ask("call.hangup") == "not_in_control"
    assert bench.connection().ask("call.hangup") == {"call": bench.call_id}
    assert bench.lab.record["cause"] == "controlled"
