import json
from decimal import Decimal

import pytest
from hypothesis import given

from config.expression import parse_template
from config.model import Binary, Expression, Fact, Term, Value
from softswitch.campaign.evaluate import (
    MAX_RENDERED,
    Noting,
    RecordedFacts,
    evaluate,
    holds,
    plain,
    render,
    value_of,
)
from softswitch.campaign.operators import text_of
from tests.support.expressions import (
    GivenFacts,
    expression,
    facts_at_random,
    terms,
    values,
    vocabulary,
)


def result(text: str, **facts: Value) -> Value:
    """The value of an expression; `caller__state` is the fact caller.state."""
    given_facts = {name.replace("__", "."): value for name, value in facts.items()}
    return evaluate(expression(text), GivenFacts(given_facts))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", Decimal(7)),
        ("10 - 2 - 3", Decimal(5)),
        ("7 / 2", Decimal("3.5")),
        ("10% * 50", Decimal(5)),
        ("- 3 + 1", Decimal(-2)),
        ("1 / 0", None),
        ("0 / 0", None),
        ("1 / 3 < 1", True),
        ("hour + 1", None),
        ("-hour", None),
        ("1 / 0 = 1 / 0", False),
        ("not (1 / 0 = 1)", True),
        ("2 in [1, 2]", True),
        ("2 not in [1, 2]", False),
        ("3 not in [1, 2]", True),
        ("hour in [1, 2]", False),
        ("hour not in [1, 2]", False),
        ("hour = 1", False),
        ("hour != 1", False),
        ("hour < 1 or hour >= 1", False),
        ("hour is known", False),
        ("hour is not known", True),
        ("not late", True),
        ("late or true", True),
        ("late and true", False),
        ("'a' = 'A'", False),
        ("['a', 'b'] = ['a', 'b']", True),
        ("['a', 'b'] != ['a']", True),
        ("'08:00' before '12:00'", True),
        ("'8:00' before '08:30'", True),
        ("'12:00' after '12:00'", False),
        ("'23:59:59' before '24:00'", True),
        ("'2026-12-24' before '2027-01-01'", True),
        ("time before '12:00'", False),
        ("max(1, 3, 2) - min(1, 3, 2)", Decimal(2)),
        ("max(1, hour)", None),
        ("round(2.5)", Decimal(3)),
        ("round(0 - 2.5)", Decimal(-3)),
        ("round(1.005, 2)", Decimal("1.01")),
        ("round(1, 11)", None),
        ("length('abc')", Decimal(3)),
        ("length(['a', 'b'])", Decimal(2)),
        ("length(5)", None),
        ("lower('AbC')", "abc"),
        ("digits('+1 (602) 555')", "1602555"),
        ("number('12.50') * 2", Decimal("25.00")),
        ("number('-3')", Decimal(-3)),
        ("number(' 7 ')", Decimal(7)),
        ("number('1e5')", None),
        ("number('')", None),
        ("number('nan')", None),
        ("number('\u0663')", None),
        ("starts_with('abc', 'ab')", True),
        ("contains('abc', 'd')", False),
        ("contains(pool, 'd')", False),
    ],
)
def test_expressions_have_the_value_the_language_gives_them(text: str, value: Value) -> None:
    found = evaluate(expression(text), GivenFacts())
    assert (found, type(found)) == (value, type(value))


def test_truth_is_no_number_and_a_number_no_text() -> None:
    assert result("var.score = 1", var__score=True) is False
    assert result("var.score != 1", var__score=True) is False
    assert result("var.score = '1'", var__score=Decimal(1)) is False
    assert result("[var.score] = [1]", var__score=True) is False


def test_a_fact_of_the_wrong_type_is_absent() -> None:
    assert result("caller.state is known", caller__state=Decimal(5)) is False
    assert result("talk_seconds > 1", talk_seconds="120") is False
    assert result("late", late="true") is None


def test_values_that_are_none_of_the_language_are_absent() -> None:
    assert result("var.score is known", var__score=Decimal("NaN")) is False
    assert result("var.score is known", var__score=Decimal("Infinity")) is False
    assert result("var.score is known", var__score={}) is False  # type: ignore[arg-type]


def test_numbers_stay_in_their_range() -> None:
    large = "999999999999999999 * 999999999999999999"
    assert result(f"{large} is known") is False
    assert result("1 / 999999999999999999 / 999999999999999999 < 1") is True


