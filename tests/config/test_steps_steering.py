"""The steps controller, conference and wait, what follows when an agent leaves, and prompts by
name."""

from __future__ import annotations

import pytest

from config.model import Confer, Connect, Controller, HangUp, Play, Prompt, Wait
from tests.support.configurations import FakeMedia, loaded, nodes, told, with_treatment


def complaints(text: str) -> list[str]:
    return told(with_treatment(text), media=FakeMedia())


def test_a_controller_is_waited_for_as_it_says() -> None:
    found = nodes("""
        - controller:
        - controller: crm
        - controller: {system: crm, within: 500 ms, on_failure: hang_up}
        """)
    anybody, crm, quick = found
    assert anybody == Controller("controller-1")
    assert crm == Controller("controller-2", "crm")
    assert isinstance(quick, Controller)
    assert (quick.system, quick.within_seconds) == ("crm", 0.5)
    assert quick.on_failure == (HangUp("hang_up-1"),)


def test_a_wait_is_short_or_with_its_settings() -> None:
    assert nodes("- wait: 30 s\n- wait: {for: 5 min, barge_in: true}") == (
        Wait("wait-1", 30.0),
        Wait("wait-2", 300.0, barge_in=True),
    )


def test_a_conference_is_its_name_or_has_settings() -> None:
    assert nodes("- conference: sales\n- conference: {name: brief.1, muted: true}") == (
        Confer("conference-1", "sales"),
        Confer("conference-2", "brief.1", muted=True),
    )


def test_the_steps_of_a_caller_who_stays_reach_the_model() -> None:
    (connect,) = nodes("""
        - connect: {to: called, after_agent: [wait: 30 s, play: Good bye.]}
        """)
    assert isinstance(connect, Connect)
    wait, play = connect.after_agent
    assert wait == Wait("wait-1", 30.0)
    assert isinstance(play, Play)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- controller: {within: 10 min}", "100 ms to 2 min"),
        ("- controller: {name: crm}", '"name"'),
        ("- conference: {muted: true}", 'conference needs "name"'),
        ("- conference: two words", "letters, digits"),
        ("- wait: {barge_in: true}", 'wait needs "for"'),
        ("- wait: 2 h", "100 ms to 1 h"),
        ("- connect: {to: called, after_agent: []}", "at least one step"),
        ("- controller: crm\n- goto: test", "this goes round for ever"),
    ],
)
def test_mistakes_are_told(text: str, complaint: str) -> None:
    found = complaints(text)
    assert len(found) == 1, found
    assert complaint in found[0]


def test_a_wait_is_a_pause_of_a_loop() -> None:
    assert complaints("- wait: 1 s\n- goto: test") == []


def test_prompts_have_names_for_controllers() -> None:
    text = with_treatment("hang_up") + "prompts: {hello: Hello., hold: {tone: chime}}\n"
    assert loaded(text, media=FakeMedia()).prompts == {
        "hello": Prompt(text="Hello."),
        "hold": Prompt(tone="chime"),
    }


@pytest.mark.parametrize(
    ("prompts", "complaint"),
    [
        ("{hello: [x]}", "expected a prompt"),
        ("{hello: {tone: trumpet}}", "trumpet"),
        ("{hello: {tone: chime, text: x}}", "one of text, wav and tone"),
        ("[x]", "expected a mapping"),
        ("{hello: {wav: nowhere.wav}}", "there is no such file"),
    ],
)
def test_mistakes_in_prompts_are_told(prompts: str, complaint: str) -> None:
    found = told(with_treatment("hang_up") + f"prompts: {prompts}\n", media=FakeMedia())
    assert len(found) == 1, found
    assert complaint in found[0]
