import pytest

from config import steps
from config.model import CallerId, Connect, Destination, Goto, HangUp, Menu, Play, Prompt
from tests.support.configurations import FakeMedia, loaded, nodes, told, with_treatment


def complaints(text: str) -> list[str]:
    return told(with_treatment(text), media=FakeMedia())


def test_short_forms_say_what_long_ones_do() -> None:
    found = nodes("""
        - play: Hello.
        - connect: +1 602 555 1234
        - connect: [called, "sip:a@b"]
        - hang_up
        """)
    assert found == (
        Play("play-1", Prompt("Hello.")),
        Connect("connect-1", (Destination("number", "+16025551234"),)),
        Connect("connect-2", (Destination("called"), Destination("uri", "sip:a@b"))),
        HangUp("hang_up-1"),
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("- hang_up:", HangUp("hang_up-1")),
        ("- hang_up: 603", HangUp("hang_up-1", status=603)),
        ("- hang_up: closed", HangUp("hang_up-1", cause="closed")),
        ("- hang_up: {status: 486, cause: full}", HangUp("hang_up-1", "full", 486)),
        ("- {name: bye, hang_up: }", HangUp("bye")),
        ("- goto: test2", Goto("goto-1", "test2", "treatment")),
        ("hang_up", HangUp("hang_up-1")),
        ("hang_up: 486", HangUp("hang_up-1", status=486)),
    ],
)
def test_a_step(step: str, expected: object) -> None:
    text = with_treatment(step, more="  test2: [hang_up]\n")
    assert loaded(text).treatments["test"].nodes == (expected,)


def test_every_setting_of_a_menu_reaches_the_model() -> None:
    (menu,) = nodes("""
        - name: question
          menu:
            prompt: Press a key.
            choices:
              1: hang_up
              "#":
                - play: Hash.
                - hang_up
              '*': {goto: question}
            invalid_limit: 2
            timeout: 1500 ms
            timeouts_limit: 0
            invalid_prompt: Wrong.
            barge_in: no
            on_no_input: [play: Nobody there.]
        """)
    assert menu == Menu(
        name="question",
        prompt=Prompt("Press a key."),
        choices={
            "1": (HangUp("hang_up-1"),),
            "#": (Play("play-1", Prompt("Hash.")), HangUp("hang_up-2")),
            "*": (Goto("goto-1", "question", "node"),),
        },
        invalid_limit=2,
        timeout_seconds=1.5,
        timeouts_limit=0,
        invalid_prompt=Prompt("Wrong."),
        barge_in=False,
        on_no_input=(Play("play-2", Prompt("Nobody there.")),),
    )


def test_a_menus_defaults_are_those_of_the_model() -> None:
    (menu,) = nodes("- menu: {prompt: x, choices: {1: hang_up}}")
    assert menu == Menu("menu-1", Prompt("x"), {"1": (HangUp("hang_up-1"),)})


def test_a_default_choice_is_one_of_the_choices() -> None:
    (menu,) = nodes("- menu: {prompt: x, choices: {1: hang_up, 2: hang_up}, default: 2}")
    assert isinstance(menu, Menu)
    assert menu.default == "2"


def test_every_setting_of_a_connect_reaches_the_model() -> None:
    (connect,) = nodes("""
        - connect:
            to:
              - {number: 602 555 1234, trunk: carrier, ring_time: 20 s}
              - called
              - called
            ring_time: 1 min
            prompt: Hold.
            caller_id: called
            ringback: de
            fail_over_on: [486, 408]
            on_failure: [hang_up]
            max_time: 1 h
        """)
    assert connect == Connect(
        name="connect-1",
        destinations=(
            Destination("number", "+16025551234", "carrier", 20.0),
            Destination("called"),
            Destination("called"),
        ),
        ring_seconds=60.0,
        prompt=Prompt("Hold."),
        caller_id=CallerId("called"),
        ringback="de",
        fail_over_on=frozenset({486, 408}),
        on_failure=(HangUp("hang_up-1"),),
        max_seconds=3600.0,
    )


def test_a_connects_defaults_are_those_of_the_model() -> None:
    (connect,) = nodes("- connect: {to: called}")
    assert connect == Connect("connect-1", (Destination("called"),))


@pytest.mark.parametrize(
    ("text", "transparent"),
    [
        ("- connect: called", True),
        ("- connect: {to: called, prompt: Hold.}", False),
        ("- play: Hello.\n- connect: called", False),
    ],
)
def test_a_treatment_that_begins_with_a_plain_connect_is_transparent(
    text: str, transparent: bool
) -> None:
    assert loaded(with_treatment(text)).treatments["test"].transparent is transparent


def test_steps_know_where_they_stand() -> None:
    play, menu = nodes("- play: x\n- menu: {prompt: x, choices: {1: [hang_up]}}")
    assert (play.location.line, play.location.column) == (6, 7)
    assert isinstance(menu, Menu)
    assert menu.choices["1"][0].location.line == 7


