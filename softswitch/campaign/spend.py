"""What campaigns have spent within the last hour: minutes of outbound legs as they begin, and
payouts; with what other nodes have told. Takes the time; knows no call and no configuration.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

__all__ = ["MINUTE", "MINUTES", "SpendBook", "Spent"]

MINUTE = 60.0
MINUTES = 60
"""Of the hour that is looked back on. Sums are kept by the minute: calls take no room in them."""

NOTHING = Decimal(0)


class Spent(NamedTuple):
    """What a campaign has spent in one minute so far."""

    campaign: str
    minute: int
    amount: Decimal


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
        self.is_watching = False
        """Whether any campaign has a limit."""
        self.is_shared = False
        """Whether somebody takes the news, for other nodes."""
        self._news: dict[tuple[str, int], None] = {}
        """Campaigns and minutes of which nobody was told yet."""
        self._others: Mapping[str, Decimal] = {}
        self._heard = float("-inf")
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
        self._add(campaign, int(now // MINUTE), amount)

    def clear(self) -> None:
        """Forget everything: nobody is watched any more."""
        self._sums.clear()
        self._legs.clear()
        self._due.clear()
        self._news.clear()
        self._others = {}

    # Other nodes.

    def news(self, now: float, *, most: int) -> list[Spent]:
        """So many of the minutes in which something was spent since they were last told."""
        self._advance(now)
        oldest = _oldest(now)
        found: list[Spent] = []
        for campaign, minute in list(self._news):
            if len(found) == most:
                break
            del self._news[campaign, minute]
            amount = self._sums[campaign].minutes.get(minute)
            if amount is not None and minute >= oldest:
                found.append(Spent(campaign, minute, amount))
        return found

    def tell_again(self, news: Iterable[Spent]) -> None:
        """Nobody has heard it."""
        self._news.update(dict.fromkeys((one.campaign, one.minute) for one in news))

    def hear(self, others: Mapping[str, Decimal], now: float) -> None:
        """What all the others have spent within the last hour."""
        self._others, self._heard = others, now

    def spent(self, campaign: str, now: float) -> Decimal:
        """What a campaign has spent within the last hour, here and elsewhere."""
        self._advance(now)
        heard = now - self._heard < MINUTES * MINUTE
        others = self._others.get(campaign, NOTHING) if heard else NOTHING
        sums = self._sums.get(campaign)
        if sums is None:
            return others
        sums.forget_before(_oldest(now))
        return sums.total + others

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
                self._add(campaign, int(at // MINUTE), cost)
                heapq.heappush(self._due, (at + MINUTE, leg))

    def _add(self, campaign: str, minute: int, amount: Decimal) -> None:
        self._sums[campaign].add(minute, amount)
        if self.is_shared:
            self._news[campaign, minute] = None


def _oldest(now: float) -> int:
    """The first minute that counts."""
    return int(now // MINUTE) - MINUTES + 1
