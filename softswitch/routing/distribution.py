"""In which order the destinations of a connect, or the campaigns of a distribute, are tried.

Told everything: weights, prices, distances, calls in progress, what was served before, and random
numbers. The memory of what was served is the process's own: a node distributes what comes to it.
Knows nothing of expressions, calls or caps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from config.model import DistributionPolicy

__all__ = ["Arrangement", "Candidate", "DistributionMemory", "Served", "arrange"]

MAX_REMEMBERED = 100_000
"""Steps and destinations remembered; those that were not used for longest are forgotten."""

EXPECTED_CALLS = 10
"""What little is known of a new destination counts as so many calls at EXPECTED_RATE, so that
neither its first failure nor its first success decides."""
EXPECTED_RATE = 0.5


@dataclass(slots=True)
class Served:
    """What became of the calls that one destination or campaign was given."""

    in_progress: int = 0
    calls: int = 0
    conversions: int = 0

    @property
    def rate(self) -> float:
        """Share of calls that became conversions, as far as can be told."""
        expected = EXPECTED_CALLS * EXPECTED_RATE
        return (self.conversions + expected) / (self.calls + EXPECTED_CALLS)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that may be tried, and what the policies look at."""

    name: str
    weight: int = 1
    price: Decimal | None = None
    distance_km: float | None = None
    max_calls: int | None = None
    served: Served = field(default_factory=Served)

    @property
    def full(self) -> bool:
        """Whether it has as many calls as it takes."""
        return self.max_calls is not None and self.served.in_progress >= self.max_calls


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The order, as places in the list of candidates, and what it rests on."""

    order: tuple[int, ...]
    inputs: dict[str, Any]


def arrange(
    policy: DistributionPolicy,
    candidates: Sequence[Candidate],
    *,
    turn: int = 0,
    draw: Callable[[], float],
) -> Arrangement:
    """Order the candidates; those that are full are left out.

    `turn` counts how often this was asked before, `draw` gives random numbers in [0, 1).
    """
    free = [place for place, one in enumerate(candidates) if not one.full]
    order, inputs = _POLICIES[policy](candidates, free, turn, draw)
    full = [one.name for one in candidates if one.full]
    if full:
        inputs["full"] = full
    return Arrangement(tuple(order), inputs)


_Ordered = tuple[list[int], dict[str, Any]]
_Policy = Callable[[Sequence[Candidate], list[int], int, Callable[[], float]], _Ordered]


def _as_written(
    _all: Sequence[Candidate], free: list[int], _turn: int, _draw: Callable[[], float]
) -> _Ordered:
    return free, {}


def _round_robin(
    everyone: Sequence[Candidate], free: list[int], turn: int, _draw: Callable[[], float]
) -> _Ordered:
    # Turns go round all, so that one who is full for a while does not shift the others' turns.
    first = turn % len(everyone) if everyone else 0
    behind = [place for place in free if place < first]
    return [place for place in free if place >= first] + behind, {"turn": turn}


def _weighted(
    everyone: Sequence[Candidate], free: list[int], _turn: int, draw: Callable[[], float]
) -> _Ordered:
    """Drawn one after the other without putting back, each by its share of what is left."""
    left, order, draws = list(free), [], []
    while left:
        number = draw()
        draws.append(round(number, 6))
        point = number * sum(everyone[place].weight for place in left)
        for place in left:
            point -= everyone[place].weight
            if point < 0:
                break
        else:
            place = left[-1]
        order.append(place)
        left.remove(place)
    weights = {everyone[place].name: everyone[place].weight for place in free}
    return order, {"weights": weights, "draws": draws}


def _by_price(
    everyone: Sequence[Candidate], free: list[int], _turn: int, _draw: Callable[[], float]
) -> _Ordered:
    """Highest first; who names no price pays nothing. Equals stay as written."""
    order = sorted(free, key=lambda place: -(everyone[place].price or Decimal(0)))
    prices = {
        everyone[place].name: None if (price := everyone[place].price) is None else str(price)
        for place in free
    }
    return order, {"prices": prices}


def _by_conversion(
    everyone: Sequence[Candidate], free: list[int], _turn: int, _draw: Callable[[], float]
) -> _Ordered:
    order = sorted(free, key=lambda place: -everyone[place].served.rate)
    rates = {everyone[place].name: _told(everyone[place].served) for place in free}
    return order, {"conversions": rates}


def _told(served: Served) -> str:
    return f"{served.conversions} of {served.calls}"


def _by_availability(
    everyone: Sequence[Candidate], free: list[int], _turn: int, _draw: Callable[[], float]
) -> _Ordered:
    """Most free places first; who has no limit has the most."""

    def room(place: int) -> float:
        one = everyone[place]
        return float("inf") if one.max_calls is None else one.max_calls - one.served.in_progress

    order = sorted(free, key=lambda place: (-room(place), everyone[place].served.in_progress))
    rooms = {
        everyone[place].name: None if everyone[place].max_calls is None else int(room(place))
        for place in free
    }
    return order, {"free": rooms}


def _by_use(
    everyone: Sequence[Candidate], free: list[int], _turn: int, _draw: Callable[[], float]
) -> _Ordered:
    """Fewest calls now, then fewest calls since the start."""

    def used(place: int) -> tuple[int, int]:
        served = everyone[place].served
        return served.in_progress, served.calls

    order = sorted(free, key=used)
    return order, {"calls": {everyone[place].name: list(used(place)) for place in free}}


def _by_distance(
    everyone: Sequence[Candidate], free: list[int], _turn: int, _draw: Callable[[], float]
) -> _Ordered:
    """Nearest first; one whose distance is not known is none."""
    near = [(distance, place) for place in free
            if (distance := everyone[place].distance_km) is not None]  # fmt: skip
    near.sort()
    distances = {everyone[place].name: round(distance, 1) for distance, place in near}
    return [place for _, place in near], {"km": distances}


_POLICIES: dict[DistributionPolicy, _Policy] = {
    "order": _as_written,
    "round_robin": _round_robin,
    "weighted": _weighted,
    "price": _by_price,
    "conversion": _by_conversion,
    "availability": _by_availability,
    "least_used": _by_use,
    "nearest": _by_distance,
}


class DistributionMemory:
    """Whose turn it is, and what was served; one for the process."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, int] = OrderedDict()
        self._served: OrderedDict[str, Served] = OrderedDict()

    def turn(self, step: str) -> int:
        """How often a step was asked before; counts this time."""
        turn = self._turns.pop(step, 0)
        self._turns[step] = turn + 1
        if len(self._turns) > MAX_REMEMBERED:
            self._turns.popitem(last=False)
        return turn

    def peek_turn(self, step: str) -> int:
        """The same without counting."""
        return self._turns.get(step, 0)

    def served(self, name: str) -> Served:
        """What a destination or campaign was given."""
        found = self._served.get(name)
        if found is None:
            found = self._served[name] = Served()
            self._forget()
        else:
            self._served.move_to_end(name)
        return found

    def _forget(self) -> None:
        """Forget the one unused for longest that has no calls now."""
        if len(self._served) <= MAX_REMEMBERED:
            return
        for name, served in self._served.items():
            if not served.in_progress:
                del self._served[name]
                return

    def begin(self, name: str) -> None:
        """A destination or campaign is given a call."""
        served = self.served(name)
        served.in_progress += 1
        served.calls += 1

    def end(self, name: str, *, converted: bool | None) -> None:
        """The call is over; None: it did not come about, and does not count."""
        served = self.served(name)
        served.in_progress = max(0, served.in_progress - 1)
        if converted is None:
            served.calls = max(0, served.calls - 1)
        elif converted:
            served.conversions += 1
