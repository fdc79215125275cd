from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Configuration, Payout, PriceRule, Switch, Value
from softswitch.explain import as_dict, explain, lines
from softswitch.switchboard.results import apply_result
from tests.support.decided_records import campaign, expression, record

Change = Callable[[dict[str, Any]], None]


def configured(version: str = "v1", **changes: Any) -> Configuration:
    fans = campaign(**changes)
    return Configuration(
        switch=Switch(), trunks={}, numbers=(), pools={}, treatments={},
        campaigns={fans.name: fans}, version=version,
    )  # fmt: skip


def through_json(value: dict[str, Any]) -> dict[str, Any]:
    found = json.loads(json.dumps(value))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"caller__line_type": "landline"},
        {"caller__line_type": None},
        {"talk_seconds": Decimal(120)},
        {"talk_seconds": Decimal("120.001")},
        {"talk_seconds": Decimal(1_000_000)},
        {"calls_by_caller": Decimal(3)},
        {"calls_by_caller": None},
    ],
)
@pytest.mark.parametrize("configuration", [None, configured()])
def test_a_record_agrees_with_itself(
    facts: dict[str, Any], configuration: Configuration | None
) -> None:
    found = explain(through_json(record(**facts)), configuration)
    assert found.problems == ()
    assert not found.differs
    assert any("agrees" in line for line in lines(found))


def test_it_shows_rule_by_rule_why_a_call_earned_what_it_did() -> None:
    text = "\n".join(lines(explain(record())))
    for part in (
        'rating rating-1: caller.line_type = "mobile" -> true',
        'caller.line_type = "mobile"',
        "payout long: talk_seconds > 2 min -> true",
        "talk_seconds = 150.5",
        'calls_by_caller(86400, "campaign") = 0',
        'earned:           5.00 by for-high, because rating = "high"',
        "earned:           1.50 by long, because talk_seconds > 2 min",
        "payout:           6.50 USD",
        "rating:           high (90)",
        "path:             which-fan > toddler-agent",
        'binding:          keyword = "cribs"',
    ):
        assert part in text, part


def change_line(found: dict[str, Any]) -> None:
    found["payout"]["rules"][0]["amount"] = "50.00"


def change_amount(found: dict[str, Any]) -> None:
    found["payout"]["amount"] = "7.50"


def change_input(found: dict[str, Any]) -> None:
    found["decisions"][0]["inputs"]["caller.line_type"] = "landline"


def change_result(found: dict[str, Any]) -> None:
    found["decisions"][0]["result"] = False


def change_rating(found: dict[str, Any]) -> None:
    found["rating"]["rating"] = "low"


def change_score(found: dict[str, Any]) -> None:
    found["rating"]["score"] = found["rating"]["history"][0]["score"] = 91


def change_talk(found: dict[str, Any]) -> None:
    found["talk_seconds"] = 30.5


def change_publisher(found: dict[str, Any]) -> None:
    found["decisions"].append(asked("publisher", "p1"))
    found["publisher"] = "p2"


def change_keyword(found: dict[str, Any]) -> None:
    found["decisions"].append(asked("binding.keyword", "cribs"))
    found["binding"]["parameters"]["keyword"] = "fans"


def asked(name: str, value: str) -> dict[str, Any]:
    return {
        "about": "condition", "rule": "which", "expression": f'{name} = "{value}"',
        "inputs": {name: value}, "result": True,
    }  # fmt: skip


def change_rule(found: dict[str, Any]) -> None:
    found["rating"]["history"][0]["rule"] = "rating-9"


def rate_later(found: dict[str, Any]) -> None:
    low = {"rating": "low", "score": 10}
    found["decisions"].insert(
        0, {"about": "rating", "rule": "rating-2", "expression": "always", "result": True}
    )
    found["rating"] = {**low, "history": [*found["rating"]["history"], {**low, "rule": "rating-2"}]}


def lose_rating(found: dict[str, Any]) -> None:
    found["rating"] = None


def lose_payout(found: dict[str, Any]) -> None:
    found["payout"] = None


def lose_bonus(found: dict[str, Any]) -> None:
    del found["payout"]["rules"][1]
    found["payout"]["amount"] = "5.00"


def add_rule(found: dict[str, Any]) -> None:
    found["payout"]["rules"].append({"name": "friend", "amount": "1.00"})
    found["payout"]["amount"] = "7.50"


