"""Conference: answer the caller if that is due, and have it hear all others in the room."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from config.model import Confer, Node
from ivr.journey import Journey
from softswitch.call.conference import Conference, Full, OfOthers

__all__ = ["run_conference"]

logger = logging.getLogger(__name__)


async def run_conference(journey: Journey, node: Confer) -> tuple[Node, ...]:
    """Stay until somebody puts the caller out; whoever hangs up ends the call."""
    await journey.answer()
    call = journey.call
    if call.ended:
        return ()
    try:
        conference = _opened(journey, node.conference)
        if not call.within:
            conference.claim(call.counts_for.name)
            conference = _opened(journey, node.conference)  # over, if that put the last one out
        member = conference.add(call.caller, muted=node.muted, within=call.within)
    except OfOthers:
        logger.warning(
            "call %s: the conference %s is not for whoever placed or routed it",
            call.call_id, node.conference,
        )  # fmt: skip
        return ()
    except Full:
        return ()
    out: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    member.on_out.append(partial(_tell, out))
    try:
        await out
    finally:
        if not call.ended:
            conference.remove(member.leg, "diverted")
    call.forget_digits()
    return ()


def _opened(journey: Journey, name: str) -> Conference:
    campaigns = frozenset((journey.call.counts_for.name,))
    return journey.call.services.conferences.open(name, campaigns=campaigns)


def _tell(out: asyncio.Future[str], why: str) -> None:
    if not out.done():
        out.set_result(why)
