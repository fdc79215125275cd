import pytest

from tests.support.configurations import mistakes

TREATMENT = "treatments: {t: [hang_up]}\n"


@pytest.mark.parametrize(
    ("cap", "complaint"),
    [
        ("{limit: 5}", 'a cap needs "kind"'),
        ("{kind: concurrent, limit: 5, counts: conversion}", "counted while they last"),
        ("{kind: concurrent, limit: 5, period: day}", "counted while they last"),
        ("{kind: daily, limit: 5, conversion: bridged}", "this cap does not count conversions"),
        ("{kind: hourly, limit: 5, over: tt}", 'there is no treatment "tt"'),
        ("{kind: hourly, limit: 5, time_zone: Mars}", 'there is no time zone "Mars"'),
        ("[1]", "expected the settings of a cap, not a list"),
    ],
)
def test_mistakes_in_caps(cap: str, complaint: str) -> None:
    text = f"trunks: {{a: h}}\ncampaigns: {{c: {{treatment: t, caps: {{x: {cap}}}}}}}\n{TREATMENT}"
    assert any(complaint in str(found) for found in mistakes(text))
    assert len(mistakes(text)) <= 2


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("fraud: {x: {for: 1 h}}", 'a fraud rule needs "when"'),
        ("fraud: {x: {when: bridged, then: announcement}}", "an announcement needs a prompt"),
        ("fraud: {x: {when: bridged, prompt: Hello}}", "it is never played"),
        ("fraud: {x: {when: bridged, for: 2 years}}", "for: expected a time"),
        ("fraud: {x: {when: bridged, who: everybody}}", "expected caller, publisher or number"),
        ("blocked: {then: ring}", 'blocked needs "lists"'),
        ("blocked: [nuisance, nuisance]", '"nuisance" stands twice'),
        ("blocked: {lists: nuisance, then: hang}", "expected ring, busy or announcement"),
        ("caps: {}", "expected 1 to 50 caps, not 0"),
    ],
)
def test_mistakes_in_what_turns_callers_away(setting: str, complaint: str) -> None:
    text = f"""\
trunks: {{a: h}}
lists: {{nuisance: [+12125550100]}}
campaigns: {{c: {{treatment: t, {setting}}}}}
{TREATMENT}"""
    (found,) = mistakes(text)
    assert complaint in str(found)