def change_computed(found: dict[str, Any]) -> None:
    found["payout"]["rules"][1]["amount"] = "2.50"
    found["payout"]["amount"] = "7.50"


def make_amount_nonsense(found: dict[str, Any]) -> None:
    found["payout"]["amount"] = "NaN"


def change_order(found: dict[str, Any]) -> None:
    found["destinations"] = [
        {"node": "agent", "policy": "price", "destinations": ["a", "b"],
         "inputs": {"prices": {"a": "1.00", "b": "2.00"}}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_line, "add up"),
        (change_amount, "add up"),
        (change_input, "comes out differently"),
        (change_result, "comes out differently"),
        (change_rating, "rating"),
        (change_rule, "rating-9 did not hold"),
        (rate_later, "rating-1 held last, which is high; the record says low"),
        (change_score, "score"),
        (lose_rating, "no rating"),
        (lose_payout, "has none"),
        (lose_bonus, "long holds, and the record does not count it"),
        (add_rule, "friend, which does not hold"),
        (change_computed, "long is 1.505 USD"),
        (make_amount_nonsense, "no number"),
        (change_order, "b comes before a"),
        (change_talk, "rests on talk_seconds = 150.5, the record says otherwise"),
        (change_publisher, "rests on publisher = p1"),
        (change_keyword, "rests on binding.keyword = cribs"),
    ],
)
def test_a_record_that_was_changed_is_found_out(change: Change, told: str) -> None:
    changed = through_json(record())
    change(changed)
    found = explain(changed)
    assert found.differs
    assert any(told in problem for problem in found.problems), found.problems
    shown = "\n".join(lines(found))
    assert "DIFFERS" in shown
    assert "does NOT agree" in shown
    assert as_dict(found)["agrees"] is False


def test_with_its_configuration_the_rules_themselves_are_asked() -> None:
    cheaper = Payout("USD", (PriceRule("for-high", None, expression("4.00")),))
    found = explain(record(), configured(payout=cheaper))
    assert any("the campaign's rules give 4.00 USD" in problem for problem in found.problems)


def test_another_configuration_is_not_asked() -> None:
    cheaper = Payout("USD", (PriceRule("for-high", None, expression("4.00")),))
    found = explain(record(), configured("v2", payout=cheaper))
    assert not found.differs
    assert any("another configuration" in remark for remark in found.remarks)


def test_publishers_have_their_own_prices() -> None:
    rules = campaign()
    assert rules.payout is not None
    prices = {"p2": Decimal("3.25")}
    payout = Payout(
        "USD", rules.payout.base, rules.payout.bonuses, rules.payout.repeat, prices, Decimal(10)
    )
    own = campaign(payout=payout)
    kept = record(own, publisher="p2")
    assert kept["payout"]["amount"] == "4.75"
    assert explain(through_json(kept), configured(payout=payout)).problems == ()


def test_inputs_that_are_the_records_own_are_no_problem() -> None:
    kept = {**record(), "talk_seconds": 150.481}
    kept["decisions"] += [asked("publisher", "p1"), asked("binding.keyword", "cribs")]
    kept["decisions"] += [asked("caller.number", "+16025550100")]
    kept["binding"]["parameters"]["ad group"] = "one"
    spaced = {**asked("binding.ad group", "one"), "expression": 'binding."ad group" = "one"'}
    kept["decisions"].append(spaced)
    assert explain(through_json(kept)).problems == ()


def test_a_later_round_of_rules_is_what_counts() -> None:
    earlier, later = record(talk_seconds=Decimal(10)), record()
    later["decisions"] = [*earlier["decisions"], *later["decisions"]]
    assert earlier["payout"] != later["payout"]
    assert explain(through_json(later), configured()).problems == ()


