"""Which keywords were heard on a call, by side and name, and how often."""

from collections import Counter
from collections.abc import Collection
from decimal import Decimal

__all__ = ["SIDES", "KeywordsHeard"]

SIDES = ("caller", "agent")
MAX_NAMES = 2000
"""Different rules and words of a call that are counted; more are not told apart by anyone."""


class KeywordsHeard:
    """Counts rules and words, without case."""

    __slots__ = ("_counts", "score")

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self.score = Decimal(0)
        """Sum of the weights of all hits."""

    def add(self, side: str, names: Collection[str], weight: int) -> None:
        """One hit: the rule, what was said, and the phrases that were found, by all their names."""
        self.score += weight
        for name in {name.lower() for name in names if name}:
            if (side, name) in self._counts or len(self._counts) < MAX_NAMES:
                self._counts[side, name] += 1

    def count(self, name: str, side: str = "") -> int:
        """How often it was heard on a side; empty: on both."""
        sides = (side,) if side else SIDES
        return sum(self._counts[one, name.lower()] for one in sides)
