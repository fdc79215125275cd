"""What steps say of hearing: words for choices, spoken answers, machines, tones."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loader import load
from config.model import Ask, Connect, Machine, Menu, Prompt
from tests.support.configurations import FakeMedia, nodes, told, with_treatment


def complaints(step: str) -> list[str]:
    """The complaints about a step, without their places."""
    return [text.partition(": ")[2] for text in told(with_treatment(step), media=FakeMedia())]


def menu_saying(say: str) -> str:
    return f"- menu: {{prompt: x, choices: {{1: hang_up, 2: hang_up, '*': hang_up}}, say: {say}}}"


@pytest.mark.parametrize(
    ("say", "spoken"),
    [
        ("{1: [one, infant], 2: two}", {"1": ("one", "infant"), "2": ("two",)}),
        ("{1: 'Infant  Fans!', 2: I'm lost}", {"1": ("infant fans",), "2": ("i'm lost",)}),
        ("{'*': [star, '22']}", {"*": ("star", "22")}),
        ("true", {"1": ("one",), "2": ("two",), "*": ("star",)}),
        ("false", {}),
    ],
)
def test_what_may_be_said_for_a_choice(say: str, spoken: dict[str, tuple[str, ...]]) -> None:
    (menu,) = nodes(menu_saying(say))
    assert isinstance(menu, Menu)
    assert dict(menu.spoken) == spoken


def test_a_menu_that_says_nothing_of_words_takes_none() -> None:
    (menu,) = nodes("- menu: {prompt: x, choices: {1: hang_up}}")
    assert isinstance(menu, Menu)
    assert dict(menu.spoken) == {}


@pytest.mark.parametrize(
    ("say", "complaint"),
    [
        ("{3: three}", "say: 3 is none of the choices 1, 2, *"),
        ("{1: [one, go], 2: go}", 'say: "go" stands for 1 and for 2'),
        ("{1: [One, one]}", None),
        (
            "{1: [two], 2: [three, too]}",
            'say: "too" for 2 sounds like "two" for 1',
        ),
        ("{1: go for it, 2: go 4 it}", 'say: "go 4 it" for 2 sounds like "go for it" for 1'),
        ("{1: [two, to, '2'], 2: [three]}", None),
        ("{1: '...'}", 'say: "..." is nothing that is said (1 to 8 words)'),
        (
            "{1: a a a a a a b c d}",
            'say: "a a a a a a b c d" is nothing that is said (1 to 8 words)',
        ),
        ("{1: []}", "say 1: expected 1 to 20 entries, not 0"),
        ("perhaps", 'say: expected true or false, not "perhaps"'),
        ("[one]", "say: expected true, or a mapping from choices to words and phrases, not a list"),
    ],
)
def test_words_that_cannot_be_meant(say: str, complaint: str | None) -> None:
    assert complaints(menu_saying(say)) == ([] if complaint is None else [complaint])


def test_an_ask_may_be_spoken_but_no_secret() -> None:
    first, second = nodes("- ask: {prompt: x}\n- ask: {prompt: x, spoken: true}")
    assert isinstance(first, Ask)
    assert isinstance(second, Ask)
    assert (first.spoken, second.spoken) == (False, True)
    assert complaints("- ask: {prompt: x, spoken: true, secret: true}") == [
        "a secret is not spoken aloud: only its keys are kept out of everything"
    ]


@pytest.mark.parametrize(
    ("written", "machine", "message"),
    [
        ("machine: decline", Machine("decline"), None),
        ("machine: bridge", Machine("bridge"), None),
        ("machine: {within: 3 s}", Machine("decline", within_seconds=3.0), None),
        (
            "machine: {then: message, beep: 1 min}, message: Call us.",
            Machine("message", beep_seconds=60.0),
            Prompt("Call us."),
        ),
        ("ring_time: 5 s", None, None),
    ],
)
@pytest.mark.parametrize("step", ["connect", "ring_group", "nearest"])
def test_machines_and_messages(
    step: str, written: str, machine: Machine | None, message: Prompt | None
) -> None:
    to = '{number: +1 602 555 1234, place: "33.45, -112.07"}'
    (node,) = nodes(f"- {step}: {{to: [{to}], {written}}}")
    assert isinstance(node, Connect)
    assert (node.machine, node.message) == (machine, message)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("machine: message", 'machine: there is no message to leave (add "message")'),
        ("message: x", 'message: it is never left (set "machine: message")'),
        ("machine: decline, message: x", 'message: it is never left (set "machine: message")'),
        (
            "machine: {then: leave}, message: x",
            'then: expected decline, bridge or message, not "leave"',
        ),
        (
            "machine: {within: 1 h}",
            'within: expected a time such as "30 s", 1 s to 30 s, not "1 h"',
        ),
        ("machine: robot", 'machine: expected decline, bridge or message, not "robot"'),
        ("machine: message, message: {wav: no.wav}", None),
    ],
)
def test_machines_that_cannot_be_meant(written: str, complaint: str | None) -> None:
    found = complaints(f"- connect: {{to: called, {written}}}")
    if complaint is None:
        assert len(found) == 1
        assert "never left" not in found[0]
        assert "to leave" not in found[0]
    else:
        assert found == [complaint]


def test_tones_are_acted_on_only_where_it_says_so() -> None:
    first, second = nodes("- connect: called\n- connect: {to: called, act_on_tones: yes}")
    assert isinstance(first, Connect)
    assert isinstance(second, Connect)
    assert (first.act_on_tones, second.act_on_tones) == (False, True)


NODES = Path(__file__).resolve().parents[2] / "config" / "examples" / "nodes"


@pytest.mark.parametrize("name", ["menu-spoken", "ask-spoken", "connect-machine", "connect-tones"])
def test_the_examples_load(name: str) -> None:
    found = load(NODES / f"{name}.yaml", {}).treatments["main"].nodes
    hears = [
        (isinstance(node, Connect) and (node.machine is not None or node.act_on_tones))
        or (isinstance(node, Menu | Ask) and bool(node.spoken))
        for node in found
    ]  # fmt: skip
    assert any(hears)
