import dataclasses
from decimal import Decimal

import pytest

from config.model import Blocked, CallerId, Campaign, Prompt, Recording, Repeat
from tests.support.configurations import FakeMedia, loaded, mistakes

TREATMENT = "treatments: {t: [hang_up]}\n"


def test_a_campaign_is_its_treatment_or_settings() -> None:
    found = loaded(f"""\
trunks: {{a: h}}
campaigns:
  short: t
  long:
    treatment: t
    publisher: x
    caller_id: 602 555 0100
    ringback: DE
    max_call_time: 1 h
    trunk: a
{TREATMENT}""").campaigns
    assert found["short"] == Campaign("short", "t", trunk="a")
    assert found["long"] == Campaign(
        "long", "t", "x", CallerId("fixed", "+16025550100"), "de", 3600.0, "a"
    )


def test_with_two_trunks_a_campaign_has_none_by_itself() -> None:
    found = loaded(f"trunks: {{a: h, b: i}}\ncampaigns: {{c: t}}\n{TREATMENT}").campaigns
    assert found["c"].trunk is None


@pytest.mark.parametrize(
    ("campaign", "complaint"),
    [
        ("tt", '2:16: treatment: there is no treatment "tt" (did you mean "t"?)'),
        ("", "2:16: expected the settings of a campaign, not nothing"),
        ("{trunk: a}", '2:16: a campaign needs "treatment": the name of a treatment'),
        ("{treatment: }", '2:28: "treatment" is empty: expected the name of a treatment'),
        ("{treatment: t, trunk: b}", '2:38: trunk: there is no trunk "b" (trunks: a)'),
        ("{treatment: t, ringback: xx}", "2:41: ringback: expected a country with a tone plan"),
        ("[t]", "2:16: expected the settings of a campaign, not a list"),
    ],
)
def test_mistakes_in_campaigns(campaign: str, complaint: str) -> None:
    text = f"trunks: {{a: h}}\ncampaigns: {{c: {campaign}}}\n{TREATMENT}"
    (found,) = mistakes(text, media=FakeMedia())
    assert complaint in str(found)


FULL = """\
switch: {currency: CAD, time_zone: Europe/Berlin}
trunks: {a: h}
hours: {office: Mon-Fri 8-17 America/Los_Angeles}
regions: {west: {states: [CA]}, east: {states: [NY]}}
lists: {nuisance: [+12125550100]}
pools: {ads: {parameters: [keyword], campaign: full, publisher: p1}}
campaigns:
  full:
    treatment: t
    hours: office
    after_hours: closed
    regions: [west, east]
    outside: closed
    blocked: {lists: [nuisance], then: announcement, prompt: Go away.}
    notice: This call is being recorded.
    record: {minimum: 5 s, format: ulaw}
    keywords: {mode: segment, rules: {friend: {say: friend, weight: 10}}}
    transcribe: true
    fax: closed
    rating: [{when: caller.line_type = "mobile" or keyword("friend"), rate: high}, {rate: 10}]
    payout:
      base: [{when: rating = "high", amount: 5.00}, {name: rest, amount: 1}]
      bonuses: [{name: sale, amount: 10% * result.amount}, 0.25]
      repeat: {within: 30 days, amount: 0.5, by: publisher}
      publishers: {p1: 4.50}
      maximum: 20.00
    price: 12.5
    conversion: talk_seconds >= 90 s
    caps:
      daily: {kind: daily, limit: 100, counts: conversion, conversion: bridged, over: closed}
      lines: {kind: concurrent, limit: 5, scope: destination}
      money: {kind: budget, limit: 2500.00, period: month, time_zone: UTC}
    fraud:
      short: {when: "short_calls(1 h, 10 s) >= 5", who: publisher, for: 2 weeks, then: ring}
    attributes: {state: caller.state}
    headers: {X-Keyword: "{binding.keyword}"}
    sms: [{when: bridged, to: "{caller.number}", text: "Thank you."}]
    originate: {to: ["+1602*"], at_once: 5}
    max_spend_per_hour: 300.00
  copy: {syndicates: full, publisher: other}
treatments: {t: [hang_up], closed: [hang_up]}
"""


def full() -> Campaign:
    return loaded(FULL).campaigns["full"]


