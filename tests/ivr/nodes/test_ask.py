"""Questions answered in keys: what is an answer, what is asked again, what stands nowhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from config.expression import Vocabulary, parse_expression
from config.model import Ask, Case, Condition, HangUp, Node, Play, Prompt, SetVariables
from ivr.journey import Journey
from ivr.nodes.ask import run_ask
from ivr.nodes.condition import run_condition
from ivr.nodes.set import run_set
from ivr.services import NodeServices
from softswitch.call.events import (
    AnswerGiven,
    DecisionMade,
    KeyRejected,
    NoInputReceived,
    VariableSet,
)
from tests.support.scripted_call import ScriptedCall, journey_on

ZIP = Ask("zip", Prompt(text="zip?"), kind="zip", least=5, most=5)
PIN = Ask("pin", Prompt(text="pin?"), least=4, most=6, secret=True)
WORDS = Vocabulary(answers={"zip", "pin"}, variables={"x"})


async def ask(
    node: Ask, keys: str, *, services: NodeServices | None = None, caller: str = "+16025550100"
) -> tuple[ScriptedCall, Journey, tuple[Node, ...]]:
    call = ScriptedCall(keys=keys, caller=caller)
    journey = journey_on(call, services=services)
    return call, journey, await run_ask(journey, node)


async def test_the_answer_is_a_fact_from_then_on() -> None:
    call, journey, steps = await ask(ZIP, "85001")
    assert journey.facts.fact("answer.zip") == "85001"
    assert call.told(AnswerGiven) == [("zip", "85001", False)]
    assert steps == ()


@pytest.mark.parametrize(
    ("node", "keys", "answer"),
    [
        (replace(PIN, secret=False), "1234#9", "1234"),
        (replace(PIN, secret=False), "1234-", "1234"),
        (replace(PIN, secret=False), "123456789", "123456"),
        (replace(PIN, secret=False, terminator="*"), "1234*", "1234"),
        (replace(PIN, secret=False, terminator=""), "12#4-56789-", "56789"),
        (Ask("yes", ZIP.prompt, kind="yes_no", most=1), "1", "yes"),
        (Ask("yes", ZIP.prompt, kind="yes_no", most=1), "2", "no"),
        (Ask("yes", ZIP.prompt, kind="yes_no", most=1), "32", "no"),
        (Ask("number", ZIP.prompt, kind="number", least=7, most=15), "6025551234#", "+16025551234"),
        (Ask("number", ZIP.prompt, kind="number", least=7, most=15), "123#6025551234#",
         "+16025551234"),
    ],
)  # fmt: skip
async def test_what_keys_mean(node: Ask, keys: str, answer: str) -> None:
    _, journey, _ = await ask(node, keys)
    assert journey.facts.fact(f"answer.{node.name}") == answer


async def test_invalid_entries_are_asked_again_until_the_limit() -> None:
    node = replace(ZIP, invalid_limit=2, invalid_prompt=Prompt(text="no zip"))
    call, journey, _ = await ask(node, "850#1#")
    assert call.played == ["zip?", "no zip", "zip?"]
    assert call.told(KeyRejected) == [("zip", "850", 1), ("zip", "1", 2)]
    assert call.end_facts["cause"] == "invalid_entries"
    assert journey.facts.fact("answer.zip") is None


async def test_silence_asks_again_and_then_takes_the_steps_of_the_failure() -> None:
    node = replace(ZIP, timeouts_limit=1, on_failure=(HangUp("bye"),))
    call, _, steps = await ask(node, "--")
    assert call.told(NoInputReceived) == [("zip", 1), ("zip", 2)]
    assert steps == node.on_failure
    assert not call.ended


async def test_the_default_is_taken_when_the_step_gives_up() -> None:
    call, journey, steps = await ask(replace(ZIP, timeouts_limit=0, default="00000"), "-")
    assert journey.facts.fact("answer.zip") == "00000"
    assert call.told(AnswerGiven) == [("zip", "00000", False, True)]
    assert steps == ()


async def test_an_expression_says_whether_an_answer_is_valid() -> None:
    valid = parse_expression('starts_with(answer.zip, "85")', WORDS)
    call, journey, _ = await ask(replace(ZIP, valid=valid), "1000185001")
    assert journey.facts.fact("answer.zip") == "85001"
    results = [(facts[3], facts[4]) for facts in call.told(DecisionMade)]
    assert results == [({"answer.zip": "10001"}, False), ({"answer.zip": "85001"}, True)]


async def test_a_secret_answer_stands_in_no_event() -> None:
    valid = parse_expression('answer.pin != "4711"', WORDS)
    node = replace(PIN, valid=valid, invalid_prompt=Prompt(text="no"))
    call, journey, _ = await ask(node, "4711#123#482915#")
    assert journey.facts.fact("answer.pin") == "482915"
    assert call.told(AnswerGiven) == [("pin", "", True)]
    assert call.told(DecisionMade) == []
    assert call.played == ["pin?", "no", "pin?", "no", "pin?"]
    assert (call.secrecies, call.secrecy) == ([1] * 5, 0)
    for digits in ("4711", "482915", "123"):
        assert digits not in json.dumps(call.diary, default=str)


async def test_what_is_computed_from_a_secret_is_one_too() -> None:
    call, journey, _ = await ask(PIN, "482915")
    secret = parse_expression("lower(answer.pin)", WORDS)
    await run_set(journey, SetVariables("set", {"x": secret}))
    assert journey.facts.fact("var.x") == "482915"
    assert call.told(VariableSet) == [("set", "x", {"secret": True})]
    known = parse_expression('var.x = "482915"', WORDS)
    steps = (Play("yes", PIN.prompt),)
    assert await run_condition(journey, Condition("if", (Case(known, steps),))) == steps
    (decision,) = call.told(DecisionMade)
    assert decision[3:] == ({"var.x": {"secret": True}}, True)
    await run_set(journey, SetVariables("set", {"x": parse_expression("1 + 1", WORDS)}))
    assert "var.x" not in journey.facts.secrets


class Remembered:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def find(self, caller: str, question: str) -> str | None:
        return self.kept.get((caller, question))

    def keep(self, caller: str, question: str, answer: str) -> None:
        self.kept[caller, question] = answer


async def test_a_remembered_answer_is_asked_for_once() -> None:
    services = NodeServices(answers=Remembered())
    node = replace(ZIP, remember=True)
    await ask(node, "85001", services=services)
    call, journey, _ = await ask(node, "", services=services)
    assert call.played == []
    assert not call.caller.answered
    assert journey.facts.fact("answer.zip") == "85001"
    assert call.told(AnswerGiven) == [("zip", "85001", True)]


async def test_a_caller_without_a_number_is_asked_every_time() -> None:
    remembered = Remembered()
    services = NodeServices(answers=remembered)
    await ask(replace(ZIP, remember=True), "85001", services=services, caller="")
    assert remembered.kept == {}
