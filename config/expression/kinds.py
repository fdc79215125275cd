"""The kinds of value that are expressions, for the tables readers read by.

A mistake is told at its place in the file: exactly where the text stands on one line, else at its
beginning.
"""

from collections.abc import Callable
from typing import TypeVar

from config.document import Scalar, Tree
from config.expression.errors import ExpressionError
from config.expression.parser import parse_expression
from config.expression.template import parse_template
from config.expression.vocabulary import Vocabulary
from config.expression.walking import keywords_asked, known_at_the_end
from config.hints import SCALAR
from config.model import Location
from config.model.expression import Expression, Template
from config.reading import KeywordQuestion, Kind, Reading, RefusedError, describe

T = TypeVar("T")


E = TypeVar("E", bound=Expression | Template)


def before_end(kind: Kind[T]) -> Kind[T]:
    """A kind whose expressions are looked at while the call lives."""

    def read(tree: Tree, reading: Reading) -> T:
        earlier, reading.before_end = reading.before_end, True
        try:
            return kind.read(tree, reading)
        finally:
            reading.before_end = earlier

    return Kind(kind.says, read, kind.schema)


def _check_moment(value: Expression | Template, text: str) -> None:
    name = known_at_the_end(value)
    if name is not None:
        message = f"{name} is known at the end of a call only, and this is looked at before"
        hint = "payout, rating, conversion, fraud and sms are looked at at the end"
        raise ExpressionError(message, max(text.find(name), 0), hint)


def _kind(says: str, parse: Callable[[str, Vocabulary], E]) -> Kind[E]:
    def read(tree: Tree, reading: Reading) -> E:
        if not isinstance(tree, Scalar) or tree.absent:
            raise RefusedError(f"expected {says}, {describe(tree)}")
        try:
            value = parse(tree.text, reading.vocabulary)
            if reading.before_end:
                _check_moment(value, tree.text)
            _note_keywords(value, tree, reading)
            return value
        except ExpressionError as error:
            place = place_of(tree, error.position)
            hint = error.suggestion
            if tree.plain and hint is None and error.position >= len(tree.text):
                # YAML ends a text there, and what follows becomes a setting.
                hint = "inside { } and [ ] a text with a comma stands in quotes"
            raise RefusedError(str(error), suggestion=hint, location=place) from None

    return Kind(says, read, SCALAR)


def _note_keywords(value: Expression | Template, tree: Scalar, reading: Reading) -> None:
    """Remember what is asked of keywords: rules are read later."""
    for function in keywords_asked(value):
        position = max(tree.text.find(function.name), 0)
        place = place_of(tree, position)
        reading.keyword_questions.append(KeywordQuestion(function, place, reading.campaign))


def place_of(scalar: Scalar, position: int) -> Location:
    """Where an offset of the text stands in the file, as exactly as is known."""
    start = scalar.location
    if scalar.moved:
        return start
    return Location(start.file, start.line, start.column + position + (not scalar.plain))


def _condition(text: str, vocabulary: Vocabulary) -> Expression:
    return _typed(text, vocabulary, "boolean", "a condition, true or false")


def _amount(text: str, vocabulary: Vocabulary) -> Expression:
    return _typed(text, vocabulary, "number", "a number")


def _typed(text: str, vocabulary: Vocabulary, wanted: str, says: str) -> Expression:
    expression = parse_expression(text, vocabulary)
    if expression.type not in ("any", wanted):
        names = {"text": "a text", "boolean": "true or false", "number": "a number"}
        told = names.get(expression.type, f"a {expression.type}")
        raise ExpressionError(f"this is {told}, where {says} is needed", 0)
    return expression


EXPRESSION = _kind("an expression", parse_expression)
CONDITION = _kind('a condition such as caller.state = "CA"', _condition)
AMOUNT = _kind("a number, or an expression that gives one", _amount)
TEMPLATE = _kind("text, with expressions in braces", parse_template)
