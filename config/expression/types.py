"""Which types fit together: every term of the language is made here, checked.

`any` fits everything and is checked when the call runs. Positions are offsets in the text, for
messages. Knows no syntax.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from config.e164 import normalise
from config.errors import did_you_mean
from config.expression.errors import ExpressionError, shown
from config.expression.vocabulary import (
    FACTS,
    FUNCTIONS,
    MAX_LISTED,
    FunctionAbout,
    Parameter,
    Vocabulary,
    listed,
)
from config.model.expression import (
    Binary,
    Constant,
    Fact,
    Function,
    ListOf,
    Operator,
    Term,
    Unary,
    ValueType,
)

_TIME = re.compile(r"(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?|24:00(?::00)?)\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_NAMES = {"text": "a text", "number": "a number", "boolean": "true or false", "list": "a list"}
_CODES = ("caller.country", "caller.state")
_RATINGS = ("high", "medium", "low")
_SCORES = frozenset(str(score) for score in range(1, 101))
_HOURS = frozenset(range(24))
_NAMED = {"campaign": "campaigns", "pool": "pools", "trunk": "trunks"}
"""Facts that are names of a section."""
_BOTH: dict[str, ValueType] = {
    "and": "boolean",
    "or": "boolean",
    "before": "text",
    "after": "text",
    "<": "number",
    "<=": "number",
    ">": "number",
    ">=": "number",
    "+": "number",
    "-": "number",
    "*": "number",
    "/": "number",
}
"""The type that both operands of an operator have."""
_ARITHMETIC = ("+", "-", "*", "/")


def binary(
    operator: Operator,
    left: Term,
    right: Term,
    position: int,
    vocabulary: Vocabulary | None = None,
) -> Binary:
    """An operator between two operands; comparisons need the vocabulary, for what facts can be."""
    names = vocabulary or Vocabulary()
    if operator in _BOTH:
        _need(left, _BOTH[operator], operator, position)
        _need(right, _BOTH[operator], operator, position)
    elif operator in ("in", "not in"):
        _check_membership(left, right, operator, position)
        for item in right.items if isinstance(right, ListOf) else ():
            _check_alike(left, item, operator, position)
            _check_words(left, item, position, names)
    else:
        _check_alike(left, right, operator, position)
        _check_words(left, right, position, names)
        _check_words(right, left, position, names)
    if operator in ("before", "after"):
        _check_times(left, right, position)
    kind: ValueType = "number" if operator in _ARITHMETIC else "boolean"
    return Binary(operator, left, right, kind)


def negation(operand: Term, position: int) -> Unary:
    """`not x`"""
    _need(operand, "boolean", "not", position)
    return Unary("not", operand, "boolean")


def negative(operand: Term, position: int) -> Unary:
    """`-x`"""
    _need(operand, "number", "-", position)
    return Unary("-", operand, "number")


def list_of(items: Sequence[tuple[Term, int]], position: int) -> ListOf:
    """`[a, b]`: values of one type."""
    if not items:
        raise ExpressionError("the list is empty", position)
    first = next((item.type for item, _ in items if item.type != "any"), "any")
    for item, place in items:
        if item.type not in ("any", first):
            message = f"a list has values of one type: {_NAMES[first]}, not {_NAMES[item.type]}"
            raise ExpressionError(message, place)
        if item.type == "list":
            raise ExpressionError("a list holds no lists", place)
    return ListOf(tuple(item for item, _ in items))


def call(
    name: str, arguments: Sequence[tuple[Term, int]], position: int, vocabulary: Vocabulary
) -> Function:
    """A function with its arguments."""
    about = FUNCTIONS[name]
    count, most = len(arguments), about.most
    if count < about.least or (most is not None and count > most):
        raise ExpressionError(_count_message(name, about, count), position)
    for index, (argument, place) in enumerate(arguments):
        parameter = about.parameters[min(index, len(about.parameters) - 1)]
        _check_argument(name, parameter, argument, place, vocabulary)
    return Function(name, tuple(argument for argument, _ in arguments), about.type)


def signature(name: str) -> str:
    """How a function is written: `calls_by_caller(seconds[, to])`."""
    about = FUNCTIONS[name]
    parts = ""
    for parameter in about.parameters:
        text = f"{parameter.name}, ..." if parameter.repeated else parameter.name
        text = f", {text}" if parts else text
        parts += f"[{text}]" if parameter.optional else text
    return f"{name}({parts})"


def _count_message(name: str, about: FunctionAbout, count: int) -> str:
    least, most = about.least, about.most
    wanted = f"at least {least}" if most is None else str(least)
    if most is not None and most != least:
        wanted = f"{least} to {most}"
    noun = "argument" if wanted == "1" else "arguments"
    return f"{signature(name)} takes {wanted} {noun}, not {count}"


def _check_argument(
    name: str, parameter: Parameter, argument: Term, position: int, vocabulary: Vocabulary
) -> None:
    if "any" not in (parameter.type, argument.type) and parameter.type != argument.type:
        message = (
            f"{signature(name)}: {parameter.name} is {_NAMES[parameter.type]}, "
            f"not {_NAMES[argument.type]}"
        )
        raise ExpressionError(message, position, _conversion(parameter.type, argument))
    known = parameter.words or vocabulary.sections.get(parameter.section)
    if not parameter.words and not parameter.section:
        return
    if not isinstance(argument, Constant) or not isinstance(argument.value, str):
        message = f"{signature(name)}: {parameter.name} must be written out, as a text in quotes"
        raise ExpressionError(message, position)
    if known is not None and argument.value not in known:
        noun = parameter.name if parameter.section else f"{parameter.name} of {name}"
        hint = did_you_mean(argument.value, known) or listed(known)
        raise ExpressionError(f'there is no {noun} "{shown(argument.value)}"', position, hint)


def _need(term: Term, kind: ValueType, operator: str, position: int) -> None:
    if term.type in ("any", kind):
        return
    message = f'"{operator}" needs {_NAMES[kind]} on its side, not {_NAMES[term.type]}'
    hint = _conversion(kind, term)
    if operator in ("<", "<=", ">", ">=") and term.type == "text":
        hint = f"{hint}; times and dates are compared by before and after"
    raise ExpressionError(message, position, hint)


def _conversion(wanted: ValueType, term: Term) -> str | None:
    if wanted == "number" and term.type == "text":
        return "number(...) makes a number of a text"
    return None


def _check_alike(left: Term, right: Term, operator: str, position: int) -> None:
    if "any" in (left.type, right.type) or left.type == right.type:
        return
    message = f'"{operator}" compares {_NAMES[left.type]} with {_NAMES[right.type]}'
    hint = "one value is looked for in a list by in" if right.type == "list" else None
    if {left.type, right.type} == {"text", "number"}:
        hint = "number(...) makes a number of a text"
    raise ExpressionError(message, position, hint)


def _check_membership(left: Term, right: Term, operator: str, position: int) -> None:
    if right.type not in ("list", "any"):
        message = f'"{operator}" needs a list on its right, not {_NAMES[right.type]}'
        hint = "contains(text, part) looks into a text" if right.type == "text" else "[a, b, c]"
        raise ExpressionError(message, position, hint)
    if left.type == "list":
        raise ExpressionError(f'"{operator}" looks for one value, not for a list', position)


def _check_words(fact: Term, constant: Term, position: int, vocabulary: Vocabulary) -> None:
    """A constant compared with a fact must be a value that it can have."""
    if not isinstance(fact, Fact) or not isinstance(constant, Constant):
        return
    value = constant.value
    hint = None
    if fact.name == "hour" and isinstance(value, Decimal) and value not in _HOURS:
        hint = "hours are 0 to 23"
    elif isinstance(value, str):
        hint = _never(fact.name, value, vocabulary)
    if hint is not None:
        raise ExpressionError(f'{fact.name} is never "{shown(value)}"', position, hint)


def _never(name: str, value: str, vocabulary: Vocabulary) -> str | None:
    """What a fact is instead of a text that it can never be."""
    about, country = FACTS.get(name), vocabulary.country
    words = about.words if about else ()
    if name == "rating":
        words = () if value in _SCORES else _RATINGS
    elif name in _NAMED:
        words = tuple(vocabulary.sections.get(_NAMED[name], (value,)))
        if not words:
            return f"there are no {_NAMED[name]}"
    if words and value not in words:
        near = did_you_mean(value, words)
        many = f"there are {len(words)} others"
        return near or (f"known: {', '.join(words)}" if len(words) <= MAX_LISTED else many)
    if name == "caller.number" and not value.startswith("+"):
        number = normalise(value, country)
        return f'numbers are written "{number}"' if number else None
    if name == "caller.city" and value != value.lower():
        return f'cities are in lower case: "{value.lower()}"'
    if name in _CODES and not _is_code(name, value, country):
        return "two capital letters"
    return None


def _is_code(name: str, value: str, country: str) -> bool:
    """Whether it may be the code of a country or state; other countries' states may have names."""
    code = len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()
    return code or (name == "caller.state" and country not in ("US", "CA"))


def _check_times(left: Term, right: Term, position: int) -> None:
    """`before` and `after` compare times of day or dates; constants must be one."""
    for term in (left, right):
        if isinstance(term, Constant) and not _is_time(str(term.value)):
            hint = 'times are written "08:00", dates "2026-12-24"'
            raise ExpressionError(f'"{shown(term.value)}" is no time or date', position, hint)


def _is_time(text: str) -> bool:
    if not _DATE.match(text):
        return bool(_TIME.match(text))
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
