"""Play: answer the caller if that is due, play one prompt, go on."""

from __future__ import annotations

from config.model import Node, Play
from ivr.journey import Journey


async def run_play(journey: Journey, node: Play) -> tuple[Node, ...]:
    """Play the prompt to its end, or until a key when the node allows it."""
    await journey.answer()
    call = journey.call
    if not call.ended:
        await journey.play(node.prompt, barge_in=node.barge_in)
        if node.barge_in:
            call.forget_digits()
    return ()
