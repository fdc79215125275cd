"""Results that are posted later, on records as the switch writes them."""

import json
from decimal import Decimal
from typing import Any

import pytest

from config.model import Configuration, Value
from softswitch.switchboard.results import ResultError, apply_result, read_result, with_room
from tests.support.call_facts import configuration
from tests.support.credit_desks import configuration_of
from tests.support.earning import campaign, payout, rating
from tests.support.money_bench import record_of

SALE = campaign(
    rating=rating(("result.sale and talk_seconds > 60", "high"), (None, "low")),
    payout=payout(
        ('rating = "high"', "5.00"), (None, "1.00"),
        bonuses=[("result.amount is known", "10% * result.amount")],
        maximum=Decimal(50),
    ),
)  # fmt: skip
AT = "2026-11-22T00:00:00.000Z"


def test_a_sale_that_is_posted_later_rates_and_pays_the_call_again() -> None:
    record = record_of(SALE)
    assert record["payout"]["amount"] == "1.00"
    found = apply_result(
        record, {"sale": True, "amount": Decimal("123.45")}, configuration_of(SALE), at=AT
    )
    assert (found.before, found.after) == (Decimal("1.00"), Decimal("17.34"))
    assert found.changes["rating"]["rating"] == "high"
    assert found.changes["rating"]["history"][-1] == {
        "at": AT, "rating": "high", "score": 90, "rule": "rating-1",
    }  # fmt: skip
    assert [rule["name"] for rule in found.changes["payout"]["rules"]] == ["base-1", "bonus-1"]
    assert found.changes["results"] == {"sale": True, "amount": {"number": "123.45"}}


def test_results_posted_one_after_the_other_are_all_known() -> None:
    record = record_of(SALE)
    first = apply_result(record, {"sale": True}, configuration_of(SALE), at=AT)
    record = {**record, **json.loads(json.dumps(first.changes))}
    second = apply_result(record, {"amount": Decimal(20)}, configuration_of(SALE), at=AT)
    assert (second.before, second.after) == (Decimal("5.00"), Decimal("7.00"))
    assert second.changes["rating"]["history"] == record["rating"]["history"]


def test_a_result_that_is_posted_twice_pays_once() -> None:
    record = record_of(SALE)
    first = apply_result(record, {"sale": True}, configuration_of(SALE), at=AT)
    record = {**record, **json.loads(json.dumps(first.changes))}
    found = apply_result(record, {"sale": True}, configuration_of(SALE), at=AT)
    record = {**record, **json.loads(json.dumps(found.changes))}
    assert found.before == found.after == Decimal("5.00")
    decided = [one["about"] for one in record["decisions"]]
    assert decided.count("rating") == 1


def test_a_campaign_that_asks_for_no_results_keeps_its_payout() -> None:
    plain = campaign(payout=payout((None, "2.00")))
    found = apply_result(record_of(plain), {"sale": True}, configuration_of(plain), at=AT)
    assert found.changes == {"results": {"sale": True}}


def test_a_rejected_call_earns_nothing_later_either() -> None:
    found = apply_result(
        record_of(SALE, rejected=True), {"sale": True}, configuration_of(SALE), at=AT
    )
    assert found.after == 0


def test_a_record_that_does_not_hold_what_is_needed_is_left_alone() -> None:
    plain = campaign(payout=payout((None, "2.00")))
    with pytest.raises(ResultError, match="does not hold"):
        apply_result(record_of(plain), {"sale": True}, configuration_of(SALE), at=AT)


def test_a_campaign_that_is_gone_is_named() -> None:
    gone: Configuration = configuration()
    with pytest.raises(ResultError, match='no campaign "Sale"'):
        apply_result(record_of(SALE), {"sale": True}, gone, at=AT)


@pytest.mark.parametrize(
    ("room", "amount"), [("100", "17.34"), ("16.34", "17.34"), ("4", "5.00"), ("0", "1.00")]
)
def test_a_payout_grows_no_further_than_the_budget_has_room(room: str, amount: str) -> None:
    results: dict[str, Value] = {"sale": True, "amount": Decimal("123.45")}
    found = apply_result(record_of(SALE), results, configuration_of(SALE), at=AT)
    payout_ = with_room(found, Decimal(room))["payout"]
    assert payout_["amount"] == amount
    assert sum(Decimal(rule["amount"]) for rule in payout_["rules"]) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("sale=yes", ("sale", True)),
        ("result.sale=False", ("sale", False)),
        ("amount=120.50", ("amount", Decimal("120.50"))),
        ("stage=quote sent", ("stage", "quote sent")),
        ("amount=1e99", ("amount", "1e99")),
        ("amount=NaN", ("amount", "NaN")),
        ("note=", ("note", "")),
    ],
)
def test_a_result_is_truth_a_number_or_text(text: str, result: tuple[str, Any]) -> None:
    assert read_result(text) == result


@pytest.mark.parametrize("text", ["sale", "=yes", "a b=1", "a.b=1", f"{'n' * 61}=1"])
def test_what_is_no_result_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ResultError, match="is no result"):
        read_result(text)


def test_a_result_pays_for_no_call_that_was_never_bridged() -> None:
    record = record_of(SALE)
    record["payout"] = {"amount": "0.00", "currency": "USD", "rules": []}
    unconnected = {"about": "connected", "rule": "connected", "inputs": {}, "result": False}
    record["decisions"] = [*record["decisions"], unconnected]
    found = apply_result(record, {"sale": True}, configuration_of(SALE), at=AT)
    assert "payout" not in found.changes
    assert found.before == found.after == Decimal(0)
