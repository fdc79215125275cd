from decimal import Decimal

from hypothesis import assume, given

from config.expression import parse_expression, print_term
from config.expression.printing import print_call, print_value
from config.expression.tokens import MAX_LENGTH
from config.model import Term
from tests.support.expressions import expression, terms, vocabulary


@given(terms())
def test_what_is_printed_is_parsed_to_the_same_term(term: Term) -> None:
    text = print_term(term)
    assume(len(text) <= MAX_LENGTH)
    assert parse_expression(text, vocabulary()).term == term


def test_parentheses_stand_only_where_they_are_needed() -> None:
    text = "(caller.private or bridged) and not (hour + 1) * 2 - (3 - hour) > 4"
    assert print_term(expression(text).term) == text


def test_a_name_with_other_characters_stands_in_quotes() -> None:
    assert print_term(expression('binding."ad group" is known').term) == (
        'binding."ad group" is known'
    )


def test_quotes_and_backslashes_come_back() -> None:
    text = expression(r"""caller.name = 'say "hi" \\ it\'s'""").term
    assert print_term(text) == 'caller.name = "say \\"hi\\" \\\\ it\'s"'


def test_values_are_written_as_the_language_writes_them() -> None:
    assert print_value(Decimal("1E+3")) == "1000"
    assert print_value(Decimal("5.00")) == "5.00"
    assert print_value((True, None, "a")) == '[true, unknown, "a"]'
    assert print_call("calls_by_caller", (Decimal(60), "any")) == 'calls_by_caller(60, "any")'
