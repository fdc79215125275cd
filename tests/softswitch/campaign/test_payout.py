from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Payout, Repeat, Value
from softswitch.campaign.evaluate import Facts
from softswitch.campaign.payout import Paid, highest, minor_unit, pay, rounded
from tests.support.call_facts import ended, facts_of
from tests.support.earning import REPEAT, History, campaign, payout
from tests.support.expressions import GivenFacts

BABY_FANS = payout(('rating = "high"', "5.00"), ('rating = "low"', "1.00"), repeat=REPEAT)
NEWS_PRESS = payout(('in_region("State Level") and talk_seconds > 2 min', "15.00"))


def paid(given: Payout, facts: Facts, *, publisher: str | None = None) -> Paid:
    found = pay(campaign(payout=given), facts, publisher=publisher)
    assert found is not None
    return found


def names(found: Paid) -> list[str]:
    return [rule["name"] for rule in found.rules]


# Base and bonuses.


@pytest.mark.parametrize(("rating", "amount"), [("high", "5.00"), ("low", "1.00"), (None, "0.00")])
def test_the_first_base_rule_that_holds_is_paid(rating: str | None, amount: str) -> None:
    found = paid(BABY_FANS, GivenFacts({"rating": rating, "calls_by_caller": Decimal(0)}))
    assert str(found.amount) == amount
    assert found.currency == "USD"


def test_the_news_press_call_earns_fifteen_dollars() -> None:
    facts = facts_of()
    facts.end(ended())
    found = paid(NEWS_PRESS, facts)
    assert found.amount == Decimal("15.00")
    assert found.rules == (
        {
            "name": "base-1",
            "amount": "15.00",
            "when": 'in_region("State Level") and talk_seconds > 2 min',
        },
    )
    assert found.findings[0].inputs == {'in_region("State Level")': True, "talk_seconds": "130.000"}


def test_a_call_of_exactly_two_minutes_is_too_short() -> None:
    facts = facts_of()
    facts.end(ended(talk_seconds=120.0))
    assert paid(NEWS_PRESS, facts).amount == 0


def test_every_bonus_that_holds_is_added() -> None:
    both = payout(
        (None, "2.00"),
        bonuses=[("talk_seconds > 60", "0.50"), ("result.sale", "3.00"), (None, "0.25")],
    )
    found = paid(both, GivenFacts({"talk_seconds": Decimal(61)}))
    assert found.amount == Decimal("2.75")
    assert names(found) == ["base-1", "bonus-1", "bonus-3"]


def test_without_a_base_nothing_is_earned_and_no_bonus_is_looked_at() -> None:
    found = paid(payout(("bridged", "2.00"), bonuses=[(None, "1.00")]), GivenFacts())
    assert found.amount == 0
    assert found.rules == ()
    assert [one.rule for one in found.findings] == ["base-1"]


def test_a_campaign_without_payout_pays_nothing_at_all() -> None:
    assert pay(campaign(), GivenFacts()) is None


def test_the_rules_of_a_record_add_up_to_its_amount() -> None:
    thirds = payout((None, "10 / 3"), bonuses=[(None, "10 / 3")], maximum=Decimal(20))
    found = paid(thirds, GivenFacts())
    assert [rule["amount"] for rule in found.rules] == ["3.33", "3.33"]
    assert found.amount == Decimal("6.66")


# Publishers and repeat callers.


def test_a_publisher_has_a_price_of_its_own_where_a_base_rule_holds() -> None:
    prices = payout(("bridged", "5.00"), prices={"p2": Decimal("6.50")})
    facts = GivenFacts({"bridged": True})
    assert paid(prices, facts, publisher="p2").amount == Decimal("6.50")
    assert paid(prices, facts, publisher="p1").amount == Decimal("5.00")
    assert paid(prices, GivenFacts(), publisher="p2").amount == 0


def test_a_repeat_caller_earns_its_own_price_instead_of_base_and_bonuses() -> None:
    repeated = payout(
        (None, "5.00"), bonuses=[(None, "1.00")], repeat=Repeat(3600.0, Decimal("0.40"))
    )
    found = paid(repeated, facts_of(history=History(1)))
    assert found.amount == Decimal("0.40")
    assert found.rules == (
        {"name": "repeat", "amount": "0.40", "when": 'calls_by_caller(3600, "campaign")'},
    )
    assert paid(repeated, facts_of(history=History(0))).amount == Decimal("6.00")


def test_a_repeat_caller_whose_call_earns_nothing_earns_nothing() -> None:
    repeated = payout(("bridged", "5.00"), repeat=Repeat(3600.0, Decimal("0.40")))
    assert paid(repeated, facts_of(history=History(1))).amount == 0