def test_a_version_with_results_is_explained() -> None:
    first = record()
    selling = campaign()
    assert selling.payout is not None
    sale = PriceRule("sale", expression("result.sale = true"), expression("result.amount * 10%"))
    payout = Payout("USD", selling.payout.base, (sale,), maximum=Decimal(100))
    configuration = configured(payout=payout)
    known = {"talk_seconds": "150.5", "caller.line_type": "mobile"}
    first["decisions"].append(
        {"about": "results", "rule": "inputs", "expression": "what later results may ask for",
         "inputs": known, "result": None}
    )  # fmt: skip
    results: dict[str, Value] = {"sale": True, "amount": Decimal("120.50")}
    correction = apply_result(first, results, configuration, at="2026-11-23T12:00:00.000Z")
    second = through_json({**first, **correction.changes, "version": 2})
    found = explain(second, configuration)
    assert found.problems == ()
    assert second["payout"]["amount"] == "17.05"
    text = "\n".join(lines(found))
    assert "result:           sale = true" in text
    assert "earned:           12.05 by sale" in text
    second["results"]["sale"] = False
    second["payout"]["rules"].pop()
    assert explain(second, configuration).differs


def test_the_same_rating_by_another_rule_is_no_difference() -> None:
    kept = record()
    other = {"about": "rating", "rule": "rating-3", "expression": "always", "result": True}
    kept["decisions"].append(other)
    assert explain(kept).problems == ()


def test_what_a_budget_had_no_room_for_is_taken_away() -> None:
    kept = record()
    kept["payout"]["rules"].append({"name": "cap money", "amount": "-6.50"})
    kept["payout"]["amount"] = "0.00"
    assert explain(kept, configured()).problems == ()
    kept["payout"]["amount"] = "1.00"
    assert explain(kept, configured()).differs


def test_a_call_that_was_turned_away_earned_nothing() -> None:
    kept = record()
    kept["decisions"] = [one for one in kept["decisions"] if one["about"] != "payout"]
    kept["payout"] = {"amount": "0.00", "currency": "USD", "rules": []}
    assert explain(kept, configured()).problems == ()


def test_a_secret_is_not_decided_again() -> None:
    kept = record()
    kept["decisions"].append(
        {"about": "condition", "rule": "pin", "expression": 'answer.pin = "1"',
         "inputs": {"answer.pin": {"secret": True}}, "result": True}
    )  # fmt: skip
    found = explain(kept)
    assert not found.differs
    assert found.decisions[-1].state == "secret"
    assert any("secret" in remark for remark in found.remarks)


def test_a_table_that_was_asked_is_shown_as_noted() -> None:
    kept = record()
    asked = {"about": "region", "rule": "fans", "expression": "State Level", "result": False}
    kept["decisions"].insert(0, {**asked, "inputs": {"caller.state": "NY"}})
    found = explain(kept)
    assert (found.differs, found.decisions[0].state) == (False, "noted")
    kept["decisions"][0]["inputs"] = {'in_region("State Level")': True}
    assert explain(kept).differs


def test_a_call_that_crashed_is_not_blamed() -> None:
    kept = {**record(), "ended_by": "crash", "rating": None, "payout": None, "decisions": []}
    found = explain(kept, configured())
    assert not found.differs
    assert any("died" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"decisions": 3, "rating": 3, "payout": "5", "destinations": {}, "binding": [], "path": 1},
        {"decisions": [3, {}, {"inputs": 3, "expression": 3}], "rating": {"history": 3}},
        {"payout": {"rules": [3], "amount": 5}},
        {"payout": {"rules": [{"name": [], "amount": {}}], "amount": "5"}},
        {"destinations": [{"policy": "price", "destinations": ["a"], "inputs": {"prices": 3}}]},
        {"destinations": [{"policy": "weighted", "destinations": ["a"],
                           "inputs": {"weights": {"a": []}, "draws": [None]}}]},
        {"destinations": [{"policy": "nearest", "destinations": ["a"],
                           "inputs": {"km": {"a": "far"}}}]},
    ],
)  # fmt: skip
def test_a_record_of_nonsense_is_no_exception(nonsense: dict[str, Any]) -> None:
    found = explain(nonsense, configured())
    assert list(lines(found))
    assert json.dumps(as_dict(found))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(record())), VALUES)
def test_no_broken_part_of_a_record_is_an_exception(name: str, value: Any) -> None:
    found = explain({**record(), name: value}, configured())
    assert all("\n" not in line and "\x1b" not in line for line in lines(found))
    json.dumps(as_dict(found))


def test_a_peers_text_reaches_no_terminal_as_it_is() -> None:
    kept = copy.deepcopy(record())
    kept["caller"] = "\x1b[2J\nDIFFERS: nothing\u202e"
    shown = list(lines(explain(kept)))
    assert not any(
        "\x1b" in line or "\u202e" in line or line.startswith("DIFFERS") for line in shown
    )
