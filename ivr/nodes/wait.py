"""Wait: answer the caller if that is due, and listen for some time."""

from __future__ import annotations

import asyncio

from config.model import Node, Wait
from ivr.journey import Journey


async def run_wait(journey: Journey, node: Wait) -> tuple[Node, ...]:
    """Wait to the end, or until a key when the node allows it."""
    await journey.answer()
    call = journey.call
    if call.ended:
        return ()
    if not node.barge_in:
        await asyncio.sleep(node.seconds)
        call.forget_digits()
        return ()
    try:
        async with asyncio.timeout(node.seconds):
            await call.caller.keys.wait()
    except TimeoutError:
        return ()
    return ()