def test_and_and_or_look_to_their_right_only_when_it_matters() -> None:
    facts = GivenFacts({"late": False, "overflow": True})
    evaluate(expression("late and bridged"), facts)
    evaluate(expression("overflow or bridged"), facts)
    assert "bridged" not in facts.asked


def test_holds_is_true_only_for_truth() -> None:
    assert holds(expression("var.score"), GivenFacts({"var.score": True}))
    assert not holds(expression("var.score"), GivenFacts({"var.score": Decimal(1)}))
    assert not holds(expression("var.score"), GivenFacts())


@given(terms(), facts_at_random())
def test_evaluation_never_raises_and_fits_its_type(term: Term, facts: GivenFacts) -> None:
    value = evaluate(Expression("", term), facts)
    types = {"text": str, "number": Decimal, "boolean": bool, "list": tuple}
    if value is not None and term.type != "any":
        assert isinstance(value, types[term.type])
    if isinstance(value, Decimal):
        assert value.is_finite()


# Templates.


def rendered(text: str, **facts: Value) -> str:
    given_facts = {name.replace("__", "."): value for name, value in facts.items()}
    return render(parse_template(text, vocabulary()), GivenFacts(given_facts))


def test_a_template_shows_values_as_people_write_them() -> None:
    assert rendered("{keyword}!", binding__keyword="fans") == "fans!"
    assert rendered("{hour + 1}", hour=Decimal(8)) == "9"
    assert rendered("{var.score}", var__score=Decimal("5.00")) == "5.00"
    assert rendered("{late} {keys}", late=True, keys=("1", "2")) == "true 1, 2"
    assert rendered("[{caller.state}]") == "[]"


def test_a_rendered_text_is_bounded() -> None:
    assert len(rendered("{keyword}" * 3, binding__keyword="x" * MAX_RENDERED)) == MAX_RENDERED


# Notes.


def test_inputs_are_noted_under_their_names() -> None:
    facts = GivenFacts(
        {
            "talk_seconds": Decimal("130.250"),
            "in_region": True,
            "var.score": Decimal("2.0"),
            "keys": ("1", "2"),
            "calls_by_caller": Decimal(0),
        }
    )
    noting = Noting(facts)
    text = (
        "in_region('State Level') and talk_seconds > 2 min and var.score > 1 and length(keys) = 2 "
        "and calls_by_caller(30 days, 'any') = 0 and pool is not known"
    )
    assert evaluate(expression(text), noting) is True
    assert noting.inputs == {
        'in_region("State Level")': True,
        "talk_seconds": "130.250",
        "var.score": {"number": "2.0"},
        "keys": ["1", "2"],
        'calls_by_caller(2592000, "any")': "0",
        "pool": None,
    }
    assert not noting.used_secret


@given(terms(), facts_at_random())
def test_what_was_noted_gives_the_same_result_again(term: Term, facts: GivenFacts) -> None:
    asked = Expression("", term)
    noting = Noting(facts)
    value = evaluate(asked, noting)
    recorded = json.loads(json.dumps(noting.inputs))
    again = evaluate(asked, RecordedFacts(recorded))
    assert (again, text_of(again)) == (value, text_of(value))


@given(values())
def test_a_value_comes_back_from_its_plain_form(value: Value) -> None:
    asked = Expression("", Binary("=", Fact("var.a", "any"), Fact("var.a", "any"), "boolean"))
    noting = Noting(GivenFacts({"var.a": value}))
    evaluate(asked, noting)
    noted = json.loads(json.dumps(noting.inputs["var.a"]))
    assert plain("var.a", value_of("var.a", noted)) == noting.inputs["var.a"]


def test_secrets_are_not_noted_but_their_use_is() -> None:
    noting = Noting(GivenFacts({"answer.zip": "4711"}), {"answer.zip"})
    assert evaluate(expression("answer.zip = '4711'"), noting) is True
    assert noting.inputs == {"answer.zip": {"secret": True}}
    assert noting.used_secret
    assert evaluate(expression("answer.zip = '4711'"), RecordedFacts(noting.inputs)) is False


@pytest.mark.parametrize(
    "noted", [{"number": "x"}, {"number": 5}, {"other": "1"}, {"number": "1" * 200}, object()]
)
def test_a_record_that_was_tampered_with_is_absent_where_it_makes_no_sense(noted: object) -> None:
    assert RecordedFacts({"var.a": noted}).fact("var.a") is None
