"""What a call earns: the first base rule that holds, and every bonus that holds.

Amounts are exact decimals until the end; each rule's amount is rounded to the currency's minor unit
(ISO 4217), half to even, as it is added, so that the rules of a record add up to its amount. A
repeat caller's price stands in the place of base and bonuses, where these would have earned
something. A payout never is below zero, nor above the maximum.

Every rule that was looked at becomes a `Finding` with the facts it rested on. Knows neither events
nor records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from config.model import Campaign, Payout

if TYPE_CHECKING:
    from softswitch.campaign.evaluate import Facts

__all__ = ["Paid", "highest", "pay", "rounded"]


@dataclass(frozen=True, slots=True)
class Paid:
    """What a call earns, and which rules say so."""

    amount: Decimal
    currency: str
    rules: tuple[Mapping[str, Any], ...]
    """Each that counted: name, amount (text), when (its condition), publisher for its price."""
    findings: tuple[Finding, ...]
    """Each that was looked at, in this order."""


def pay(campaign: Campaign, facts: Facts, *, publisher: str | None = None) -> Paid | None:
    """What a call earns; None for a campaign without payout."""
    raise NotImplementedError


def highest(payout: Payout) -> Decimal:
    """The most that one call can earn: what a budget cap reserves. Infinity where nothing says."""
    raise NotImplementedError
