"""A rule that was looked at: its condition, the facts it rested on, and what came of it.

Findings become `DecisionMade` events and, by them, part of the record. Knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.model import Expression, Value
from softswitch.campaign.evaluate import SECRET, Facts, Noting, evaluate, plain
from softswitch.campaign.facts import CallFacts

__all__ = ["ALWAYS", "Finding", "look", "noting"]

ALWAYS = "always"
"""What stands for the condition of a rule that has none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, looked at once."""

    rule: str
    expression: str
    inputs: Mapping[str, Any]
    result: Value
    secret: bool = False
    """Whether the result is made of a secret."""

    @property
    def told(self) -> Any:
        """The result as plain JSON."""
        return dict(SECRET) if self.secret else plain("", self.result)


def noting(facts: Facts) -> Noting:
    """Facts that note what they are asked for; secrets of a live call stay secret."""
    return facts.noting() if isinstance(facts, CallFacts) else Noting(facts)


def look(rule: str, expression: Expression | None, facts: Facts) -> Finding:
    """Evaluate a rule's expression and note what it rested on; none is true."""
    if expression is None:
        return Finding(rule, ALWAYS, {}, True)
    noted = noting(facts)
    result = evaluate(expression, noted)
    secret = noted.used_secret and not isinstance(result, bool)
    return Finding(rule, expression.text, noted.inputs, result, secret)
