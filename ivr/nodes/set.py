"""Set: compute variables, one after the other."""

from __future__ import annotations

from config.model import Node, SetVariables
from ivr.journey import Journey
from softswitch.call.events import VariableSet
from softswitch.campaign.evaluate import SECRET, plain


async def run_set(journey: Journey, node: SetVariables) -> tuple[Node, ...]:
    """Set each; one computed from a secret is a secret too."""
    for name, expression in node.values.items():
        value, secret, private, _ = journey.compute(expression)
        fact = f"var.{name}"
        journey.facts.secrets.discard(fact)
        journey.facts.private.discard(fact)
        journey.facts.set(fact, value, secret=secret, private=private)
        told = dict(SECRET) if secret else plain(fact, value)
        journey.call.emit(VariableSet, node=node.name, name=name, value=told)
    return ()
