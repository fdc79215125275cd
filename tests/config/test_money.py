from decimal import Decimal

import pytest

from config.model import Constant, Payout, Repeat
from tests.support.configurations import loaded, mistakes

TREATMENT = "treatments: {t: [hang_up]}\n"


def payout_of(text: str) -> Payout | None:
    return (
        loaded(f"trunks: {{a: h}}\ncampaigns: {{c: {{treatment: t, payout: {text}}}}}\n{TREATMENT}")
        .campaigns["c"]
        .payout
    )


def test_a_payout_may_be_an_amount_alone() -> None:
    payout = payout_of("5.00")
    assert payout is not None
    assert payout.currency == "USD"
    (rule,) = payout.base
    assert (rule.name, rule.when) == ("base-1", None)
    assert isinstance(rule.amount.term, Constant)
    assert rule.amount.term.value == Decimal("5.00")


def test_a_repeat_time_alone_earns_nothing() -> None:
    payout = payout_of("{base: 5, repeat: 30 days, currency: eur}")
    assert payout is not None
    assert payout.repeat == Repeat(30 * 86400.0)
    assert payout.currency == "EUR"


@pytest.mark.parametrize(
    ("payout", "complaint"),
    [
        ("10% * result.amount", "an amount that is computed needs a maximum"),
        ("-1", "an amount is not negative"),
        ("0.12345", "an amount has at most 4 decimal places"),
        ("{base: 5, maximum: -1}", "digits alone"),
        ("{base: [{name: x, amount: 5, when: bridged}, {name: x, amount: 6}]}", 'is named "x"'),
        ("{bonuses: 5}", 'a payout needs "base"'),
        ("{base: caller.state}", "this is a text, where a number is needed"),
        ("{base: 5, repeat: {within: 2000 days}}", "1 min to 1000 days"),
        ("{base: 5, currency: dollars}", "expected a currency"),
        ("{base: 5, publishers: {p1: free}}", "publisher p1: an amount is digits alone"),
    ],
)
def test_mistakes_in_payouts(payout: str, complaint: str) -> None:
    text = f"trunks: {{a: h}}\ncampaigns: {{c: {{treatment: t, payout: {payout}}}}}\n{TREATMENT}"
    (found,) = mistakes(text)
    assert complaint in str(found)


def test_a_condition_that_was_refused_leaves_no_rule_without_one() -> None:
    text = f"""\
trunks: {{a: h}}
campaigns: {{c: {{treatment: t, rating: [{{when: caler.state = "CA", rate: high}}, low]}}}}
{TREATMENT}"""
    (found,) = mistakes(text)
    assert "is no fact" in str(found)
