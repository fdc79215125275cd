"""What a dial can end in, as values: callers match on them, nothing is raised for what the far end
did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.call.called_leg import CalledLeg

__all__ = ["Answered", "Cancelled", "DialFailure", "DialOutcome", "Rejected", "TimedOut"]


@dataclass(frozen=True, slots=True)
class Answered:
    """The far end answered; its media is agreed."""

    leg: CalledLeg


@dataclass(frozen=True, slots=True)
class Rejected:
    """The far end, or our own stack on its behalf, refused with a final status."""

    status: int
    reason: str
    q850: int
    by_far_end: bool = False
    """Whether it was the far end that said so, in a response."""
    no_capacity: bool = False
    """Whether it is us who have no room for the leg: no media port, or the trunk's limit."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody answered within the ring time; the INVITE was cancelled."""

    status: int = 408
    q850: int = 19


@dataclass(frozen=True, slots=True)
class Cancelled:
    """We took the dial back (the caller went away)."""

    status: int = 487
    q850: int = 16


DialFailure = Rejected | TimedOut | Cancelled
DialOutcome = Answered | DialFailure