def test_every_field_of_a_campaign_can_be_said() -> None:
    found, default = full(), Campaign("full", "t", trunk="a")
    same = {
        field.name
        for field in dataclasses.fields(Campaign)
        if getattr(found, field.name) == getattr(default, field.name)
    }
    # Those of the short tests above, and what only the copy has.
    assert same == {
        "name", "treatment", "trunk", "publisher", "caller_id", "ringback", "max_call_seconds",
        "syndicates",
    }  # fmt: skip


def test_references_and_short_settings_reach_the_model() -> None:
    found = full()
    assert (found.hours, found.after_hours, found.outside) == ("office", "closed", "closed")
    assert found.regions == ("west", "east")
    assert found.blocked == Blocked(("nuisance",), "announcement", Prompt(text="Go away."))
    assert found.notice == Prompt(text="This call is being recorded.")
    assert found.record == Recording(5.0, "ulaw")
    assert found.keywords is not None
    assert [rule.name for rule in found.keywords.rules] == ["friend"]
    assert found.transcribe
    assert found.fax == "closed"
    assert found.price == Decimal("12.5")
    assert str(found.conversion) == "talk_seconds >= 90 s"
    assert str(found.attributes["state"]) == "caller.state"
    assert [(name, template.text) for name, template in found.headers] == [
        ("X-Keyword", "{binding.keyword}")
    ]
    (sms,) = found.sms
    assert (str(sms.when), sms.to.text, sms.text.constant) == (
        "bridged",
        "{caller.number}",
        "Thank you.",
    )


def test_the_first_rating_rule_that_holds_counts() -> None:
    high, rest = full().rating
    assert (high.rate, rest.rate) == ("high", 10)
    assert high.when is not None
    assert rest.when is None


def test_a_payout_has_base_bonuses_and_a_price_for_a_publisher() -> None:
    payout = full().payout
    assert payout is not None
    assert payout.currency == "CAD"
    assert [(rule.name, str(rule.amount)) for rule in payout.base] == [
        ("base-1", "5.00"),
        ("rest", "1"),
    ]
    assert [(rule.name, str(rule.amount)) for rule in payout.bonuses] == [
        ("sale", "10% * result.amount"),
        ("bonus-2", "0.25"),
    ]
    assert payout.repeat == Repeat(30 * 86400.0, Decimal("0.5"), "publisher")
    assert payout.prices == {"p1": Decimal("4.50")}
    assert payout.maximum == Decimal("20.00")


def test_caps_know_their_period_and_whose_day_it_is() -> None:
    daily, lines, money = full().caps
    assert (daily.name, daily.kind, daily.period, daily.counts) == (
        "daily",
        "daily",
        "day",
        "conversion",
    )
    assert daily.time_zone == lines.time_zone == "America/Los_Angeles"
    assert daily.over == "closed"
    assert (lines.limit, lines.scope, lines.period) == (Decimal(5), "destination", "none")
    assert (money.limit, money.period, money.time_zone) == (Decimal("2500.00"), "month", "UTC")
    (cap,) = (
        loaded(
            "switch: {time_zone: Europe/Berlin}\ntrunks: {a: h}\n"
            "campaigns: {c: {treatment: t, caps: {x: {kind: daily, limit: 1}}}}\n" + TREATMENT
        )
        .campaigns["c"]
        .caps
    )
    assert cap.time_zone == "Europe/Berlin"


def test_a_fraud_rule_has_its_name_and_time() -> None:
    (rule,) = full().fraud
    assert (rule.name, rule.who, rule.seconds, rule.then) == (
        "short",
        "publisher",
        14 * 86400.0,
        "ring",
    )


def test_a_syndicated_campaign_has_what_serves_the_originals_calls() -> None:
    found = loaded(FULL).campaigns["copy"]
    assert (found.syndicates, found.treatment, found.trunk) == ("full", "t", "a")
    assert found.publisher == "other"
    assert found.payout is None


@pytest.mark.parametrize(
    ("campaigns", "complaint"),
    [
        ("{a: {syndicates: a}}", "a campaign cannot syndicate itself"),
        (
            "{a: {syndicates: b}, b: {syndicates: c}, c: t}",
            '"b" syndicates another campaign itself',
        ),
        ("{a: {syndicates: b, treatment: t}, b: t}", "has the original's (leave it out)"),
        ("{a: {syndicates: x}, b: t}", 'there is no campaign "x"'),
    ],
)
def test_an_original_is_an_original(campaigns: str, complaint: str) -> None:
    (found,) = mistakes(f"trunks: {{a: h}}\ncampaigns: {campaigns}\n{TREATMENT}")
    assert complaint in str(found)
