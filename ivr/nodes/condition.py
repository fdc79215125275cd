"""Condition: follow the steps of the first case that holds."""

from __future__ import annotations

from config.model import Condition, Node
from ivr.journey import Journey


async def run_condition(journey: Journey, node: Condition) -> tuple[Node, ...]:
    """Look at the cases in order; nothing is answered or waited for."""
    for case in node.cases:
        if journey.holds("condition", node.name, case.when):
            return case.steps
    return node.otherwise
