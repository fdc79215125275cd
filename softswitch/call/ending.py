"""How the legs of a call are left at its end: each by the method that its state asks for.

RFC 3261 sections 9 (CANCEL), 15 (BYE) and 21 (refusals), RFC 3326 (why), RFC 6357 (503 with
Retry-After). Whether and why a call ends is not known here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from softswitch.call.called_leg import CalledLeg
from softswitch.call.calling_leg import CallingLeg
from softswitch.call.leg import Leg
from softswitch.sip.causes import q850_for_status, reason_header

__all__ = [
    "MAX_RETRY_AFTER",
    "NORMAL_CLEARING",
    "close_legs",
    "leave_callees",
    "leave_caller",
    "who_left",
]

NORMAL_CLEARING = 16

MAX_RETRY_AFTER = 5
"""Seconds in Retry-After of a 503 at most; the time is drawn at random so that callers do not come
back together."""


def who_left(ended_by: str, caller: Leg, callee: Leg | None) -> Leg | None:
    """The leg whose peer has ended a call, by the side it is on."""
    return {"calling": caller, "called": callee}.get(ended_by)


def leave_callees(
    legs: Iterable[Leg], caller: Leg, gone: Leg | None, reason: str, cause: str, q850: int
) -> None:
    """Leave every leg but the caller's and the one whose peer has gone by itself. A caller whose
    place another has (it has asked for a transfer) is left as the outbound ones are."""
    for leg in legs:
        if leg is caller or leg.ended:
            continue
        if leg is gone:
            leg.finish(status=200, cause=cause, q850=q850)
        else:
            leg.hang_up(reason, cause=cause, q850=q850)


def leave_caller(
    leg: CallingLeg | CalledLeg,
    gone: Leg | None,
    ended_by: str,
    cause: str,
    status: int | None,
    reason: str,
    q850: int,
    headers: tuple[tuple[str, str], ...],
) -> None:
    """Send BYE or the refusal, unless it was the caller that ended the call."""
    if leg.answered:
        if leg is not gone:
            leg.send_bye(reason)
        leg.finish(status=200, cause=cause, q850=q850)
        return
    final = status or 480
    # Normal clearing is what it is without a word of why: then the status says more.
    code = q850 if q850 != NORMAL_CLEARING else q850_for_status(final)
    if ended_by != "calling":
        if final == 503 and not any(name == "Retry-After" for name, _ in headers):
            headers = (*headers, ("Retry-After", str(random.randint(1, MAX_RETRY_AFTER))))
        leg.refuse(final, headers=(*headers, ("Reason", reason_header(code))))
    leg.finish(status=final, cause=cause, q850=code)


def close_legs(legs: Iterable[Leg], cause: str) -> None:
    """Close what a failure has left open."""
    for leg in legs:
        if not leg.ended:
            leg.finish(status=200 if leg.answered else 500, cause=cause)
