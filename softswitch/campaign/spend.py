"""What campaigns have spent within the last hour: minutes of outbound legs as they begin, and
payouts. Takes the time; knows no call and no configuration.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, defaultdict
from decimal import Decimal

__all__ = ["SpendBook"]

MINUTE = 60.0
MINUTES = 60
"""Of the hour that is looked back on. Sums are kept by the minute: calls take no room in them."""

NOTHING = Decimal(0)


class _Sums:
    """What one campaign has spent, by the minute."""

    __slots__ = ("minutes", "total")

    def __init__(self) -> None:
        self.minutes: OrderedDict[int, Decimal] = OrderedDict()
        self.total = NOTHING

    def add(self, minute: int, amount: Decimal) -> None:
        self.minutes[minute] = self.minutes.get(minute, NOTHING) + amount
        self.total += amount

    def forget_before(self, minute: int) -> None:
        while self.minutes and next(iter(self.minutes)) < minute:
            self.total -= self.minutes.popitem(last=False)[1]


class SpendBook:
    """Sums of campaigns that are watched, and the legs whose minutes go on."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, _Sums] = defaultdict(_Sums)
        self._legs: dict[str, tuple[str, Decimal]] = {}
        """Campaign and cost a minute, by leg."""
        self._due: list[tuple[float, str]] = []
        """When the next minute of a leg begins; of one that has ended, nothing does."""

    def begin(self, leg: str, campaign: str, cost: Decimal, now: float) -> None:
        """A leg was answered: its minutes cost from now on."""
        self._advance(now)
        self._legs[leg] = campaign, cost
        heapq.heappush(self._due, (now, leg))
        self._advance(now)

    def end(self, leg: str, now: float) -> None:
        """A leg is over; one that never began is fine."""
        self._advance(now)
        self._legs.pop(leg, None)

    def pay(self, campaign: str, amount: Decimal, now: float) -> None:
        """Something was paid for a call."""
        self._advance(now)
        self._sums[campaign].add(int(now // MINUTE), amount)

    def spent(self, campaign: str, now: float) -> Decimal:
        """What a campaign has spent within the last hour."""
        self._advance(now)
        sums = self._sums.get(campaign)
        if sums is None:
            return NOTHING
        sums.forget_before(int(now // MINUTE) - MINUTES + 1)
        return sums.total

    @property
    def legs(self) -> int:
        """How many legs go on."""
        return len(self._legs)

    def _advance(self, now: float) -> None:
        """Let the minutes begin that are due."""
        while self._due and self._due[0][0] <= now:
            at, leg = heapq.heappop(self._due)
            known = self._legs.get(leg)
            if known is not None:
                campaign, cost = known
                self._sums[campaign].add(int(at // MINUTE), cost)
                heapq.heappush(self._due, (at + MINUTE, leg))