def test_an_alias_gives_the_same_steps_again_under_other_names() -> None:
    text = with_treatment(
        "- menu: {prompt: x, choices: {1: *agent, 2: *agent}}",
        more="x-steps: &unused 1\n",
    )
    text = "x-agent: &agent [connect: called]\n" + text
    (menu,) = loaded(text).treatments["test"].nodes
    assert isinstance(menu, Menu)
    assert [steps[0].name for steps in menu.choices.values()] == ["connect-1", "connect-2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- conect: called", '6:7: step: "conect" is no step (did you mean "connect"?)'),
        ("- zzz: called", '"zzz" is no step (steps: play, menu, ask, condition, set,'),
        ("- play", 'hang_up, goto), not "play"'),
        ("- [play: x]", "6:7: step: expected a step (play, menu, ask, "),
        ("- {name: x}", "this has none"),
        ("- {play: x, goto: test}", "this has play and goto (each step begins with its own dash)"),
        ("- {name: a b, play: x}", "6:14: the name of a step has letters, digits and _ . - only"),
        ("- {name: [a], play: x}", "6:14: the name of a step has letters"),
        ("- {name: menu-1, play: x}", 'menu-1" is what steps without a name are called'),
        ("- {name: a, play: x}\n- {name: a, play: x}", '7:14: another step of this treatment is'
         ' named "a"'),
        ("[]", "6:5: test: expected at least one step"),
        ("- hang_up: 200", '6:16: step: expected a status to refuse with: 404, 410, 480, 486,'
         ' 600, 603, not "200"'),
        ("- hang_up: [x]", "expected the settings of hang_up, not a list"),
        ("- goto: [x]", "expected a name"),
        ("- goto:", "expected a name"),
        ("- menu: x", 'expected the settings of menu, not "x"'),
        ("- menu: {prompt: x}", 'menu needs "choices": a mapping from keys (0-9, "*", "#")'),
        ("- menu: {choices: {1: hang_up}}", 'menu needs "prompt": a prompt'),
        ("- menu: {prompt: x, choices: [1]}", "expected a mapping from keys"),
        ("- menu: {prompt: x, choices: {}}", "a menu has 1 to 10 choices, not 0"),
        ("- menu: {prompt: x, choices: {12: hang_up}}", '"12" is no key of a telephone'),
        ("- menu: {prompt: x, choices: {a: hang_up}}", '"a" is no key of a telephone'),
        ("- menu: {prompt: x, choices: {1: []}}", "choice 1: expected at least one step"),
        ("- menu: {prompt: x, choices: {1: }}", "expected a step"),
        ("- menu: {prompt: x, choices: {1: hang_up}, default: 2}", "6:57: default: 2 is none of"
         " the choices 1"),
        ("- menu: {prompt: x, choices: {1: hang_up}, default: 1, on_no_input: hang_up}",
         "on_no_input is never reached"),
        ("- menu: {prompt: x, choices: {1: hang_up}, timeout: 5 m}", "timeout: expected a time"),
        ("- menu: {prompt: x, choices: {1: hang_up}, on_no_input: []}",
         "on_no_input: expected at least one step"),
        ("- connect:", '6:15: "to" is empty: expected a list of 1 to 20, each a destination'),
        ("- connect: caled", '(did you mean "called"?)'),
        ("- connect: 911", 'expected a phone number, a SIP URI, or called, not "911"'),
        ("- connect: sips:a@b", "use sip: here"),
        ("- connect: {to: []}", "to: expected 1 to 20 entries, not 0"),
        ("- connect: {to: [[x]]}", "expected the settings of a destination, not a list"),
        ("- connect: {to: [{trunk: carrier}]}", 'a destination needs "number"'),
        ("- connect: {to: [{number: called, trunk: x}]}", 'there is no trunk "x"'),
        ("- connect: {to: [{number: [x]}]}", "expected a phone number, a SIP URI, or called"),
        ("- connect: {to: called, fail_over_on: [200]}", "expected a whole number, 300-699"),
        ("- connect: {to: called, ringback: xx}", "expected a country with a tone plan"),
        ("- connect: {ring_time: 5 s}", 'connect needs "to"'),
    ],
)  # fmt: skip
def test_mistakes_in_steps(text: str, complaint: str) -> None:
    found = complaints(text)
    assert len(found) == 1, found
    assert complaint in found[0]


def test_mistakes_in_all_choices_are_told() -> None:
    found = complaints("""
        - menu:
            prompt: x
            choices:
              1: [connect: 911]
              2: [hang_up: 999]
              3: [play: {tone: zzz}]
        - play: {text: a, wav: b}
        """)
    assert len(found) == 4


def test_nesting_is_bounded() -> None:
    text = "hang_up"
    for _ in range(steps.MAX_NESTING + 1):
        text = f"{{menu: {{prompt: x, choices: {{1: {text}}}}}}}"
    (complaint,) = complaints(f"- {text}")
    assert "steps are nested more than 20 deep" in complaint


def test_steps_that_unfold_from_aliases_are_bounded() -> None:
    lines = ["x-0: &m0 [hang_up]"]
    for i in range(1, 12):
        choices = ", ".join(f"{key}: *m{i - 1}" for key in range(10))
        lines.append(f"x-{i}: &m{i} [menu: {{prompt: x, choices: {{{choices}}}}}]")
    text = "\n".join([*lines, "trunks: {a: h}", "treatments: {t: *m11}"])
    found = told(text)
    assert found
    assert any("more than 20000 steps in all" in one for one in found)
