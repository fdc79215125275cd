"""Fraud: thresholds on what calls look like, and who is turned away for a while.

A threshold is looked at when a call has ended. When it is crossed, a `Ban` says whose following
calls of that campaign are rejected and until when; `FraudList` holds the bans of all nodes and
answers from memory. Knows no database and no clock: `at` is UTC in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from config.model import Campaign, FraudRule
from softswitch.campaign.evaluate import Facts
from softswitch.campaign.finding import Finding, look

__all__ = ["Ban", "FraudList", "banned_by", "blocking_list"]

MAX_BANS = 100_000
"""Bans held in memory, about 30 MB; beyond it those that end first are given up."""

Who = Literal["caller", "publisher", "number"]


@dataclass(frozen=True, slots=True)
class Ban:
    """Whose calls of a campaign are rejected, by which rule, until when."""

    campaign: str
    rule: str
    who: str
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
    raise NotImplementedError


def blocking_list(campaign: Campaign, facts: Facts) -> str | None:
    """The first list of blocked callers that the caller stands in."""
    raise NotImplementedError


class FraudList:
    """The bans in force."""

    def put(self, bans: Iterable[Ban]) -> None:
        """Add bans, or lengthen them."""

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
        raise NotImplementedError
