from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.expression import ExpressionError, parse_expression, print_term
from config.expression.parser import MAX_NESTING, MAX_OPERATORS
from config.expression.tokens import MAX_LENGTH
from config.model import Binary, Constant, Fact
from tests.support.expressions import expression, mistake, vocabulary


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("bridged or answered and late", "bridged or (answered and late)"),
        ("not bridged and late", "(not bridged) and late"),
        ("not hour = 1", "not (hour = 1)"),
        ("hour + 2 * 3 = 7", "(hour + (2 * 3)) = 7"),
        ("hour - 1 - 2 = 0", "((hour - 1) - 2) = 0"),
        ("hour / 2 / 3 = 0", "((hour / 2) / 3) = 0"),
        ("-hour * 2 < 0", "((-hour) * 2) < 0"),
        ("hour is known and late", "(hour is known) and late"),
        ("hour + 1 is known", "(hour + 1) is known"),
        ("pool is not known or late", "(not (pool is known)) or late"),
        ('pool not in ["a"] and late', '(pool not in ["a"]) and late'),
    ],
)
def test_operators_bind_as_the_grammar_says(text: str, grouped: str) -> None:
    assert expression(text).term == expression(grouped).term


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 min", "120"),
        ("30 s", "30"),
        ("30s", "30"),
        ("250 ms", "0.25"),
        ("4 h", "14400"),
        ("5 days", "432000"),
        ("1 day", "86400"),
        ("2 weeks", "1209600"),
        ("15%", "0.15"),
        ("15 %", "0.15"),
        ("2.5 Hours", "9000"),
        ("007", "7"),
    ],
)
def test_a_number_takes_its_unit(text: str, value: str) -> None:
    assert expression(text).term == Constant(Decimal(value), "number")


def test_a_word_behind_a_number_that_is_no_unit_goes_on_with_the_grammar() -> None:
    assert print_term(expression("hour = 5 and late").term) == "hour = 5 and late"


def test_words_of_the_grammar_have_no_case_and_both_equal_signs_are_one() -> None:
    assert expression("NOT Late AND hour == 1".replace("Late", "late")).term == (
        expression("not late and hour = 1").term
    )


def test_text_stands_in_either_quotes() -> None:
    assert expression("pool = 'it''s'".replace("''", "\\'")).term == Binary(
        "=", Fact("pool", "text"), Constant("it's", "text"), "boolean"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "0: nothing stands here"),
        ("   ", "0: nothing stands here"),
        ("caller.stat = 'CA'", '0: "caller.stat" is no fact (did you mean "caller.state"?)'),
        ("caller.state = CA", '15: "CA" is no fact (text stands in quotes: "...")'),
        ("late an bridged", '5: expected an operator such as and, not "an" (did you mean "and"?)'),
        ("late &&bridged", '5: "&&" is no sign (write and)'),
        ("hour <> 1", '5: "<>" is no sign (write !=)'),
        ("hour = 1 kg", '9: expected an operator such as and, not "kg" (text stands in'),
        ("hour = 1kg", '8: "kg" is no unit (units: %, ms, s, min, h, days, weeks)'),
        ("pool = 'a", "7: a text that begins here does not end"),
        ("pool = \u201ca\u201d", '7: "\u201c" has no meaning here (quotes are " and \')'),
        ("(late", '5: "(" is not closed: expected ")", not the end'),
        ("hour in [1, 2", '13: "[" is not closed: expected "]", not the end'),
        ("hour in []", "8: the list is empty"),
        ("1 < hour < 3", "9: comparisons do not stand in a row (join two comparisons by and)"),
        ("hour = = 1", '7: expected a value or fact, not "="'),
        ("hour is 5", '8: expected "known" behind "is", not "5" (equality is written =)'),
        ("opn('office')", '0: "opn" is no function (did you mean "open"?)'),
        ("open = late", '0: "open" is no fact (open is a function: open(...))'),
        ("open('offce')", '5: there is no hours "offce" (did you mean "office"?)'),
        ("in_region(pool)", "10: in_region(region): region must be written out, as a text in"),
        ("calls_by_caller(5, 'all')", '19: there is no to of calls_by_caller "all" (known: any'),
        ("lower()", "0: lower(text) takes 1 argument, not 0"),
        ("min()", "0: min(value, ...) takes at least 1 arguments, not 0"),
        ("round(1, 2, 3)", "0: round(value[, places]) takes 1 to 2 arguments, not 3"),
        ("binding.keywrd = 'a'", '0: no pool or number has a parameter "keywrd" (did you mean'),
        ("answer.age = '1'", '0: no ask is named "age" (known: ask-2, zip)'),
        ("lookup.bid.prce > 1", '0: no look-up has a field "bid.prce" (did you mean'),
        ("keyword = 'a'", '0: "keyword" is no fact (keyword is a function: keyword(...))'),
        ("zip = '1'", '0: "zip" is no fact (did you mean "caller.zip"?)'),
        ("result = 1", '0: "result" is no fact'),
        ("hour = 1234567890123456789", "7: a number has up to 18 digits"),
        ("late \x00", '5: "U+0000" has no meaning here'),
    ],
)
def test_a_mistake_is_told_where_it_stands(text: str, told: str) -> None:
    assert mistake(text).startswith(told)


def test_results_are_never_unknown_and_variables_not_with_a_python_step() -> None:
    assert mistake("result.sale = 1") == ""
    assert "no step sets" in mistake("var.other = 1")
    names = vocabulary()
    names.any_variable = True
    assert parse_expression("var.other = 1", names).type == "boolean"


def test_names_of_sections_that_nobody_listed_are_not_checked() -> None:
    names = vocabulary()
    names.sections.clear()
    assert parse_expression("open('anything')", names).type == "boolean"


def test_depth_length_and_operators_are_bounded() -> None:
    assert "deep" in mistake("(" * (MAX_NESTING + 1) + "late" + ")" * (MAX_NESTING + 1))
    assert mistake("(" * MAX_NESTING + "late" + ")" * MAX_NESTING) == ""
    assert "deep" in mistake("not " * (MAX_NESTING + 1) + "late")
    assert "deep" in mistake("-" * (MAX_NESTING + 1) + "1 = 1")
    assert "longer" in mistake("late" + " " * MAX_LENGTH)
    assert mistake("1" + "+1" * MAX_OPERATORS + "") == ""
    assert "operators" in mistake("1" + "+1" * (MAX_OPERATORS + 1))


def test_a_message_is_one_line_and_not_too_long() -> None:
    told = mistake("late 'a\n" + "b" * 200 + "'")
    assert told == f'5: expected an operator such as and, not the text "a {"b" * 58}..."'
    assert len(mistake("x" * 1000)) < 200


def test_an_expression_is_read_only_once() -> None:
    names = vocabulary()
    assert parse_expression("hour = 1", names) is parse_expression("hour = 1", names)


_WORDS = (
    "caller.state talk_seconds late = != < in not and or is known before true ( ) [ ] , . - + * / "
    '1 2 min 15% \'a\' "b" min( open( " \\ { \x00'
)
_PIECES = st.sampled_from((*_WORDS.split(" "), 'binding."ad group"'))


@given(st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=20).map(" ".join)))
def test_any_text_is_an_expression_or_a_mistake_inside_the_text(text: str) -> None:
    try:
        found = parse_expression(text, vocabulary())
    except ExpressionError as error:
        position = error.position
    else:
        position = 0
        assert parse_expression(print_term(found.term), vocabulary()).term == found.term
    assert 0 <= position <= len(text)
