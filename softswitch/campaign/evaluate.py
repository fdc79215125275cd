"""Evaluates expressions and templates on the facts of a call, and notes what they rest on.

Total: whatever the data, there is a value and never an exception. What is not known, or has a type
that does not fit, is absent (None). A comparison with an absent value is false, `!=` and `not in`
too; `not` of it is true; arithmetic with it is absent, as is a division by zero and whatever leaves
the range of numbers. `and` and `or` look at their right side only when it matters.

A noted input stands under the name of its fact (`caller.state`) or the text of its call with the
values of its arguments (`in_region("State Level")`). Values are plain JSON:

- text, truth, None and lists as they are;
- a number as text where the language says that this fact or function is a number
  (`talk_seconds: "130.250"`), else as `{"number": "130.250"}`: a variable may be text or number;
- a secret as `{"secret": true}`, which is absent when it is read back.

What follows from arguments alone (`min`, `lower`...) is not noted: it is computed again.
Knows no fact by name but its type: they are asked of a `Facts`.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from config.expression.printing import print_call
from config.expression.vocabulary import type_of
from config.model.expression import (
    Binary,
    Constant,
    Expression,
    Fact,
    Function,
    ListOf,
    Template,
    Term,
    Unary,
    Value,
    ValueType,
)
from softswitch.campaign.operators import (
    FUNCTIONS,
    OPERATORS,
    as_value,
    negative,
    print_number,
    text_of,
)

__all__ = ["Facts", "Noting", "RecordedFacts", "evaluate", "holds", "plain", "render", "value_of"]

MAX_RENDERED = 4000
"""Characters of a rendered template; values come from callers and servers."""
MAX_INPUTS = 1000
"""Inputs noted of one evaluation; an expression has no room for more."""
SECRET: Mapping[str, bool] = {"secret": True}


_TYPES: Mapping[str, type] = {"text": str, "number": Decimal, "boolean": bool, "list": tuple}


class Facts(Protocol):
    """What is known of a call."""

    def fact(self, name: str) -> Value:
        """The value of a fact, None when it is not known; never raises."""

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        """The value of a function that asks for facts; never raises."""


def evaluate(expression: Expression, facts: Facts) -> Value:
    """The value of an expression."""
    return _value(expression.term, facts)


def holds(expression: Expression, facts: Facts) -> bool:
    """Whether a condition is true; one that is absent is not."""
    return _value(expression.term, facts) is True


def render(template: Template, facts: Facts) -> str:
    """The text of a template; what is absent is empty."""
    parts = [
        part if isinstance(part, str) else text_of(_value(part.term, facts))
        for part in template.parts
    ]
    return "".join(parts)[:MAX_RENDERED]


# Terms.


def _value(term: Term, facts: Facts) -> Value:
    if isinstance(term, Constant):
        return term.value
    if isinstance(term, Fact):
        return _of_type(as_value(facts.fact(term.name)), term.type)
    if isinstance(term, Binary):
        return _binary(term, facts)
    if isinstance(term, Function):
        return _function(term, facts)
    if isinstance(term, Unary):
        return _unary(term, facts)
    return _list(term, facts)


def _of_type(value: Value, kind: ValueType) -> Value:
    """A value that the expression was checked for; absent when it is of another type."""
    return value if kind == "any" or isinstance(value, _TYPES[kind]) else None


def _list(term: ListOf, facts: Facts) -> Value:
    return tuple(_value(item, facts) for item in term.items)


def _unary(term: Unary, facts: Facts) -> Value:
    operand = _value(term.operand, facts)
    if term.operator == "not":
        return operand is not True
    if term.operator == "is known":
        return operand is not None
    return negative(operand)


def _binary(term: Binary, facts: Facts) -> Value:
    left = _value(term.left, facts)
    if term.operator == "and":
        return left is True and _value(term.right, facts) is True
    if term.operator == "or":
        return left is True or _value(term.right, facts) is True
    return OPERATORS[term.operator](left, _value(term.right, facts))


def _function(term: Function, facts: Facts) -> Value:
    arguments = tuple(_value(argument, facts) for argument in term.arguments)
    pure = FUNCTIONS.get(term.name)
    if pure is None:
        return _of_type(as_value(facts.function(term.name, arguments)), term.type)
    return pure(arguments)


# Notes.


class Noting:
    """Facts that note what they are asked for."""

    def __init__(
        self, facts: Facts, secrets: Collection[str] = (), hidden: Collection[str] = ()
    ) -> None:
        self._facts = facts
        self._secrets = secrets
        self._hidden = hidden
        self.inputs: dict[str, Any] = {}
        """What was asked for so far, as plain JSON."""
        self.used_secret = False
        """Whether a secret was asked for: then the result may be one too."""
        self.used_hidden = False
        """Whether something was that the called party must not see."""

    def fact(self, name: str) -> Value:
        value = as_value(self._facts.fact(name))
        self.used_hidden |= name in self._hidden
        if name in self._secrets:
            self.used_secret = True
            self._note(name, dict(SECRET))
        else:
            self._note(name, plain(name, value))
        return value

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        value = as_value(self._facts.function(name, arguments))
        self._note(print_call(name, arguments), plain(name, value))
        return value

    def _note(self, key: str, value: Any) -> None:
        if len(self.inputs) < MAX_INPUTS:
            self.inputs[key] = value


class RecordedFacts:
    """Facts made from noted inputs; what was not noted is absent."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._inputs = inputs

    def fact(self, name: str) -> Value:
        return value_of(name, self._inputs.get(name))

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return value_of(name, self._inputs.get(print_call(name, arguments)))


def plain(name: str, value: Value) -> Any:
    """A value as JSON has it; `name` is its fact's or function's."""
    if isinstance(value, Decimal):
        text = print_number(value)
        return text if type_of(name) == "number" else {"number": text}
    if type_of(name) == "number":
        # Not of its type, so it counted as absent.
        return None
    if isinstance(value, tuple):
        return [plain("", item) for item in value]
    return value


def value_of(name: str, noted: Any) -> Value:
    """The value that `plain` made this of; absent when it is none."""
    if isinstance(noted, str) and type_of(name) == "number":
        return _number(noted)
    if isinstance(noted, Mapping):
        return _number(noted.get("number"))
    if isinstance(noted, list | tuple):
        return tuple(value_of("", item) for item in noted)
    return as_value(noted)


def _number(text: object) -> Value:
    if not isinstance(text, str) or len(text) > 100:
        return None
    try:
        return as_value(Decimal(text))
    except InvalidOperation:
        return None
