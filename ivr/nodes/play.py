"""Play: answer the caller if that is due, play one prompt, go on."""

from __future__ import annotations

from config.model import Node, Play
from softswitch.call.call import Call


async def run_play(call: Call, node: Play) -> tuple[Node, ...]:
    """Play the prompt to its end, or until a key when the node allows it."""
    await call.answer()
    if not call.ended:
        await call.play(node.prompt, barge_in=node.barge_in)
        if node.barge_in:
            call.forget_digits()
    return ()
