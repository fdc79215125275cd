"""A term back to text, fully in parentheses where it needs them: what is printed is parsed alike.

For messages, keys of noted inputs and explanations.
"""

from decimal import Decimal

from config.expression.tokens import NAME_PART
from config.model.expression import Binary, Constant, Fact, Function, ListOf, Term, Unary, Value

_LEVELS = {
    "or": 1,
    "and": 2,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
}
_COMPARISON = 4
_NOT = 3
_SIGNED = 7


def print_term(term: Term) -> str:
    """The text of a term."""
    return _print(term, 0)


def print_value(value: Value) -> str:
    """A value as it is written in an expression; what is absent as `unknown`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return print_number(value)
    if isinstance(value, tuple):
        return f"[{', '.join(print_value(item) for item in value)}]"
    return "unknown" if value is None else _quoted(value)


def print_number(value: Decimal) -> str:
    """A number without exponent; zeros behind the point stay, they belong to amounts."""
    return format(value, "f")


def print_call(name: str, arguments: tuple[Value, ...]) -> str:
    """A function with the values of its arguments: `in_region("State Level")`."""
    return f"{name}({', '.join(print_value(argument) for argument in arguments)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _print(term: Term, level: int) -> str:
    """The text of a term that stands where only operators at least so tight may."""
    if isinstance(term, Constant):
        return print_value(term.value)
    if isinstance(term, Fact):
        return _name(term.name)
    if isinstance(term, Function):
        return f"{term.name}({', '.join(_print(item, 0) for item in term.arguments)})"
    if isinstance(term, ListOf):
        return f"[{', '.join(_print(item, 0) for item in term.items)}]"
    text, own = _unary(term) if isinstance(term, Unary) else _binary(term)
    return f"({text})" if own < level else text


def _unary(term: Unary) -> tuple[str, int]:
    if term.operator == "is known":
        return f"{_print(term.operand, _COMPARISON + 1)} is known", _COMPARISON
    if term.operator == "-":
        return f"- {_print(term.operand, _SIGNED)}", _SIGNED
    return f"not {_print(term.operand, _NOT)}", _NOT


def _binary(term: Binary) -> tuple[str, int]:
    level = _LEVELS.get(term.operator, _COMPARISON)
    # Comparisons do not stand in a row: both sides are tighter.
    left = _print(term.left, level + 1 if level == _COMPARISON else level)
    return f"{left} {term.operator} {_print(term.right, level + 1)}", level


def _name(name: str) -> str:
    first, *rest = name.split(".")
    return ".".join([first, *(part if NAME_PART.match(part) else f'"{part}"' for part in rest)])
