"""A rule that was looked at: its condition, the facts it rested on, and what came of it.

Findings become `DecisionMade` events and, by them, part of the record. Knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.model import Expression, Value
from softswitch.campaign.evaluate import Facts, Noting, evaluate

__all__ = ["ALWAYS", "Finding", "look", "plain"]

ALWAYS = "always"
"""What stands for the condition of a rule that has none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, looked at once."""

    rule: str
    expression: str
    inputs: Mapping[str, Any]
    result: Value


def look(rule: str, expression: Expression | None, facts: Facts) -> Finding:
    """Evaluate a rule's expression and note what it rested on; none is true."""
    if expression is None:
        return Finding(rule, ALWAYS, {}, True)
    noting = Noting(facts)
    result = evaluate(expression, noting)
    return Finding(rule, expression.text, noting.inputs, result)
