"""The mentions of one phrase on one leg: each time that it was said, once.

Windows that overlap report a mention again, its time a little off. Within a result all mentions are
different ones; across results those are the same that can be told apart by nothing.
"""

from collections import deque
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

__all__ = ["Mention", "Mentions"]

SAME_NS = 700_000_000
"""How far apart two windows report the begin of the same mention: each is off by about 0.3 s."""
MAX_MENTIONS = 256
"""Mentions remembered of a phrase: more than a rule can count."""


class Mention(NamedTuple):
    """A phrase was said."""

    start_ns: int
    end_ns: int
    confidence: float
    text: str
    """The words as they were recognised."""
    phrase: str


class Mentions:
    """When a phrase was said."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.last: deque[Mention] = deque(maxlen=MAX_MENTIONS)
        self.count = 0

    def add(self, reported: Sequence[Mention], since_ns: int) -> list[Mention]:
        """Take the mentions of one result, which says again what was said from `since_ns` on, in
        order; those that are new.

        Each is the earliest known mention near it that is not taken yet, so that a row (`yes yes
        yes`) whose times are all off is not counted twice.
        """
        recent = takewhile(lambda mention: mention.end_ns > since_ns, reversed(self.last))
        known = [*recent][::-1]
        at = 0
        fresh: list[Mention] = []
        for mention in reported:
            while at < len(known) and known[at].start_ns < mention.start_ns - SAME_NS:
                at += 1
            if at < len(known) and known[at].start_ns <= mention.start_ns + SAME_NS:
                at += 1
            else:
                fresh.append(mention)
        self._keep(fresh)
        return fresh

    def _keep(self, fresh: list[Mention]) -> None:
        self.count += len(fresh)
        late = bool(fresh and self.last and fresh[0].start_ns < self.last[-1].start_ns)
        self.last.extend(fresh)
        if late:
            self.last = deque(sorted(self.last), MAX_MENTIONS)

    def within(self, since_ns: int | None) -> Sequence[Mention]:
        """The mentions that began at this time or after it; all without one."""
        if since_ns is None:
            return tuple(self.last)
        return tuple(mention for mention in self.last if mention.start_ns >= since_ns)
