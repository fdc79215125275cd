"""What legs cost and what campaigns may spend."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.model import Campaign
from tests.support.configurations import MINIMAL, loaded, told

TEXT = """\
trunks: {{carrier: {{address: 192.0.2.1, cost: {cost}}}}}
numbers: {{100: {{campaign: a, as_is: true}}}}
campaigns: {{a: {{treatment: t, max_spend_per_hour: {limit}{more}}}}}
treatments: {{t: [connect: called]}}
"""


def test_cost_and_limit_reach_the_model() -> None:
    found = loaded(TEXT.format(cost="0.0085", limit="250.00", more=""))
    assert found.trunks["carrier"].cost == Decimal("0.0085")
    assert found.campaigns["a"].max_spend_per_hour == Decimal(250)


def test_without_them_nothing_is_counted() -> None:
    found = loaded(MINIMAL)
    assert found.trunks["carrier"].cost is None
    assert Campaign("a", "t").max_spend_per_hour is None


@pytest.mark.parametrize(("cost", "limit"), [("-1", "5"), ("much", "5"), ("1", "5 USD")])
def test_nonsense_is_told(cost: str, limit: str) -> None:
    found = told(TEXT.format(cost=cost, limit=limit, more=""))
    assert any("cost" in one or "max_spend_per_hour" in one for one in found), found


def test_payouts_of_another_currency_cannot_be_added_up() -> None:
    payout = ", payout: {base: 5.00, currency: EUR}"
    found = told(TEXT.format(cost="1", limit="5", more=payout))
    assert any("max_spend_per_hour is in USD, its payouts are in EUR" in one for one in found)
