"""What a dial or a transfer can end in, as values: callers match on them, nothing is raised for
what the far end did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.call.called_leg import CalledLeg

__all__ = [
    "Answered",
    "Cancelled",
    "Declined",
    "DialFailure",
    "DialOutcome",
    "Rejected",
    "TimedOut",
    "TransferFailed",
    "TransferOutcome",
    "Transferred",
]


@dataclass(frozen=True, slots=True)
class Answered:
    """The far end answered (and accepted, where it was asked); its media is agreed."""

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
    cause: int | None = None
    """The Q.850 cause that the far end gave itself; None where it gave none."""


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


@dataclass(frozen=True, slots=True)
class Declined:
    """The far end answered and did not take the call: another destination may."""

    status: int = 480
    q850: int = 21
    why: str = ""
    """A word for it (machine, hung_up), where there is more to say than that it was declined."""
    final: bool = False
    """Whether nobody else is to be called: what was to be said was left there."""


DialFailure = Rejected | TimedOut | Cancelled | Declined
DialOutcome = Answered | DialFailure


@dataclass(frozen=True, slots=True)
class Transferred:
    """The peer told that its new call was answered; ours has ended."""

    status: int = 200


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """The call goes on as before, unless the peer has left."""

    status: int
    """The last status told: of the new call, or of the request itself."""
    why: str
    """refused (the request), failed (the new call), timeout, untold (the peer took it, and said
    that it would tell nothing), hung_up (a party, or the switch, has ended the call), other_ended
    (the leg of the other call that it was sent to is over), not_possible (no dialog, no usable
    address, or another transfer under way)."""


TransferOutcome = Transferred | TransferFailed
