"""Which keywords were heard on a call, by side and name, and how often."""

from collections.abc import Collection
from decimal import Decimal

__all__ = ["SIDES", "KeywordsHeard"]

SIDES = ("caller", "agent")
MAX_NAMES = 2000
"""Different rules of a call that are counted, and words; more are not told apart by anyone."""

_NOTHING = Decimal(0)


class KeywordsHeard:
    """Counts rules and words, without case. A name that a rule has means the rule, also when other
    rules have found it as a word."""

    __slots__ = ("_rules", "_words", "score")

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str], int] = {}
        self._words: dict[tuple[str, str], int] = {}
        self.score = _NOTHING
        """Sum of the weights of all hits."""

    def add(self, side: str, rule: str, words: Collection[str], weight: int) -> None:
        """One hit: the rule, and what was found, by all its names: what was said, and phrases."""
        self.score += weight
        _count(self._rules, side, (rule,))
        _count(self._words, side, words)

    def count(self, name: str, side: str = "", *, rules: Collection[str] = ()) -> int:
        """How often it was heard on a side; empty: on both. `rules`: names that are of rules,
        besides those that have come true."""
        key = name.lower()
        is_rule = any((one, key) in self._rules for one in SIDES) or any(
            rule.lower() == key for rule in rules
        )
        counts = self._rules if is_rule else self._words
        return sum(counts.get((one, key), 0) for one in ((side,) if side else SIDES))


def _count(counts: dict[tuple[str, str], int], side: str, names: Collection[str]) -> None:
    for name in {name.lower() for name in names if name}:
        so_far = counts.get((side, name), 0)
        if so_far or len(counts) < MAX_NAMES:
            counts[side, name] = so_far + 1
