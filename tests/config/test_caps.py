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