@pytest.mark.parametrize(
    ("by", "scope"),
    [
        ("campaign", ("Sale", None, None)),
        ("publisher", (None, "p1", None)),
        ("number", (None, None, "+18666831950")),
    ],
)
def test_repeat_calls_are_those_to_the_campaign_the_publisher_or_the_number(
    by: str, scope: tuple[str | None, str | None, str | None]
) -> None:
    history = History(2)
    repeat = Repeat(7200.0, by=by)  # type: ignore[arg-type]
    facts = facts_of(campaign=campaign(), history=history)
    assert paid(payout((None, "5.00"), repeat=repeat), facts).amount == 0
    assert history.asked == [("+14155550100", 7200.0, *scope)]


def test_a_caller_without_a_number_is_no_repeat_caller() -> None:
    found = paid(BABY_FANS, facts_of(caller="", history=History(5)))
    assert found.amount == 0
    facts = facts_of(caller="", history=History(5))
    facts.set("rating", "high")
    assert paid(BABY_FANS, facts).amount == Decimal("5.00")


# Amounts.


def test_a_percentage_of_a_sale_is_paid_up_to_the_maximum() -> None:
    share = payout(
        (None, "1.00"), bonuses=[("result.sale", "10% * result.amount")], maximum=Decimal(20)
    )
    facts: dict[str, Value] = {"result.sale": True, "result.amount": Decimal("123.45")}
    assert paid(share, GivenFacts(facts)).amount == Decimal("13.34")
    found = paid(share, GivenFacts({**facts, "result.amount": Decimal(10_000)}))
    assert found.amount == Decimal("20.00")
    assert sum(Decimal(rule["amount"]) for rule in found.rules) == Decimal("20.00")
    assert names(found) == ["base-1", "bonus-1", "maximum"]


@pytest.mark.parametrize("amount", [None, "much", True, Decimal(-5), Decimal("1e30")])
def test_an_amount_that_is_none_or_absurd_pays_nothing_or_the_maximum(amount: Value) -> None:
    share = payout((None, "result.amount"), maximum=Decimal(20))
    found = paid(share, GivenFacts({"result.amount": amount}))
    assert found.amount == (20 if amount == Decimal("1e30") else 0)


@pytest.mark.parametrize(
    ("currency", "unit"), [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("XYZ", "0.01")]
)
def test_amounts_are_rounded_to_the_smallest_unit_of_the_currency(currency: str, unit: str) -> None:
    assert minor_unit(currency) == Decimal(unit)


def test_halves_are_rounded_to_even() -> None:
    assert rounded(Decimal("0.125"), "USD") == Decimal("0.12")
    assert rounded(Decimal("0.135"), "USD") == Decimal("0.14")
    assert rounded(Decimal("2.5"), "JPY") == Decimal(2)


# The highest.


def test_the_highest_is_the_best_base_with_all_bonuses() -> None:
    several = payout(
        ("bridged", "5.00"), (None, "7.00"),
        bonuses=[(None, "1.00"), ("bridged", "0.50")],
        prices={"p2": Decimal("9.00")},
    )  # fmt: skip
    assert highest(several) == Decimal("10.50")


def test_the_highest_is_the_maximum_where_there_is_one() -> None:
    assert highest(payout((None, "5.00"), maximum=Decimal(3))) == 3
    assert highest(payout((None, "result.amount"), maximum=Decimal(20))) == 20


def test_the_highest_is_without_bound_where_an_amount_is_computed() -> None:
    assert highest(payout((None, "result.amount"))) == Decimal("Infinity")


def test_a_repeat_callers_price_may_be_the_highest() -> None:
    assert highest(payout((None, "1.00"), repeat=Repeat(60.0, Decimal(2)))) == 2


amounts = st.decimals(0, 1000, places=4, allow_nan=False)


@given(
    base=st.lists(st.tuples(st.booleans(), amounts), min_size=1, max_size=3),
    bonuses=st.lists(st.tuples(st.booleans(), amounts), max_size=3),
    maximum=st.none() | amounts,
    repeat=st.none() | amounts,
    earlier=st.integers(0, 1),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_no_call_earns_more_than_the_highest(
    base: list[tuple[bool, Decimal]],
    bonuses: list[tuple[bool, Decimal]],
    maximum: Decimal | None,
    repeat: Decimal | None,
    earlier: int,
    currency: str,
) -> None:
    def words(holds: bool) -> str:
        return "true" if holds else "false"

    made = payout(
        *((words(holds), f"{amount:f}") for holds, amount in base),
        bonuses=[(words(holds), f"{amount:f}") for holds, amount in bonuses],
        currency=currency,
        maximum=maximum,
        repeat=None if repeat is None else Repeat(60.0, repeat),
    )
    found = paid(made, GivenFacts({"calls_by_caller": Decimal(earlier)}))
    assert 0 <= found.amount <= highest(made)
    assert found.amount == rounded(found.amount, currency)
    assert sum(Decimal(rule["amount"]) for rule in found.rules) == found.amount
