"""Controller: a system outside the switch steers the call.

The call is offered; whoever takes it has the call until it lets go, or is gone. Who that is, and
what it can do, is behind the Protocol in `ivr.services`.
"""

from __future__ import annotations

from config.model import Controller, Node, Treatment
from ivr.journey import Journey

__all__ = ["run_controller"]


async def run_controller(journey: Journey, node: Controller) -> tuple[Node, ...] | Treatment:
    """Wait until somebody has steered the call, or nobody could."""
    controllers = journey.services.controllers
    if controllers is None:
        return node.on_failure
    call = journey.call
    steered = controllers.offer(journey, node.name, node.system, node.within_seconds)
    try:
        outcome = await steered.outcome()
    finally:
        await steered.close()
    if isinstance(outcome, Treatment):
        return outcome
    if call.bridged:
        # As after a connect: what was meant for a caller alone is nothing for one who has talked.
        await call.talk()
    return () if outcome == "released" else node.on_failure
