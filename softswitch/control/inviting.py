"""Calling somebody in: a call of our own making that does one thing when it is answered.

The toll guard's rules hold as for `call.originate`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ivr.click_to_call import Plan
from softswitch.call.call import Call
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.originate import permit_for
from softswitch.control.session import Caller
from softswitch.switchboard.originate import NotPlaced

__all__ = ["call_out"]


def call_out(
    desk: Desk,
    caller: Caller,
    campaign: str | None,
    to: str,
    then: Callable[[Call], Awaitable[None]],
) -> Call:
    """Call a number or URI for a campaign; `then` runs when it answers, and the call ends with it.
    Raises ControlError."""
    if desk.originator is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch places no calls")
    found = desk.configuration().campaigns.get(campaign or "")
    if found is None or not caller.identity.sees(found.name):
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such campaign")
    permit = permit_for(desk, caller, found, to)
    plan = Plan(
        permit.destination,
        then=then,
        caller_id=permit.caller_id,
        within=caller.identity.campaigns,
    )
    placed = desk.originator.place(found, plan, [permit])
    if isinstance(placed, NotPlaced):
        raise ControlError(ErrorCode.NO_CAPACITY, placed.why)
    return placed
