"""How many numbers a pool needs, and how often it will run out: Erlang's loss formula.

Visitors come independently of each other and keep a number for a mean time; a pool of n numbers is
a group of n lines. With an offered load of a = visits x time (in erlangs) the probability that a
visitor finds none free is

    B(0) = 1,  B(n) = a B(n-1) / (n + a B(n-1))

which does not depend on how the times are distributed. A number is kept at least for the pool's
minimum lifetime, whether or not the visitor is still there. Knows no pools.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Sizing", "blocking_of", "numbers_needed"]

MAX_NUMBERS = 1_000_000
"""Nobody rents more."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large a pool should be."""

    numbers: int
    load: float
    """Numbers in use on average if there were enough: erlangs."""
    blocking: float
    """Probability that a visitor finds none free."""


def blocking_of(load: float, numbers: int) -> float:
    """The probability that none of so many numbers is free."""
    blocking = 1.0
    for n in range(1, numbers + 1):
        blocking = load * blocking / (n + load * blocking)
    return blocking


def numbers_needed(visits_per_hour: float, seconds: float, blocking: float) -> Sizing:
    """The smallest pool that turns away at most the share `blocking` of visitors (0 to below 1).

    `seconds`: how long a visitor keeps a number, at least the minimum lifetime. Raises ValueError.
    """
    if not 0 < blocking < 1:
        raise ValueError("the blocking probability lies between 0 and 1")
    if visits_per_hour < 0 or seconds < 0:
        raise ValueError("visits and times are not negative")
    load = visits_per_hour * seconds / 3600
    found = 1.0
    for numbers in range(1, MAX_NUMBERS + 1):
        found = load * found / (numbers + load * found)
        if found <= blocking:
            return Sizing(numbers, load, found)
    raise ValueError(f"more than {MAX_NUMBERS} numbers would be needed")
