"""How a call ended, as far as conditions ask for it: times, parties, outcome.

Times are seconds of one clock, whichever it is; the durations of the phases are the record's.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

__all__ = ["CallEnd", "DurationEnd", "DurationStart", "duration", "seconds"]

DurationStart = Literal["receipt", "origination", "answer"]
DurationEnd = Literal["calling", "called", "both", "either"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """The end of a call. The called leg is the one that was bridged, else the last that answered,
    else the last that was originated."""

    received: float
    """When its INVITE came."""
    originated: float | None = None
    """When the called leg's INVITE went out."""
    answered: float | None = None
    """When the called leg was answered."""
    calling_ended: float
    """When the calling leg ended."""
    called_ended: float | None = None
    """When the called leg ended."""
    ivr_seconds: float = 0.0
    ring_seconds: float = 0.0
    talk_seconds: float = 0.0
    total_seconds: float = 0.0
    ended_by: str
    """calling, called, switch; crash after one."""
    cause: str = ""
    status: int | None = None
    """Final SIP status of the called leg."""
    destination: str | None = None
    """What the called leg was dialled to."""
    bridged: bool = False


def seconds(value: float) -> Decimal:
    """A duration as a number of the language, in milliseconds exactly."""
    return Decimal(round(max(value, 0.0) * 1000)).scaleb(-3)


def duration(end: CallEnd, start: str, until: str) -> Decimal | None:
    """One of the twelve payable durations; 0 when it has not begun, None when there is no such."""
    if start not in get_args(DurationStart) or until not in get_args(DurationEnd):
        return None
    begun = {"receipt": end.received, "origination": end.originated, "answer": end.answered}[start]
    ends = [at for at in (end.calling_ended, end.called_ended) if at is not None]
    ended = {
        "calling": end.calling_ended,
        "called": end.called_ended,
        "both": max(ends),
        "either": min(ends),
    }[until]
    return Decimal(0) if begun is None or ended is None else seconds(ended - begun)
