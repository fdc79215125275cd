"""Decides again what a record says was decided, from the inputs it keeps.

A decision is an expression, the values its facts had, and what came of it. The expression is read
again (every name counts as known: the configuration of that day is not asked) and evaluated on the
kept values. Knows no configuration, no file and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from config.expression import ExpressionError, Vocabulary, parse_expression
from config.expression.vocabulary import FACTS, type_of
from config.model import Fact, Value
from softswitch.campaign.evaluate import RecordedFacts, evaluate, value_of
from softswitch.campaign.finding import ALWAYS

__all__ = ["Decided", "decide_again", "same_value"]

State = Literal["same", "differs", "secret", "noted"]
"""`noted`: a table was asked, by its name; `secret`: it rests on what a record does not keep."""


class AnyVocabulary(Vocabulary):
    """Takes every name: what an operator named once may be gone by now."""

    def fact(self, name: str, position: int) -> Fact:
        """The fact of this name, with the type the language gives it."""
        if name not in FACTS and "." not in name:
            raise ExpressionError(f'"{name}" is no fact', position)
        return Fact(name, type_of(name))


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of the record beside the same decision made again."""

    about: str
    rule: str
    expression: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    recorded: Any = None
    again: Value = None
    state: State = "same"

    @property
    def held(self) -> bool:
        """Whether it came out true, made again where that can be done."""
        return (self.again if self.state in {"same", "differs"} else self.recorded) is True


def decide_again(decisions: Iterable[Any]) -> tuple[Decided, ...]:
    """Every decision of a record, made again; entries that are none are left out."""
    return tuple(_decide(one) for one in decisions if isinstance(one, Mapping))


def _decide(one: Mapping[str, Any]) -> Decided:
    inputs = one.get("inputs")
    inputs = inputs if isinstance(inputs, Mapping) else {}
    recorded = one.get("result")
    text = str(one.get("expression", ""))
    again, state = _again(text, inputs, recorded)
    return Decided(
        about=str(one.get("about", "")),
        rule=str(one.get("rule", "")),
        expression=text,
        inputs=inputs,
        recorded=recorded,
        again=again,
        state=state,
    )


def _again(text: str, inputs: Mapping[str, Any], recorded: Any) -> tuple[Value, State]:
    if text == ALWAYS:
        return True, "same" if recorded is True else "differs"
    try:
        expression = parse_expression(text, AnyVocabulary())
    except ExpressionError:
        return None, _noted(inputs, recorded)
    if any(isinstance(value, Mapping) and "secret" in value for value in inputs.values()):
        return None, "secret"
    again = evaluate(expression, RecordedFacts(inputs))
    return again, "same" if same_value(again, recorded) else "differs"


def _noted(inputs: Mapping[str, Any], recorded: Any) -> State:
    """A table's answer is kept as it was; it has to be what came of it where it is all there is."""
    answers = [value for value in inputs.values() if isinstance(value, bool)]
    agree = len(inputs) != 1 or not answers or not isinstance(recorded, bool)
    return "noted" if agree or answers[0] is recorded else "differs"


def same_value(again: Value, recorded: Any) -> bool:
    """Whether a value is the recorded one; numbers by what they are worth."""
    if isinstance(again, bool) or again is None:
        return recorded is again
    if isinstance(again, Decimal):
        return _as_number(recorded) == again
    if isinstance(again, tuple):
        items = recorded if isinstance(recorded, list | tuple) else ()
        return len(items) == len(again) and all(map(same_value, again, items))
    return value_of("", recorded) == again


def _as_number(recorded: Any) -> Decimal | None:
    if isinstance(recorded, Mapping):
        recorded = recorded.get("number")
    if isinstance(recorded, bool) or not isinstance(recorded, str | int | float):
        return None
    try:
        return Decimal(str(recorded))
    except InvalidOperation:
        return None
