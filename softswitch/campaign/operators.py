"""Operators and pure functions of the language, on values.

Total: a value of the wrong type makes the result absent (None), false where it is a comparison.
Numbers are Decimal with 28 digits between 1e-30 and 1e30; what leaves that range is absent. Knows
neither terms nor facts.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from config.model.expression import Value

__all__ = ["FUNCTIONS", "OPERATORS", "as_value", "negative", "print_number", "text_of"]

MAX_TEXT = 2000
"""Characters of a text that a function makes."""
MAX_PLACES = 10
"""Places after the point that `round` keeps at most."""

# No traps: a result that is no number is absent. 28 digits hold any amount to the cent.
_CONTEXT = Context(prec=28, rounding=ROUND_HALF_UP, Emin=-30, Emax=30, traps=[])
_ROUND = Context(prec=60, rounding=ROUND_HALF_UP, Emin=-90, Emax=90, traps=[])


def print_number(value: Decimal) -> str:
    """A number as people write it; zeros behind the point stay, they belong to amounts."""
    return format(value, "f")


def as_value(value: object) -> Value:
    """A value of the language from one that may be anything; None when it is none."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Decimal):
        return _finite(value)
    if isinstance(value, int):
        return _finite(Decimal(value))
    if isinstance(value, float):
        return _finite(Decimal(repr(value)))
    if isinstance(value, list | tuple):
        return tuple(as_value(item) for item in value if not isinstance(item, list | tuple))
    return None


def _finite(value: Decimal) -> Decimal | None:
    """A number in the range of the language, or None."""
    rounded = _CONTEXT.plus(value)
    return rounded if rounded.is_finite() else None


def text_of(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return print_number(value)
    return ", ".join(text_of(item) for item in value)


# Operators.


def negative(value: Value) -> Value:
    """`-x`"""
    return _CONTEXT.minus(value) if isinstance(value, Decimal) else None


def _same(left: Value, right: Value) -> bool:
    """Whether two values are of one type and equal; to Python, truth would be a number."""
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right


def _equal(left: Value, right: Value) -> Value:
    return left is not None and _same(left, right)


def _unequal(left: Value, right: Value) -> Value:
    if left is None or right is None or type(left) is not type(right):
        return False
    return not _same(left, right)


def _less(left: Value, right: Value) -> Value:
    return isinstance(left, Decimal) and isinstance(right, Decimal) and left < right


def _less_or_equal(left: Value, right: Value) -> Value:
    return isinstance(left, Decimal) and isinstance(right, Decimal) and left <= right


def _greater(left: Value, right: Value) -> Value:
    return _less(right, left)


def _greater_or_equal(left: Value, right: Value) -> Value:
    return _less_or_equal(right, left)


def _in(left: Value, right: Value) -> Value:
    if left is None or not isinstance(right, tuple):
        return False
    return any(_same(left, item) for item in right)


def _not_in(left: Value, right: Value) -> Value:
    return left is not None and isinstance(right, tuple) and not _in(left, right)


def _before(left: Value, right: Value) -> Value:
    first, second = _moment(left), _moment(right)
    return first is not None and second is not None and first < second


def _after(left: Value, right: Value) -> Value:
    return _before(right, left)


def _moment(value: Value) -> tuple[int, ...] | None:
    """A date or a time of day as numbers; the first says which, so that they do not mix."""
    if not isinstance(value, str) or len(value) > 10 or not value.isascii():
        return None
    if value.count("-") == 2:
        return _date(value)
    parts = value.split(":")
    if not 2 <= len(parts) <= 3 or not all(part.isdigit() and len(part) <= 2 for part in parts):
        return None
    hour, minute, second = (*map(int, parts), 0)[:3]
    good = (hour < 24 and minute < 60 and second < 60) or (hour, minute, second) == (24, 0, 0)
    return (0, hour, minute, second) if good else None


def _date(value: str) -> tuple[int, ...] | None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return (1, day.year, day.month, day.day)


def _arithmetic(compute: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Value, Value], Value]:
    def operator(left: Value, right: Value) -> Value:
        if not isinstance(left, Decimal) or not isinstance(right, Decimal):
            return None
        result = compute(left, right)
        return result if result.is_finite() else None

    return operator


OPERATORS: Mapping[str, Callable[[Value, Value], Value]] = {
    "=": _equal,
    "!=": _unequal,
    "<": _less,
    "<=": _less_or_equal,
    ">": _greater,
    ">=": _greater_or_equal,
    "in": _in,
    "not in": _not_in,
    "before": _before,
    "after": _after,
    "+": _arithmetic(_CONTEXT.add),
    "-": _arithmetic(_CONTEXT.subtract),
    "*": _arithmetic(_CONTEXT.multiply),
    "/": _arithmetic(_CONTEXT.divide),
}


# Functions.


def _length(arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    return Decimal(len(value)) if isinstance(value, str | tuple) else None


def _lower(arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    return value[:MAX_TEXT].lower() if isinstance(value, str) else None


def _digits(arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    if not isinstance(value, str):
        return None
    return "".join(character for character in value[:MAX_TEXT] if character in "0123456789")


def _number(arguments: tuple[Value, ...]) -> Value:
    """A text as a number: digits, with sign and point, nothing else."""
    value = arguments[0]
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or len(value) > 30:
        return None
    text = value.strip()
    whole, _, places = text.removeprefix("-").removeprefix("+").partition(".")
    digits = whole + places
    if not digits.isascii() or not digits.isdigit() or text.startswith(("-+", "+-")):
        return None
    return _finite(Decimal(text))


def _starts_with(arguments: tuple[Value, ...]) -> Value:
    value, beginning = arguments
    return isinstance(value, str) and isinstance(beginning, str) and value.startswith(beginning)


def _contains(arguments: tuple[Value, ...]) -> Value:
    value, part = arguments
    return isinstance(value, str) and isinstance(part, str) and part in value


def _numbers(arguments: tuple[Value, ...]) -> list[Decimal] | None:
    numbers = [value for value in arguments if isinstance(value, Decimal)]
    return numbers if len(numbers) == len(arguments) else None


def _min(arguments: tuple[Value, ...]) -> Value:
    numbers = _numbers(arguments)
    return min(numbers) if numbers else None


def _max(arguments: tuple[Value, ...]) -> Value:
    numbers = _numbers(arguments)
    return max(numbers) if numbers else None


def _round(arguments: tuple[Value, ...]) -> Value:
    numbers = _numbers(arguments)
    if not numbers:
        return None
    places = numbers[1] if len(numbers) > 1 else Decimal(0)
    if not 0 <= places <= MAX_PLACES or places != int(places):
        return None
    return numbers[0].quantize(Decimal(1).scaleb(-int(places)), context=_ROUND)


FUNCTIONS: Mapping[str, Callable[[tuple[Value, ...]], Value]] = {
    "length": _length,
    "lower": _lower,
    "digits": _digits,
    "number": _number,
    "starts_with": _starts_with,
    "contains": _contains,
    "min": _min,
    "max": _max,
    "round": _round,
}
