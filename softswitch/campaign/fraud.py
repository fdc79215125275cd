"""Fraud: thresholds on what calls look like, and who is turned away for a while.

A threshold is looked at when a call has ended. When it is crossed, a `Ban` says whose following
calls of that campaign are rejected and until when; `FraudList` holds the bans of all nodes and
answers from memory. Knows no database and no clock: `at` is UTC in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest

from config.model import Campaign, FraudRule
from softswitch.campaign.evaluate import Facts
from softswitch.campaign.finding import Finding, look

__all__ = ["Ban", "FraudList", "banned_by", "blocking_list"]

MAX_BANS = 100_000
"""Bans held in memory, about 30 MB; beyond it those that end first are given up."""

GIVEN_UP = MAX_BANS // 20
"""Given up at once, so that a full list is not searched with every ban."""

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Ban:
    """Whose calls of a campaign are rejected, by which rule, until when."""

    campaign: str
    rule: str
    who: str
    """caller, publisher or number."""
    value: str
    until: float


def banned_by(
    campaign: Campaign,
    facts: Facts,
    *,
    caller: str,
    publisher: str | None,
    number: str,
    at: float,
) -> tuple[list[Finding], list[Ban]]:
    """Look at a campaign's thresholds after a call; a call without caller or publisher bans
    nobody."""
    findings, bans = [], []
    for rule in campaign.fraud:
        found = look(rule.name, rule.when, facts)
        findings.append(found)
        value = _whose(rule, caller, publisher, number)
        if found.result is True and value:
            bans.append(Ban(campaign.name, rule.name, rule.who, value, at + rule.seconds))
    return findings, bans


def blocking_list(campaign: Campaign, facts: Facts) -> str | None:
    """The first list of blocked callers that the caller stands in."""
    if campaign.blocked is None:
        return None
    for name in campaign.blocked.lists:
        if facts.function("listed", (name,)) is True:
            return name
    return None


class FraudList:
    """The bans in force."""

    def __init__(self) -> None:
        self._until: dict[_Key, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def put(self, bans: Iterable[Ban]) -> None:
        """Add bans, or lengthen them."""
        for ban in bans:
            key = (ban.campaign, ban.rule, ban.who, ban.value)
            self._until[key] = max(ban.until, self._until.get(key, 0.0))
            if len(self._until) > MAX_BANS:
                for first in nsmallest(GIVEN_UP, self._until, key=self._until.__getitem__):
                    del self._until[first]

    def forget(self, at: float) -> None:
        """Drop what is over."""
        for key in [key for key, until in self._until.items() if until <= at]:
            del self._until[key]

    def blocked(
        self,
        campaign: Campaign,
        *,
        caller: str,
        publisher: str | None,
        number: str,
        at: float,
    ) -> FraudRule | None:
        """The rule that a call is rejected by."""
        for rule in campaign.fraud:
            key = (campaign.name, rule.name, rule.who, _whose(rule, caller, publisher, number))
            if self._until.get(key, 0.0) > at:
                return rule
        return None

    def bans(self) -> Iterator[Ban]:
        """All bans."""
        for (campaign, rule, who, value), until in self._until.items():
            yield Ban(campaign, rule, who, value, until)


def _whose(rule: FraudRule, caller: str, publisher: str | None, number: str) -> str:
    """Whom a rule is about in a call; empty for nobody."""
    if rule.who == "caller":
        return caller
    return number if rule.who == "number" else publisher or ""
