import pytest

from config.expression import ExpressionError, parse_expression
from tests.support.expressions import expression, mistake, vocabulary


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hour + 1", "number"),
        ("caller.state", "text"),
        ("late", "boolean"),
        ("keys", "list"),
        ("[1, hour]", "list"),
        ("var.score", "any"),
        ("var.score + 1", "number"),
        ("var.score and late", "boolean"),
        ("lookup.bid.price", "number"),
        ("lower(pool)", "text"),
        ("caller.segment", "text"),
        ("10% * result.amount", "number"),
    ],
)
def test_every_term_has_a_type(text: str, kind: str) -> None:
    assert expression(text).type == kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("late and hour", '5: "and" needs true or false on its side, not a number'),
        ("not pool", '0: "not" needs true or false'),
        ("pool + 1", '5: "+" needs a number on its side, not a text (number(...) makes a number'),
        ("-pool", '0: "-" needs a number'),
        ("answer.zip > 5", '11: ">" needs a number on its side, not a text (number(...) makes'),
        ("time < 5", "times and dates are compared by before and after"),
        ("hour = 'a'", '5: "=" compares a number with a text (number(...) makes a number of a'),
        ("pool = ['a']", '5: "=" compares a text with a list (one value is looked for in a list'),
        ("hour in ['a']", '5: "in" compares a number with a text'),
        ("pool in pool", "contains(text, part) looks into a text"),
        ("keys in keys", '5: "in" looks for one value, not for a list'),
        ("hour in [1, 'a']", "12: a list has values of one type: a number, not a text"),
        ("hour in [[1]]", "9: a list holds no lists"),
        ("lower(hour)", "6: lower(text): text is a text, not a number"),
        ("round(pool)", "6: round(value[, places]): value is a number, not a text (number(...)"),
        ("time before '8 am'", '5: "8 am" is no time or date (times are written "08:00", dates'),
        ("time before '24:01'", '"24:01" is no time or date'),
        ("date after '2026-02-30'", '"2026-02-30" is no time or date'),
        ("hour before '08:00'", '5: "before" needs a text'),
        ("caller.line_type = 'cell'", 'caller.line_type is never "cell" (known: mobile'),
        ("weekday in ['mon', 'tues']", 'weekday is never "tues" (did you mean "tue"?)'),
        ("caller.number = '602 555 0100'", 'is never "602 555 0100" (numbers are written "+1602'),
        ("caller.number in ['6025550100']", '(numbers are written "+16025550100")'),
        ("caller.state = 'ca'", 'caller.state is never "ca" (two capital letters)'),
        ("caller.state in ['CA', 'Nevada']", 'caller.state is never "Nevada"'),
        ("caller.city = 'San Diego'", '(cities are in lower case: "san diego")'),
        ("caller.country != 'USA'", 'caller.country is never "USA"'),
        ("'directly' != caller.forwarded", 'is never "directly" (did you mean "direct"?)'),
    ],
)
def test_types_that_do_not_fit_are_told(text: str, told: str) -> None:
    assert told in mistake(text)


@pytest.mark.parametrize(
    "text",
    [
        "time before '8:00'",
        "time after '24:00'",
        "date before '2026-12-24'",
        "number(answer.zip) > 5",
        "var.score = 'a' or var.score = 1",
        "var.score in [1, 2] and var.score in ['a']",
        "var.score in lookup.bid.tags",
        "keys = ['1', '2']",
        "caller.number in ['+16025550100', '1000', 'anonymous']",
        "caller.state = 'CA' and caller.country in ['US', 'MX']",
        "length(keys) + length(pool) > 0",
    ],
)
def test_what_fits_is_taken(text: str) -> None:
    assert mistake(text) == ""


def test_elsewhere_states_have_names_and_numbers_their_own_form() -> None:
    names = vocabulary()
    names.country = "DE"
    assert parse_expression("caller.state = 'Bayern'", names).type == "boolean"
    with pytest.raises(ExpressionError) as caught:
        parse_expression("caller.number = '030 123456'", names)
    assert caught.value.suggestion == 'numbers are written "+4930123456"'
