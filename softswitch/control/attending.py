"""Calls that do nothing but hear and be heard: in a conference, or as a supervisor's.

Such a call's treatment is broken off, unless a controller steers the call or its parties talk: then
what is heard is only added to what they do. Knows neither conferences nor monitors; told when it is
over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.control.errors import ControlError, ErrorCode

__all__ = ["Attending", "answered_leg", "attend", "attended", "conclude"]

Attending = asyncio.Future[str]
"""Set when it is over: why, which is the cause the call ends with."""


def attend(call: Call, holders: Mapping[str, Any]) -> Attending:
    """Have a call do nothing else until the future is set, and end then; a call that is steered or
    that talks goes on as it is."""
    over: Attending = call.services.loop.create_future()
    if not call.bridged and call.call_id not in holders:
        call.divert(partial(attended, call, over))
    return over


async def attended(call: Call, over: Attending) -> None:
    """The treatment of a call that attends something."""
    call.end("switch", await over)


def conclude(over: Attending, what: str, why: str) -> None:
    """It is over, once."""
    if not over.done():
        over.set_result(f"{what}_{why}")


def answered_leg(leg: Leg) -> Leg:
    """A leg that can hear and be heard; raises ControlError."""
    if leg.ended or not leg.answered:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is not answered", leg=leg.leg_id)
    return leg
