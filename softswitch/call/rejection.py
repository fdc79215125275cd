"""Ways to turn a caller away that cost it time and us nothing: ringing without an answer, an
announcement before the answer or after it.

RFC 3261 13.3.1.1 (a provisional answer keeps an INVITE open, for three minutes at most) and RFC
3960 (early media). What is rejected, and why, is not known here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from config.model import Prompt
from softswitch.call.services import LoadedPrompt

if TYPE_CHECKING:
    from softswitch.call.call import Call

__all__ = ["USER_BUSY", "announce", "ring"]

USER_BUSY = 17
NO_ANSWER = 19

MAX_RING_SECONDS = 170.0
"""Proxies give up an INVITE that rings for three minutes (timer C)."""


async def ring(call: Call, seconds: float, cause: str) -> None:
    """Ring for so long, then end the call with 480."""
    if call.caller.waiting:
        call.caller.ring(180)
    call.ring_back()
    await asyncio.sleep(min(seconds, MAX_RING_SECONDS))
    call.end("switch", cause, status=480, q850=NO_ANSWER)


async def announce(
    call: Call, prompt: Prompt | LoadedPrompt, cause: str, status: int, *, answering: bool
) -> None:
    """Play the announcement, then end the call."""
    if answering:
        await call.answer()
    if call.open_early_media():
        await call.play(prompt)
    call.end("switch", cause, status=status)
