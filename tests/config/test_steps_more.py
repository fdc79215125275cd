"""Steps beyond the first five: what is written reaches the model, what is wrong is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from config.loader import load
from config.model import (
    Accept,
    Ask,
    CampaignShare,
    Choice,
    Condition,
    Connect,
    Destination,
    Distribute,
    HangUp,
    Lookup,
    Play,
    Prompt,
    PythonStep,
    SendDtmf,
    SetVariables,
    Sms,
    Transfer,
)
from config.steps import BUILDERS, STEP_SECTIONS
from tests.support.configurations import FakeMedia, loaded, nodes, told, with_treatment

EXAMPLES = Path(__file__).parents[2] / "config" / "examples" / "nodes"


def complaints(text: str) -> list[str]:
    return told(with_treatment(text), media=FakeMedia())


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_there_is_an_example_of_each_kind_that_loads(path: Path) -> None:
    configuration = load(path, {})
    words = path.read_text()
    kind = path.stem.partition("-")[0]
    assert f"- {kind}" in words or f"{kind}:" in words
    assert kind in BUILDERS
    assert configuration.treatments


def test_every_kind_of_step_is_described() -> None:
    assert set(BUILDERS) <= {section.name for section in STEP_SECTIONS}


# Prompts with values.


def test_a_text_with_braces_is_a_template() -> None:
    (play, plain) = nodes('- play: "To {caller.state}, {{now}}."\n- play: "{{x}}"')
    assert isinstance(play, Play)
    assert isinstance(plain, Play)
    assert play.prompt.text is None
    assert play.prompt.template is not None
    assert [str(part) for part in play.prompt.template.parts] == ["To ", "caller.state", ", {now}."]
    assert plain.prompt == Prompt(text="{x}")


# Connect, ring group, nearest.


def test_every_setting_of_a_destination_and_a_connect_reaches_the_model() -> None:
    (connect,) = nodes("""
        - connect:
            to:
              - number: +1 602 555 1234
                when: hour < 12
                weight: 3
                price: 12.50
                max_calls: 2
                place: "33.45, -112.07"
                ring_time: 4 rings
              - "{var.x}"
            choose: weighted
            whisper: A call.
            accept: {prompt: Take it?, key: 5, timeout: 8 s}
            send_dtmf: ww204
            headers: {X-State: "{caller.state}"}
            credit: no
        - set: {x: 1}
        """)[:1]
    assert isinstance(connect, Connect)
    first, second = connect.destinations
    assert (first.weight, first.max_calls, first.place) == (3, 2, (33.45, -112.07))
    assert first.ring_seconds == 24.0
    assert str(first.when) == "hour < 12"
    assert str(first.price) == "12.50"
    assert (second.kind, second.number, str(second.template)) == ("template", None, "{var.x}")
    assert connect.choice == Choice("weighted")
    assert connect.whisper == Prompt("A call.")
    assert connect.accept == Accept(Prompt("Take it?"), "5", 8.0)
    assert str(connect.send_dtmf) == "ww204"
    assert [(name, str(value)) for name, value in connect.headers] == [
        ("X-State", "{caller.state}")
    ]
    assert connect.credit is False


def test_a_ring_group_rings_at_once_unless_it_says_otherwise() -> None:
    group, chain = nodes("""
        - ring_group: [+1 602 555 1234, called]
        - ring_group: {to: called, strategy: sequential, choose: least_used}
        """)
    two = (Destination("number", "+16025551234"), Destination("called"))
    assert group == Connect("ring_group-1", two, strategy="simultaneous")
    assert chain == Connect("ring_group-2", (Destination("called"),), choice=Choice("least_used"))


def test_nearest_is_a_connect_by_distance() -> None:
    (near,) = nodes("""
        - nearest:
            to: [{number: called, place: [33.45, "-112.07"]}]
            from: [area_code, zip]
            zip: caller.zip
            radius: 10 miles
            outside: [hang_up]
        """)
    assert isinstance(near, Connect)
    assert near.choice.policy == "nearest"
    assert near.choice.place_from == ("area_code", "zip")
    assert near.choice.radius_km == pytest.approx(16.093)
    assert near.outside == (HangUp("hang_up-1"),)
    assert near.destinations[0].place == (33.45, -112.07)


# The others.


def test_a_condition_has_one_form_or_the_other() -> None:
    short, long = nodes("""
        - condition: {if: hour < 12, then: [hang_up], else: [play: x]}
        - condition:
            cases:
              - {when: hour < 6, do: hang_up}
              - {when: 'caller.state in ["CA", "AZ"]', do: [play: y]}
            else: hang_up
        """)
    assert isinstance(short, Condition)
    assert isinstance(long, Condition)
    assert [(str(case.when), case.steps) for case in short.cases] == [
        ("hour < 12", (HangUp("hang_up-1"),))
    ]
    assert short.otherwise == (Play("play-1", Prompt("x")),)
    assert [str(case.when) for case in long.cases] == [
        "hour < 6", 'caller.state in ["CA", "AZ"]',
    ]  # fmt: skip
    assert len(long.otherwise) == 1


def test_every_setting_of_an_ask_reaches_the_model() -> None:
    (ask,) = nodes("""
        - name: pin
          ask:
            prompt: PIN?
            digits: 4-6
            terminator: "*"
            valid: length(answer.pin) > 4
            timeout: 8 s
            digit_timeout: 2 s
            invalid_limit: 2
            timeouts_limit: 0
            invalid_prompt: No.
            barge_in: no
            secret: yes
            on_failure: hang_up
        """)
    assert isinstance(ask, Ask)
    assert str(ask.valid) == "length(answer.pin) > 4"
    assert ask == Ask(
        "pin", Prompt("PIN?"), "digits", 4, 6, "*", ask.valid, 8.0, 2.0, 2, 0, Prompt("No."),
        False, True, False, None, (HangUp("hang_up-1"),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("digits", 1, 30), ("number", 7, 15), ("zip", 5, 5), ("yes_no", 1, 1)],
)
def test_each_kind_of_answer_has_its_length(kind: str, least: int, most: int) -> None:
    (ask,) = nodes(f"- ask: {{prompt: x, kind: {kind}, terminator: none}}")
    assert isinstance(ask, Ask)
    assert (ask.least, ask.most, ask.terminator) == (least, most, "")


def test_a_lookup_and_its_fields_reach_the_model() -> None:
    (lookup, connect) = nodes("""
        - name: bid
          lookup:
            url: https://bids.example.com/{caller.state}
            method: get
            send: {now: hour}
            headers: {X-Key: k}
            secret: s
            timeout: 500 ms
            cache: 1 min
            fields: {number: text, price: number, open: boolean, days: list}
            defaults: {price: 0.5, open: no, days: [mon]}
            on_failure: hang_up
        - connect: "{lookup.bid.number}"
        """)
    assert isinstance(lookup, Lookup)
    assert isinstance(connect, Connect)
    assert str(lookup.url) == "https://bids.example.com/{caller.state}"
    assert (lookup.method, lookup.secret, lookup.timeout_seconds) == ("GET", "s", 0.5)
    assert lookup.cache_seconds == 60.0
    assert lookup.defaults == {"price": Decimal("0.5"), "open": False, "days": ("mon",)}
    assert list(lookup.fields.values()) == ["text", "number", "boolean", "list"]
    assert lookup.on_failure


def test_distribution_over_campaigns_reaches_the_model() -> None:
    steps = """
        - distribute:
            choose: price
            campaigns: [other, {campaign: third, weight: 2, price: 3}]
            else: hang_up
        """
    text = with_treatment(steps, more="  night: [hang_up]\n")
    text = text.replace("  test: test\n", "  test: test\n  other: night\n  third: night\n")
    (node,) = loaded(text).treatments["test"].nodes
    assert isinstance(node, Distribute)
    assert node.policy == "price"
    assert node.campaigns[0] == CampaignShare("other")
    assert (node.campaigns[1].weight, str(node.campaigns[1].price)) == (2, "3")
    assert node.otherwise == (HangUp("hang_up-1"),)


def test_short_forms() -> None:
    found = nodes("""
        - set: {x: 1}
        - send_dtmf: 1w2#
        - sms: Thank you.
        - sms: {to: "+16025551234", text: Hello.}
        - transfer: +1 602 555 1234
        - transfer: {to: sip:a@b, timeout: 9 s, on_failure: hang_up}
        """)
    variables, keys, message, other, transfer, slow = found
    assert isinstance(variables, SetVariables)
    assert isinstance(keys, SendDtmf)
    assert isinstance(message, Sms)
    assert isinstance(other, Sms)
    assert isinstance(transfer, Transfer)
    assert isinstance(slow, Transfer)
    assert {name: str(value) for name, value in variables.values.items()} == {"x": "1"}
    assert (str(keys.digits), str(message.to), str(message.text)) == (
        "1w2#", "{caller.number}", "Thank you.",
    )  # fmt: skip
    assert (str(other.to), str(transfer.to)) == ("+16025551234", "+1 602 555 1234")
    assert (transfer.timeout_seconds, slow.timeout_seconds) == (30.0, 9.0)
    assert slow.on_failure == (HangUp("hang_up-1"),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('- play: "{caler.state}"', "caller.state"),
        ('- play: "{caller.state"', 'a "{" is not closed'),
        ("- connect: {to: [{number: called, place: here}]}", "latitude and longitude"),
        ("- connect: {to: [{number: called, place: '91, 0'}]}", "latitude and longitude"),
        ("- connect: {to: [{number: called, weight: 0}]}", "1-1000"),
        ("- connect: {to: [{number: called, when: hour}]}", "true or false"),
        ("- connect: {to: called, choose: nearest}", "choose: expected order, round_robin"),
        ("- connect: {to: called, headers: {Via: x}}", "Via is written by the switch"),
        ("- connect: {to: called, headers: [x]}", "a mapping"),
        ("- connect: {to: called, accept: {key: 1}}", 'accept needs "prompt"'),
        ("- connect: {to: called, accept: {prompt: x, key: 12}}", "a key of a telephone"),
        ("- connect: {to: called, ring_time: 200 rings}", "rings"),
        (f"- ring_group: [{', '.join(['called'] * 11)}]", "up to 10 telephones ring at once"),
        ("- nearest: {to: called}", "a destination of nearest needs its place"),
        ("- nearest: {to: [{number: called, place: '1,1'}], radius: 5}", "50 km"),
        ("- nearest: {to: [{number: called, place: '1,1'}], places: x}", "table of places"),
        ("- condition: {then: hang_up}", "it has neither"),
        ("- condition: {if: hour < 1, cases: [{when: hour < 2, do: hang_up}]}", "it has both"),
        ("- condition: {if: hour < 1}", "needs then or else"),
        ("- condition: {cases: [{when: hour < 2, do: hang_up}], then: hang_up}", "belongs to if"),
        ("- condition: {cases: [{do: hang_up}]}", 'a case needs "when"'),
        ("- condition: {if: hour, then: hang_up}", "true or false"),
        ("- condition: {if: hours < 1, then: hang_up}", 'did you mean "hour"'),
        ("- ask: {prompt: x, digits: 0-4}", "how many digits"),
        ("- ask: {prompt: x, digits: 6-4}", "how many digits"),
        ("- ask: {prompt: x, terminator: 5}", '"#", "*" or none'),
        ("- ask: {prompt: x, kind: zip, digits: 4}", "how many digits zip has is fixed"),
        ("- ask: {prompt: x, secret: yes, remember: yes}", "a secret answer is not remembered"),
        ("- ask: {prompt: x, default: 1, on_failure: hang_up}", "on_failure is never reached"),
        ("- ask: {prompt: x, kind: yes_no, default: maybe}", "expected yes or no"),
        ("- {name: my-pin, ask: {prompt: x}}", "cannot be named in expressions"),
        ("- set: {}", "expected 1 to 50 variables"),
        ("- set: {a b: 1}", "a name of letters, digits and _"),
        ("- set: {x: 1 +}", "x: "),
        ("- lookup: {url: ftp://x}", "http://HOST"),
        ('- lookup: {url: "http://{caller.state}/x"}', "http://HOST"),
        ("- lookup: {url: http://x, headers: {Host: y}}", "Host is written by the switch"),
        ("- lookup: {url: http://x, fields: {a: money}}", "text, number"),
        ("- lookup: {url: http://x, fields: [a b]}", "no name of a field"),
        ("- lookup: {url: http://x, fields: {a: number}, defaults: {a: x}}", "expected number"),
        ("- lookup: {url: http://x, fields: {a: text}, defaults: {b: x}}", "none of the fields a"),
        ("- distribute: {campaigns: [nobody]}", 'there is no campaign "nobody"'),
        ("- distribute: {campaigns: []}", "expected 1 to 100 entries"),
        ("- send_dtmf: hello", "keys 0-9"),
        ("- sms: {to: 602 555 1234}", 'sms needs "text"'),
        ("- transfer: {timeout: 5 s}", 'transfer needs "to"'),
        ("- python: greet", "expected module:function"),
        ("- python: no_such_module_here:f", 'there is no module "no_such_module_here"'),
        ("- python: json:dumps", "json:dumps is no coroutine"),
        ("- python: json:dump_it", "json has no dump_it"),
    ],
)
def test_mistakes_are_told(text: str, complaint: str) -> None:
    found = complaints(text)
    assert len(found) == 1, found
    assert complaint in found[0]


# Python modules beside the configuration.


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_beside_the_file_is_found(folder: Path) -> None:
    (folder / "own_steps_here.py").write_text("async def f(call): pass\n")
    text = with_treatment("- python: own_steps_here:f")
    (node,) = loaded(text, path=folder / "switch.yaml").treatments["test"].nodes
    assert node == PythonStep("python-1", "own_steps_here", "f")
    assert str(folder) not in sys.path


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def f(:\n", "cannot be imported: SyntaxError in line 1"),
        ("1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "cannot be imported: SystemExit: 3"),
        ("import no_such_thing_at_all\n", 'no module "no_such_thing_at_all", which own'),
        ("def f(call): pass\n", "no coroutine"),
        ("async def f(): pass\n", "must take one argument"),
        ("async def ff(call): pass\n", 'did you mean "ff"'),
    ],
)
def test_mistakes_in_a_module_are_told_with_their_place(
    folder: Path, source: str, complaint: str, request: pytest.FixtureRequest
) -> None:
    name = f"own_{abs(hash(source))}"
    (folder / f"{name}.py").write_text(source)
    path = folder / "switch.yaml"
    path.write_text(with_treatment(f"- python: {name}:f"))
    from config.errors import ConfigErrors

    with pytest.raises(ConfigErrors) as caught:
        load(path, {})
    (error,) = caught.value.errors
    assert complaint in str(error)
    assert f"{path}:6:" in str(error)
