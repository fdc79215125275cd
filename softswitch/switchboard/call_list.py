"""One list of numbers to be called: who is next, who is tried again, what became of them.

Told what time it is (monotonic seconds) and what became of each call; knows no call and no clock.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ivr.click_to_call import Plan

__all__ = ["MAX_NUMBERS", "CallList", "ListOrder", "Outcome"]

MAX_NUMBERS = 50_000
"""Numbers of one list; as many fit into one request."""

Outcome = Literal["answered", "unanswered", "opted_out", "not_allowed"]


@dataclass(frozen=True, slots=True)
class ListOrder:
    """What is asked for."""

    name: str
    campaign: str
    numbers: tuple[str, ...]
    plan: Plan
    """What who answers gets; its `first` is filled in for each number."""
    at_once: int = 1
    attempts: int = 1
    """How often each is called at most, until it answers."""
    retry_seconds: float = 3600.0
    """Between two attempts."""
    hours: str | None = None
    """Schedule outside which nobody is called. None: at any time."""
    opt_out_key: str | None = None
    second: str | None = None
    """Whom those who answer are connected to; checked anew for each call."""
    caller_id: str | None = None
    token: str = ""
    """Whose rules hold."""


@dataclass(order=True, slots=True)
class _Entry:
    due: float
    place: int
    number: str = field(compare=False)
    tries: int = field(default=0, compare=False)


class CallList:
    """Numbers, in their order."""

    def __init__(self, numbers: Iterable[str], *, attempts: int, retry_seconds: float) -> None:
        """A number that stands twice is called once."""
        self._waiting = [
            _Entry(0.0, place, number) for place, number in enumerate(dict.fromkeys(numbers))
        ]
        self._calling: dict[str, _Entry] = {}
        self._attempts = attempts
        self._retry_seconds = retry_seconds
        self.outcomes: Counter[Outcome] = Counter()
        self.total = len(self._waiting)

    @property
    def calling(self) -> int:
        """How many are being called, or talk."""
        return len(self._calling)

    @property
    def left(self) -> int:
        """How many are still to be called, or called again."""
        return len(self._waiting)

    def wait(self, now: float) -> float | None:
        """Seconds until somebody is due, 0 for now; None: nobody is left but those being called."""
        return max(0.0, self._waiting[0].due - now) if self._waiting else None

    def take(self, now: float) -> str | None:
        """Whom to call now."""
        if not self._waiting or self._waiting[0].due > now:
            return None
        entry = heapq.heappop(self._waiting)
        entry.tries += 1
        self._calling[entry.number] = entry
        return entry.number

    def put_back(self, number: str) -> None:
        """It was not called after all; its turn comes again first."""
        entry = self._calling.pop(number)
        entry.tries -= 1
        heapq.heappush(self._waiting, entry)

    def settle(self, number: str, outcome: Outcome, now: float) -> None:
        """What became of it; one that did not answer is tried again, as often as was asked for."""
        entry = self._calling.pop(number)
        if outcome == "unanswered" and entry.tries < self._attempts:
            entry.due = now + self._retry_seconds
            heapq.heappush(self._waiting, entry)
        else:
            self.outcomes[outcome] += 1
