import pytest

from tests.support.configurations import told, with_treatment


def complaints(steps: str, *, more: str = "") -> list[str]:
    return told(with_treatment(steps, more=more))


@pytest.mark.parametrize(
    "steps",
    [
        "- name: a\n  menu: {prompt: x, choices: {1: [goto: a]}}",
        "- menu: {prompt: x, choices: {1: [goto: other]}}",
        "- goto: deep\n",
        "- connect: {to: called, on_failure: [goto: deep]}",
    ],
)
def test_a_jump_may_go_to_a_treatment_or_to_a_step_however_deep(steps: str) -> None:
    steps += "\n- menu: {prompt: y, choices: {1: [{name: deep, play: x}]}}"
    assert complaints(steps, more="  other: [hang_up]\n") == []


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        (
            "- goto: othr",
            '6:13: goto: there is no treatment "othr", and no such step here '
            '(did you mean "other"?)',
        ),
        (
            "- goto: zzzz",
            '6:13: goto: there is no treatment "zzzz", and no such step here '
            "(treatments: other, test)",
        ),
        (
            "- name: other\n  play: x\n- menu: {prompt: x, choices: {1: [goto: other]}}",
            '8:45: goto: "other" is a treatment and also a step of this one (rename the step)',
        ),
    ],
)
def test_a_jump_that_leads_nowhere_or_to_two_places_is_told(steps: str, complaint: str) -> None:
    assert complaints(steps, more="  other: [{name: hidden, hang_up: }]\n") == [complaint]


def test_a_step_of_another_treatment_cannot_be_jumped_to() -> None:
    (complaint,) = complaints("- goto: hidden", more="  other: [{name: hidden, hang_up: }]\n")
    assert "no such step here" in complaint


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        (
            "- hang_up\n- play: x\n- play: y",
            "7:7: this step is never reached: the hang_up in line 6 comes before it",
        ),
        (
            "- menu:\n    prompt: x\n    choices:\n      1:\n"
            "        - goto: test\n        - hang_up",
            "11:15: this step is never reached: the goto in line 10 comes before it",
        ),
        (
            "- connect:\n    to: called\n    on_failure: [hang_up, play: x]",
            "8:31: this step is never reached: the hang_up in line 8 comes before it",
        ),
    ],
)
def test_a_step_that_is_never_reached_is_told(steps: str, complaint: str) -> None:
    assert complaints(steps) == [complaint]


@pytest.mark.parametrize(
    "steps",
    [
        "- menu: {prompt: x, choices: {1: [goto: a]}}\n- hang_up\n- name: a\n  play: x",
        "- goto: a\n- menu: {prompt: x, choices: {1: [{name: a, play: x}]}}",
        "- menu:\n    prompt: x\n    choices:\n      1: [goto: a]\n"
        "      2:\n        - hang_up\n        - name: a\n          hang_up: 486",
    ],
)
def test_a_step_behind_a_hang_up_is_reached_by_a_jump(steps: str) -> None:
    assert complaints(steps) == []


@pytest.mark.parametrize(
    "steps",
    [
        "- goto: test",
        "- connect: called\n- goto: test",
        "- name: a\n  connect: {to: called, on_failure: [connect: called]}\n- goto: a",
        "- goto: other",
        "- name: a\n  goto: b\n- menu: {prompt: x, choices: {1: [{name: b, goto: a}]}}",
        "- menu: {prompt: x, choices: {1: [{name: b, connect: called}]}}\n- goto: b",
    ],
)
def test_a_loop_without_a_pause_is_told_once(steps: str) -> None:
    (complaint,) = complaints(steps, more="  other: [goto: test]\n")
    assert "goto: this goes round for ever without a pause" in complaint


@pytest.mark.parametrize(
    "steps",
    [
        "- play: x\n- goto: test",
        "- connect: called\n- play: x\n- goto: test",
        "- connect: {to: called, on_failure: [play: x]}\n- goto: test",
        "- menu: {prompt: x, choices: {1: [goto: test]}}",
        "- goto: other",
        "- connect: called\n- hang_up",
        "- connect: called\n- connect: called",
    ],
)
def test_a_loop_with_a_pause_and_a_chain_without_a_loop_are_good(steps: str) -> None:
    assert complaints(steps, more="  other: [play: x, goto: test]\n") == []


TWO_TRUNKS = """\
trunks: {a: 192.0.2.1, b: 192.0.2.2}
campaigns: {c: t, d: {treatment: t, trunk: a}}
treatments:
  t: [play: x, goto: u]
  u: [connect: [+16025551234, {number: called, trunk: b}], goto: t]
"""


def test_with_several_trunks_each_destination_needs_one() -> None:
    assert told(TWO_TRUNKS) == [
        '5:17: no trunk leads to this destination (name one here, or in the campaign "c")'
    ]
    assert told(TWO_TRUNKS.replace("c: t,", "c: {treatment: t, trunk: b},")) == []


@pytest.mark.parametrize("trunk", ["127.0.0.1:5060", "192.0.2.10", "'192.0.2.10:5060'"])
def test_the_switch_is_not_its_own_trunk(trunk: str) -> None:
    text = f"switch: {{advertise: 192.0.2.10}}\ntrunks: {{a: {trunk}}}\n"
    (complaint,) = told(text)
    assert complaint.startswith("2:13: ")
    assert "is the switch itself" in complaint
    assert told("switch: {advertise: 192.0.2.10}\ntrunks: {a: '192.0.2.10:5061'}\n") == []


@pytest.mark.parametrize(
    "settings",
    [
        "hours: h, after_hours: u",
        "regions: west, outside: u",
        "caps: {x: {kind: daily, limit: 1, over: u}}",
    ],
)
def test_a_trunk_is_needed_wherever_calls_of_a_campaign_may_come(settings: str) -> None:
    text = f"""\
trunks: {{a: 192.0.2.1, b: 192.0.2.2}}
hours: {{h: Mon-Fri 8-17}}
regions: {{west: {{states: [CA]}}}}
campaigns: {{c: {{treatment: t, {settings}}}}}
treatments: {{t: [hang_up], u: [play: x, connect: +16025551234]}}
"""
    (complaint,) = told(text)
    assert "no trunk leads to this destination" in complaint
    assert told(text.replace("treatment: t,", "treatment: t, trunk: b,")) == []


def test_a_trunk_is_needed_by_the_numbers_of_an_ended_pool() -> None:
    text = """\
trunks: {a: 192.0.2.1, b: 192.0.2.2}
pools: {p: {kind: search, campaign: c, ends: 2030-01-01, reserve: {treatment: u}}}
campaigns: {c: t}
treatments: {t: [hang_up], u: [connect: +16025551234]}
"""
    (complaint,) = told(text)
    assert complaint.startswith("4:41: no trunk leads")
