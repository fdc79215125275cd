"""Calls that do nothing but hear and be heard: in a conference, or as a supervisor's.

Such a call's treatment is broken off, unless a controller steers the call or its parties talk: then
what is heard is only added to what they do. Knows neither conferences nor monitors; told when it is
over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.control.errors import ControlError, ErrorCode

__all__ = ["Attending", "answered_leg"]


class Attending:
    """What one call does instead of its treatment."""

    def __init__(self, call: Call, what: str, leave: Callable[[], object]) -> None:
        """`what` is the first word of the cause the call ends with; `leave` is called when the call
        is taken elsewhere meanwhile."""
        self._call = call
        self._what = what
        self._leave = leave
        self._over: asyncio.Future[str] = call.services.loop.create_future()

    def begin(self, holders: Mapping[str, Any]) -> None:
        """Break the treatment off, unless the call is steered or its parties talk."""
        if not self._call.bridged and self._call.call_id not in holders:
            self._call.divert(self.run)

    async def run(self) -> None:
        """Wait until it is over, and end the call."""
        try:
            why = await self._over
        except asyncio.CancelledError:
            self._leave()
            raise
        self._call.end("switch", f"{self._what}_{why}")

    def conclude(self, why: str) -> None:
        """It is over; twice is once."""
        if not self._over.done():
            self._over.set_result(why)


def answered_leg(leg: Leg) -> Leg:
    """A leg that can hear and be heard; raises ControlError."""
    if leg.ended or not leg.answered:
        raise ControlError(ErrorCode.WRONG_STATE, "the leg is not answered", leg=leg.leg_id)
    return leg
