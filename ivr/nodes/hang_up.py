"""Hang up: BYE for an answered caller, the stated refusal for another."""

from __future__ import annotations

from config.model import HangUp, Node
from ivr.journey import Journey


async def run_hang_up(journey: Journey, node: HangUp) -> tuple[Node, ...]:
    """End the call with the node's cause."""
    journey.call.end("switch", node.cause or "hang_up", status=node.status)
    return ()
