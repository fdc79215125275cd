"""Who hears whom, beyond the two of a call: what a leg hears of its own call and of its circles.

A circle is a conference or a supervisor's ear; it says whom it has each of its legs hear. A leg
that is in none has no `company`, and hears the one it is joined to, relayed packet by packet. One
that hears several hears their sum: keys (RFC 4733) do not come through there, which is why `Call`
presses them again. A leg that presses secret keys, is on hold, or is muted by a circle is heard by
nobody. Says it to the engine; knows no reason for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = [
    "MAX_HEARD",
    "Circle",
    "Company",
    "apply",
    "enter",
    "hears_a_mix",
    "leave",
    "left",
    "tell",
    "whom_hears",
]

MAX_HEARD = 128
"""Others that one leg can hear: what the engine mixes at most."""


class Circle(Protocol):
    """Legs that have more to hear than their own call."""

    def heard_by(self, leg: Leg) -> Iterable[Leg]:
        """Whom it has this leg hear."""

    def mutes(self, leg: Leg) -> bool:
        """Whether it has nobody hear this leg."""

    def refresh(self) -> None:
        """Something has changed for a leg of it: have each hear what it is to hear now."""

    def on_left(self, leg: Leg) -> None:
        """A leg is over."""


class Company:
    """The circles of one leg."""

    __slots__ = ("circles",)

    def __init__(self) -> None:
        self.circles: list[Circle] = []

    def mutes(self, leg: Leg) -> bool:
        """Whether some circle has nobody hear the leg."""
        return any(circle.mutes(leg) for circle in self.circles)


def enter(leg: Leg, circle: Circle) -> None:
    """Take a leg into a circle; twice is once."""
    if leg.company is None:
        leg.company = Company()
    if circle not in leg.company.circles:
        leg.company.circles.append(circle)


def leave(leg: Leg, circle: Circle) -> None:
    """Take a leg out of a circle: it hears what is left."""
    if leg.company is None or circle not in leg.company.circles:
        return
    leg.company.circles.remove(circle)
    if not leg.company.circles:
        leg.company = None
    apply(leg)
    joined = _joined_with(leg)
    if joined is not None:
        apply(joined)


def tell(leg: Leg) -> None:
    """What can be heard of a leg, or whom it is joined to, has changed."""
    if leg.company is not None:
        for circle in tuple(leg.company.circles):
            circle.refresh()


def left(leg: Leg) -> None:
    """A leg is over: no circle knows it any more."""
    company, leg.company = leg.company, None
    if company is not None:
        for circle in company.circles:
            circle.on_left(leg)


def apply(leg: Leg) -> None:
    """Have the engine do what this leg is to hear now."""
    if leg.ended or leg.media is None or leg.media.port.closed:
        return
    leg.media.port.hears([one.media.port for one in whom_hears(leg) if one.media is not None])


def hears_a_mix(leg: Leg | None) -> bool:
    """Whether keys pressed by those it hears do not reach its peer by themselves."""
    return leg is not None and leg.company is not None and len(whom_hears(leg)) > 1


def whom_hears(leg: Leg) -> list[Leg]:
    """The legs that a leg is to hear now, its own call's first."""
    if leg.on_hold is not None:
        return []
    joined = _joined_with(leg)
    heard = {} if joined is None else {joined: None}
    if leg.company is not None:
        for circle in leg.company.circles:
            heard.update(dict.fromkeys(circle.heard_by(leg)))
        heard.pop(leg, None)
    return [one for one in heard if _audible(one)][:MAX_HEARD]


def _joined_with(leg: Leg) -> Leg | None:
    """The leg of its own call that it hears."""
    call = leg.call
    if call.joined is None or call.concluded:
        return None
    if leg is call.joined:
        return call.caller
    return call.joined if leg is call.caller else None


def _audible(leg: Leg) -> bool:
    if leg.ended or leg.secrets or leg.on_hold is not None or leg.media is None:
        return False
    if leg.media.port.closed:
        return False
    return leg.company is None or not leg.company.mutes(leg)
