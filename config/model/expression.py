"""What an expression of the configuration is once it was read and checked: a typed tree.

Made by `config.expression` (the grammar), evaluated by `softswitch.campaign`. Values are text,
decimal numbers (durations are seconds), truth, lists of these, or absent (None). Frozen and
hashable; knows neither YAML nor calls.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

Value: TypeAlias = "str | Decimal | bool | tuple[Value, ...] | None"
Operator = Literal[
    "and", "or", "=", "!=", "<", "<=", ">", ">=", "in", "not in", "before", "after",
    "+", "-", "*", "/",
]  # fmt: skip
ValueType = Literal["text", "number", "boolean", "list", "any"]
"""`any`: known only when the call runs (a field of a look-up); checked then."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value as written."""

    value: Value
    type: ValueType


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the call, by its dotted name: `caller.state`, `binding.keyword`."""

    name: str
    type: ValueType


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language with checked arguments: `in_region("State Level")`."""

    name: str
    arguments: "tuple[Term, ...]"
    type: ValueType


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b, c]`"""

    items: "tuple[Term, ...]"
    type: ValueType = "list"


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x`, `-x`, `x is known`"""

    operator: Literal["not", "-", "is known"]
    operand: "Term"
    type: ValueType


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands. `before` and `after` compare times of day or dates written as text."""

    operator: Operator
    left: "Term"
    right: "Term"
    type: ValueType


Term = Constant | Fact | Function | ListOf | Unary | Binary


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression with the text it was read from, which is what a record keeps."""

    text: str
    term: Term

    @property
    def type(self) -> ValueType:
        """The type of its value."""
        return self.term.type

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in braces: `you are interested in {keyword}`."""

    text: str
    """As it was written."""
    parts: tuple[str | Expression, ...]

    @property
    def constant(self) -> str | None:
        """The text when it has no expression in it."""
        return (
            None
            if any(not isinstance(part, str) for part in self.parts)
            else "".join(part for part in self.parts if isinstance(part, str))
        )

    def __str__(self) -> str:
        return self.text
