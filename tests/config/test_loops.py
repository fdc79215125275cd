import pytest

from tests.support.configurations import told, with_treatment

LOOKUP = "lookup: {url: 'http://127.0.0.1/x', fields: [a]}"


def complaints(steps: str, *, more: str = "") -> list[str]:
    return told(with_treatment(steps, more=more))


@pytest.mark.parametrize(
    "steps",
    [
        "- condition: {if: overflow, then: [goto: test]}",
        "- condition: {if: overflow, then: hang_up, else: [goto: test]}",
        "- condition: {if: overflow, then: [play: x]}\n- goto: test",
        "- set: {n: 1}\n- goto: test",
        f"- {LOOKUP}\n- goto: test",
        "- sms: Thank you.\n- goto: test",
        "- transfer: {to: +16025551234, on_failure: [goto: test]}",
        "- ask: {prompt: x, remember: true}\n- goto: test",
        "- distribute: {campaigns: [test], else: hang_up}",
        "- distribute: {campaigns: [c], else: [goto: test]}",
        "- nearest: {to: [{number: called, place: '1, 1'}], outside: [goto: test]}",
    ],
)
def test_a_way_that_may_come_round_at_once_is_a_loop(steps: str) -> None:
    text = with_treatment(steps, more="  other: [hang_up]\n")
    (complaint,) = told(text.replace("test: test", "test: test\n  c: other"))
    assert "this goes round for ever without a pause" in complaint
    assert "put a play or a menu into the loop, or end it" in complaint


@pytest.mark.parametrize(
    "steps",
    [
        "- condition: {if: overflow, then: [play: x, goto: test]}",
        "- condition: {if: overflow, then: hang_up, else: [play: x]}\n- play: y\n- goto: test",
        "- ask: {prompt: x}\n- goto: test",
        f"- {LOOKUP}\n- menu: {{prompt: x, choices: {{1: [goto: test]}}}}",
        "- distribute: {campaigns: [c], else: [play: x, goto: test]}",
        "- connect: {to: called, on_failure: [play: x]}\n- goto: test",
    ],
)
def test_a_way_with_a_pause_is_none(steps: str) -> None:
    text = with_treatment(steps, more="  other: [hang_up]\n")
    assert told(text.replace("test: test", "test: test\n  c: other")) == []


CAPPED = """\
trunks: {{a: 192.0.2.1}}
campaigns: {{c: {{treatment: t, caps: {{x: {{kind: daily, limit: 1, over: {over}}}}}}}}}
treatments:
  t: [connect: +16025551234]
  sorry: [play: x, connect: +16025551234]
  again: [connect: +16025559999]
  free: [connect: {{to: +16025559999, credit: false}}]
"""


@pytest.mark.parametrize("over", ["t", "again"])
def test_over_a_cap_a_call_does_not_come_to_the_same_cap(over: str) -> None:
    (complaint,) = told(CAPPED.format(over=over))
    assert "this goes round for ever without a pause" in complaint


@pytest.mark.parametrize("over", ["sorry", "free"])
def test_over_a_cap_a_call_may_be_put_through_without_counting(over: str) -> None:
    assert told(CAPPED.format(over=over)) == []


def test_campaigns_that_hand_a_call_to_each_other_are_a_loop() -> None:
    text = """\
trunks: {a: 192.0.2.1}
campaigns: {c: t, d: u}
treatments:
  t: [distribute: {campaigns: [d], else: hang_up}]
  u: [distribute: {campaigns: [c], else: hang_up}]
"""
    (complaint,) = told(text)
    assert complaint.startswith("4:7: this goes round for ever")


def test_two_loops_are_told_apart() -> None:
    found = complaints("- goto: test", more="  b: [goto: c]\n  c: [goto: b]\n  d: [goto: c]\n")
    assert [one.partition(": ")[0] for one in found] == ["6:13", "7:13"]
