from decimal import Decimal
from typing import Any

import pytest

from softswitch.campaign.rating import rate
from tests.support.call_facts import facts_of
from tests.support.earning import campaign, rating
from tests.support.expressions import GivenFacts

MOBILE = 'caller.line_type = "mobile" or keyword("friend")'
BABY_FANS = campaign(rating=rating((MOBILE, "high"), (None, "low")))


def test_the_first_rule_that_holds_counts() -> None:
    rated = rate(BABY_FANS, facts_of(caller="+14155550100"))
    assert rated is not None
    assert (rated.rating, rated.score, rated.rule) == ("high", 90, "rating-1")


def test_a_later_rule_counts_when_the_first_does_not_hold() -> None:
    rated = rate(BABY_FANS, GivenFacts({"caller.line_type": "landline"}))
    assert rated is not None
    assert (rated.rating, rated.score, rated.rule) == ("low", 10, "rating-2")


def test_a_keyword_that_is_heard_later_changes_the_rating() -> None:
    facts = facts_of(caller="+442079460000")
    before = rate(BABY_FANS, facts)
    facts.heard("caller", "friend", "friend")
    after = rate(BABY_FANS, facts)
    assert before is not None
    assert after is not None
    assert (before.rating, after.rating) == ("low", "high")


@pytest.mark.parametrize(
    ("given", "rating_", "score"),
    [("high", "high", 90), ("medium", "medium", 50), ("low", "low", 10), (73, "73", 73)],
)
def test_a_rating_is_a_word_or_a_number(given: Any, rating_: str, score: int) -> None:
    rated = rate(campaign(rating=rating((None, given))), GivenFacts())
    assert rated is not None
    assert (rated.rating, rated.score) == (rating_, score)


def test_all_rules_are_told_up_to_the_one_that_counts() -> None:
    rules = rating(("talk_seconds > 60", "high"), ("var.score > 5", "medium"), (None, "low"))
    facts = GivenFacts({"talk_seconds": Decimal(30), "var.score": Decimal(7)})
    rated = rate(campaign(rating=rules), facts)
    assert rated is not None
    assert [(one.rule, one.inputs, one.result) for one in rated.findings] == [
        ("rating-1", {"talk_seconds": "30"}, False),
        ("rating-2", {"var.score": {"number": "7"}}, True),
    ]


def test_a_call_that_no_rule_is_about_has_no_rating() -> None:
    assert rate(campaign(rating=rating(("bridged", "high"))), GivenFacts()) is None
    assert rate(campaign(), GivenFacts()) is None
