"""Keys and words in answer to menus and asks, on a real call whose recogniser is the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.model import Ask, HangUp, Menu, Node, Prompt, Treatment
from ivr.flow import run_treatment
from ivr.journey import Journey
from ivr.replies import MAX_SPEAKING_SECONDS
from ivr.services import NodeServices
from softswitch.call.call import Call
from softswitch.campaign.facts import CallFacts, PresentedFacts
from softswitch.campaign.history import NoHistory
from softswitch.campaign.tables import Tables
from tests.support.laboratory import DIRECT, Laboratory, laboratory
from tests.support.scripted_ears import ScriptedEars
from tests.support.treated import treated

SHORT, LONG = Prompt(text="short"), Prompt(text="long")


class Table:
    """A laboratory with ears, whose callers walk one node."""

    def __init__(self, lab: Laboratory, ears: ScriptedEars) -> None:
        self.lab = lab
        self.ears = ears
        self.journey: Journey

    def call(self, node: Node) -> None:
        """A caller arrives at the node; its question is played to the end when it is short."""

        async def script(call: Call) -> None:
            self.journey = journey_of(call)
            await run_treatment(self.journey, Treatment("main", (node,)))

        with treated(script):
            self.lab.caller.invite(DIRECT)
            self.lab.settle()

    def asked(self, times: int = 1) -> None:
        """Wait until the question has been played so often."""
        self.lab.wait_for_prompts(times)
        self.lab.settle()

    def say(self, text: str, confidence: float = 0.9) -> None:
        self.lab.do(lambda: self.ears.question.say(text, confidence))
        self.lab.settle()

    def press(self, keys: str) -> None:
        for key in keys:
            self.lab.press(key)
            self.lab.settle()

    def leave(self) -> None:
        """The caller hangs up: the question is being asked again."""
        self.lab.caller.hang_up()
        self.lab.settle()

    def told(self, kind: str) -> list[dict[str, Any]]:
        return self.lab.facts(kind)

    def path(self) -> list[str]:
        return [fact["node"] for fact in self.told("treatment.node")]


@pytest.fixture
def ears() -> ScriptedEars:
    return ScriptedEars()


@pytest.fixture
def table(tmp_path: Path, ears: ScriptedEars) -> Iterator[Table]:
    with laboratory(tmp_path / "data") as lab:
        lab.services.ears = ears
        yield Table(lab, ears)


def journey_of(call: Call) -> Journey:
    presented = PresentedFacts(
        caller=call.caller_number,
        called_number=call.called_number,
        called=call.called,
        received_at=0.0,
        parameters={},
        signalling={"private": False},
    )
    facts = CallFacts(
        call.configuration,
        call.campaign,
        presented,
        Tables(call.configuration),
        NoHistory(),
        lambda: 0.0,
    )
    return Journey(call, facts, NodeServices())


def menu(prompt: Prompt = SHORT, **more: Any) -> Menu:
    fields: dict[str, Any] = {
        "choices": {"1": (HangUp("infant"),), "2": (HangUp("toddler"),)},
        "spoken": {"1": ("one", "infant"), "2": ("two", "toddler")},
        "timeout_seconds": 4.0,
        "timeouts_limit": 0,
        "invalid_limit": 2,
        **more,
    }
    return Menu("which", prompt, **fields)


def test_a_choice_is_said(table: Table) -> None:
    table.call(menu())
    table.asked()
    assert table.ears.question.words == ("one", "infant", "two", "toddler")
    question = table.ears.question
    table.say("I'd like two, please")
    assert table.path() == ["which", "toddler"]
    (choice,) = table.told("menu.choice")
    assert (choice["key"], choice["spoken"], choice["by_default"]) == ("2", True, False)
    (heard,) = table.told("call.said")
    assert heard == {
        "leg": "a", "text": "I'd like two, please", "meaning": "2", "confidence": 0.9,
    }  # fmt: skip
    assert table.journey.facts.get("key") == "2"
    assert question.closed


def test_a_choice_that_is_said_cuts_the_question_short(table: Table) -> None:
    table.call(menu(LONG))
    table.lab.advance(2)
    table.say("thank you for calling")
    assert table.path() == ["which"]
    table.say("toddler")
    assert table.path() == ["which", "toddler"]
    (ended,) = table.told("prompt.ended")
    assert not ended["completed"]
    # What was no answer has interrupted nothing and is nothing.
    assert [fact["meaning"] for fact in table.told("call.said")] == ["2"]


def test_without_barge_in_nobody_listens_while_the_question_plays(table: Table) -> None:
    table.call(menu(barge_in=False))
    assert table.told("prompt.ended") == []
    assert table.ears.questions == []
    table.asked()
    table.say("one")
    assert table.path() == ["which", "infant"]


def test_a_key_wins_over_what_is_being_said(table: Table) -> None:
    table.call(menu())
    table.asked()
    question = table.ears.question
    question.speaking = True
    table.lab.advance(1)

    def both() -> None:
        question.say("one")
        table.lab.press("2")

    table.lab.do(both)
    table.lab.settle()
    assert table.path() == ["which", "toddler"]
    assert table.told("call.said") == []
    (choice,) = table.told("menu.choice")
    assert not choice["spoken"]


def test_what_was_said_before_a_wrong_key_is_forgotten(table: Table) -> None:
    table.call(menu())
    table.asked()
    first = table.ears.question
    first.speaking = True
    table.press("9")
    table.asked(2)
    assert first.closed
    assert table.ears.question is not first
    first.say("one")
    table.lab.settle()
    assert table.path() == ["which"]
    table.press("1")
    assert table.path() == ["which", "infant"]


def test_words_that_are_no_choice_count_as_a_wrong_key(table: Table) -> None:
    table.call(menu())
    table.asked()
    table.say("one or two")
    assert table.told("call.said")[0]["meaning"] is None
    table.asked(2)
    table.say("banana")
    assert [fact["key"] for fact in table.told("menu.invalid")] == ["", ""]
    assert table.lab.record["cause"] == "invalid_entries"


def test_a_recogniser_that_is_not_sure_has_heard_nothing_certain(table: Table) -> None:
    table.call(menu())
    table.asked()
    table.say("one", confidence=0.01)
    assert table.told("menu.choice") == []
    assert [fact["count"] for fact in table.told("menu.invalid")] == [1]
    table.leave()


def test_a_mumble_is_no_wrong_key(table: Table) -> None:
    table.call(menu())
    table.asked()
    for sound in ("Mm, mm, mm.", "uh"):
        table.say(sound)
    assert table.told("menu.invalid") == []
    table.say("uh, two")
    assert table.path() == ["which", "toddler"]


def test_noise_is_no_answer_and_no_silence_is_counted_while_somebody_speaks(table: Table) -> None:
    table.call(menu())
    table.asked()
    table.say("")
    assert table.told("menu.invalid") == []
    table.ears.question.speaking = True
    table.lab.advance(6)
    assert table.told("menu.no_input") == []
    table.say("two")
    assert table.path() == ["which", "toddler"]


def test_the_time_for_an_answer_is_that_for_a_key(table: Table) -> None:
    table.call(menu())
    table.asked()
    table.lab.advance(3.9)
    assert table.told("menu.no_input") == []
    table.lab.advance(0.2)
    assert len(table.told("menu.no_input")) == 1
    assert table.lab.record["cause"] == "no_input"


def test_who_speaks_without_end_is_not_heard_out(table: Table) -> None:
    table.call(menu())
    table.asked()
    table.ears.question.speaking = True
    table.lab.advance(4 + MAX_SPEAKING_SECONDS - 1)
    assert table.told("menu.no_input") == []
    table.lab.advance(1.2)
    assert len(table.told("menu.no_input")) == 1


def test_a_caller_that_hangs_up_while_it_speaks_leaves_nothing(table: Table) -> None:
    table.call(menu())
    table.asked()
    question = table.ears.question
    question.speaking = True
    table.lab.caller.hang_up()
    table.lab.settle()
    assert question.closed
    assert table.lab.record["ended_by"] == "calling"


@pytest.mark.parametrize("deaf", ["no ears", "no recogniser", "no words"])
def test_where_nobody_understands_only_keys_count(table: Table, deaf: str) -> None:
    table.ears.understands = deaf != "no recogniser"
    if deaf == "no ears":
        table.lab.services.ears = None
    table.call(menu(spoken={}) if deaf == "no words" else menu())
    table.asked()
    assert table.ears.questions == []
    table.press("1")
    assert table.path() == ["which", "infant"]


# Asks.


def ask(**more: Any) -> Ask:
    fields: dict[str, Any] = {
        "kind": "zip", "least": 5, "most": 5, "timeout_seconds": 4.0, "timeouts_limit": 0,
        "invalid_limit": 2, "digit_timeout_seconds": 3.0, "spoken": True, **more,
    }  # fmt: skip
    return Ask("zip", SHORT, **fields)


def answers(table: Table) -> list[str]:
    return [fact["value"] for fact in table.told("call.answer")]


def test_a_zip_is_said_at_once(table: Table) -> None:
    table.call(ask())
    table.asked()
    table.say("It's eight five oh oh one.")
    assert answers(table) == ["85001"]
    assert table.told("call.said")[0]["meaning"] == "85001"
    assert table.journey.facts.get("answer.zip") == "85001"


def test_a_zip_is_said_in_parts(table: Table) -> None:
    table.call(ask())
    table.asked()
    table.say("eight five")
    table.lab.advance(2)
    table.say("double oh one")
    assert answers(table) == ["85001"]
    assert [fact["meaning"] for fact in table.told("call.said")] == ["85", "85001"]


def test_a_part_that_nothing_follows_is_a_wrong_entry(table: Table) -> None:
    table.call(ask())
    table.asked()
    table.say("eight five")
    table.lab.advance(3.1)
    assert [fact["key"] for fact in table.told("menu.invalid")] == ["85"]
    table.leave()


def test_too_many_digits_are_a_wrong_entry(table: Table) -> None:
    table.call(ask())
    table.asked()
    table.say("eight five oh oh one two")
    assert [fact["key"] for fact in table.told("menu.invalid")] == [""]
    table.leave()


def test_keys_take_the_place_of_what_was_said(table: Table) -> None:
    table.call(ask())
    table.asked()
    table.say("one two")
    table.press("85001")
    assert answers(table) == ["85001"]


def test_words_after_the_first_key_are_nothing(table: Table) -> None:
    table.call(ask())
    table.asked()
    question = table.ears.question
    table.press("8")
    question.say("one one one one one")
    table.lab.settle()
    assert question.closed
    table.press("5001")
    assert answers(table) == ["85001"]


def test_an_answer_of_any_length_ends_when_nobody_speaks_any_more(table: Table) -> None:
    table.call(ask(kind="digits", least=2, most=10))
    table.asked()
    question = table.ears.question

    def go_on() -> None:
        question.say("one two three")
        question.speaking = True

    table.lab.do(go_on)
    table.lab.settle()
    assert answers(table) == []
    table.say("four five")
    assert answers(table) == ["12345"]


def test_a_telephone_number_becomes_its_international_form(table: Table) -> None:
    table.call(ask(kind="number", least=7, most=15))
    table.asked()
    table.say("602 555")
    table.say("one two three four")
    assert answers(table) == ["+16025551234"]
    assert [fact["meaning"] for fact in table.told("call.said")] == ["602555", "+16025551234"]


@pytest.mark.parametrize(("text", "answer"), [("yeah, that's right", "yes"), ("nope", "no")])
def test_yes_and_no(table: Table, text: str, answer: str) -> None:
    table.call(ask(kind="yes_no", least=1, most=1))
    table.asked()
    assert table.ears.question.words == ("yes", "no")
    table.say(text)
    assert answers(table) == [answer]
    assert table.told("call.said")[0]["meaning"] == answer


def test_a_secret_is_never_listened_for(table: Table) -> None:
    table.call(ask(secret=True))
    table.asked()
    assert table.ears.questions == []
    table.press("85001")
    assert answers(table) == [""]


def test_talk_beside_does_not_cut_the_question_short(table: Table) -> None:
    table.call(Ask("zip", LONG, kind="digits", spoken=True))
    table.lab.advance(1)
    table.say("my kids, all of the two, they have")
    assert table.told("prompt.ended") == []
    table.say("eight five oh oh one")
    assert answers(table) == ["85001"]
