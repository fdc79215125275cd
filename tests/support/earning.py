"""Campaigns that rate and pay, written as an operator would."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from config.model import Campaign, FraudRule, Payout, PriceRule, RatingRule, Repeat
from softswitch.campaign.history import NoHistory
from tests.support.expressions import expression


def rules(word: str, *pairs: tuple[str | None, str]) -> tuple[PriceRule, ...]:
    """Price rules of (condition, amount)."""
    return tuple(
        PriceRule(
            f"{word}-{number}", None if when is None else expression(when), expression(amount)
        )
        for number, (when, amount) in enumerate(pairs, 1)
    )


def rating(*pairs: tuple[str | None, Any]) -> tuple[RatingRule, ...]:
    """Rating rules of (condition, rating)."""
    return tuple(
        RatingRule(None if when is None else expression(when), rate) for when, rate in pairs
    )


def payout(
    *base: tuple[str | None, str],
    bonuses: Sequence[tuple[str | None, str]] = (),
    currency: str = "USD",
    **more: Any,
) -> Payout:
    """A payout of such rules."""
    return Payout(currency, rules("base", *base), rules("bonus", *bonuses), **more)


def campaign(name: str = "Sale", **more: Any) -> Campaign:
    """A campaign of publisher p1."""
    return Campaign(name, "t", publisher="p1", **more)


def fraud(name: str, when: str, **more: Any) -> FraudRule:
    """A threshold."""
    return FraudRule(name, expression(when), **more)


REPEAT = Repeat(86400.0 * 30, Decimal("0"))


class History(NoHistory):
    """So many earlier calls of everybody."""

    def __init__(self, earlier: int) -> None:
        self.earlier = earlier
        self.asked: list[tuple[str, float, str | None, str | None, str | None]] = []

    def calls_by_caller(
        self,
        caller: str,
        *,
        since: float,
        before: float,
        campaign: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        self.asked.append((caller, before - since, campaign, publisher, number))
        return self.earlier
