"""When the legs of a call began, answered and ended, as plain values.

Three beginnings (receipt, origination and answer of the outbound leg) and the end of each side:
what the payable durations are made of. Seconds of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["CallTimes", "times_of"]


@dataclass(frozen=True, slots=True)
class CallTimes:
    """None: it has not happened (yet)."""

    received: float
    caller_answered: float | None
    originated: float | None
    """When the outbound leg was called: the one that was bridged, the first of them where a party
    was moved from one to another; when none was, the last that answered, else the last that was
    called."""
    answered: float | None
    """When it answered."""
    calling_ended: float | None
    called_ended: float | None
    bridged: bool


def times_of(legs: Sequence[Leg], bridged: Leg | None, first: Leg | None = None) -> CallTimes:
    """The times of a call with these legs, the caller's first; `first` was bridged before a party
    was moved."""
    caller, callees = legs[0], legs[1:]
    answered = [leg for leg in callees if leg.answered]
    counted: Leg | None = bridged
    if counted is None and callees:
        counted = (answered or callees)[-1]
    begun = first or counted
    return CallTimes(
        received=caller.opened_clock,
        caller_answered=caller.answered_clock,
        originated=None if begun is None else begun.originated_clock,
        answered=None if begun is None else begun.answered_clock,
        calling_ended=caller.ended_clock,
        called_ended=None if counted is None else counted.ended_clock,
        bridged=bridged is not None,
    )
