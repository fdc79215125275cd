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
from config.hints import SCALAR
from config.model import Location
from config.model.expression import Expression
from config.reading import Kind, Reading, RefusedError, describe

T = TypeVar("T")


def _kind(says: str, parse: Callable[[str, Vocabulary], T]) -> Kind[T]:
    def read(tree: Tree, reading: Reading) -> T:
        if not isinstance(tree, Scalar) or tree.absent:
            raise RefusedError(f"expected {says}, {describe(tree)}")
        try:
            return parse(tree.text, reading.vocabulary)
        except ExpressionError as error:
            place = _place(tree, error.position)
            raise RefusedError(str(error), suggestion=error.suggestion, location=place) from None

    return Kind(says, read, SCALAR)


def _place(scalar: Scalar, position: int) -> Location:
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
