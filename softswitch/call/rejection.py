"""Ways to turn a caller away that cost it time and us nothing: ringing without an answer, busy, an
announcement before the answer or after it.

RFC 3261 13.3.1.1 (a provisional answer keeps an INVITE open, for three minutes at most) and RFC
3960 (early media). What is rejected, and why, is not known here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from config.model import Prompt
from softswitch import sdp
from softswitch.call.joining import ring_back
from softswitch.call.services import LoadedPrompt

if TYPE_CHECKING:
    from softswitch.call.call import Call

__all__ = ["reject_busy", "reject_with_announcement", "reject_with_ringing"]

USER_BUSY = 17
NO_ANSWER = 19

MAX_RING_SECONDS = 170.0
"""Proxies give up an INVITE that rings for three minutes (timer C)."""


async def reject_with_ringing(call: Call, seconds: float, *, cause: str = "rejected") -> None:
    """Ring for so long, then 480; a caller that was answered hears ringback, then BYE."""
    if call.caller.waiting:
        call.caller.ring(180)
    ring_back(call)
    await asyncio.sleep(min(seconds, MAX_RING_SECONDS))
    call.end("switch", cause, status=480, q850=NO_ANSWER)


def reject_busy(call: Call, *, cause: str = "rejected") -> None:
    """486, or BYE for a caller that was answered."""
    call.end("switch", cause, status=486, q850=USER_BUSY)


async def reject_with_announcement(
    call: Call,
    prompt: Prompt | LoadedPrompt,
    *,
    cause: str = "rejected",
    status: int = 480,
    answering: bool = False,
) -> None:
    """Play the announcement as early media, or after answering, then end the call.

    A caller that leaves the offer to us can hear nothing before the answer: it is refused without.
    """
    if answering:
        await call.answer()
    if _can_be_heard(call):
        await call.play(prompt)
    call.end("switch", cause, status=status)


def _can_be_heard(call: Call) -> bool:
    """Open early media to a caller that was not answered; False when it will hear nothing."""
    if call.ended or not call.caller.waiting:
        return not call.ended
    try:
        return call.caller.open_early_media(183, None)
    except sdp.NotAcceptable as error:
        call.refuse_offer(error)
        return False
