"""What a call earns: the first base rule that holds, and every bonus that holds.

Amounts are exact decimals; each rule's amount is rounded to the currency's minor unit (ISO 4217),
half to even, before it is added, so that the rules in a record add up to its amount. Where no base
rule holds nothing is earned, and no bonus either. A repeat caller's price stands in the place of
base and bonuses, where these would have been looked at. A payout is never below zero nor above its
maximum.

Every rule that was looked at becomes a `Finding` with the facts it rested on. Knows neither events
nor records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from config.model import Campaign, Constant, Expression, Function, Payout, PriceRule, Repeat
from config.payouts import AMOUNT, MAXIMUM, NOTHING, REPEAT, highest, minor_unit, rounded
from softswitch.campaign.evaluate import Facts
from softswitch.campaign.finding import Finding, look

__all__ = ["Paid", "highest", "minor_unit", "pay", "repeat_question", "rounded"]

MAX_AMOUNT = Decimal(1_000_000_000)
"""What a rule is worth at most, as for amounts that are written."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What a call earns, and which rules say so."""

    amount: Decimal
    currency: str
    rules: tuple[Mapping[str, Any], ...]
    """Each that counted: name, amount, when; they add up to the amount."""
    findings: tuple[Finding, ...]
    """Each that was looked at, in this order: conditions, then what an amount was computed
    from."""


def pay(campaign: Campaign, facts: Facts, *, publisher: str | None = None) -> Paid | None:
    """What a call earns its publisher; None for a campaign without payout."""
    payout = campaign.payout
    if payout is None:
        return None
    counter = _Counter(payout, facts)
    base = counter.first(payout.base)
    if base is not None:
        if payout.repeat is not None and counter.is_repeat(payout.repeat):
            counter.add(REPEAT, payout.repeat.amount, counter.findings[-1].expression)
        else:
            price = payout.prices.get(publisher) if publisher is not None else None
            counter.earn(base, price)
            for bonus in payout.bonuses:
                if counter.holds(bonus):
                    counter.earn(bonus, None)
    return counter.paid()


def repeat_question(repeat: Repeat) -> Expression:
    """How often the caller has called before, as an expression would ask."""
    seconds = Decimal(repeat.within_seconds).normalize()
    arguments = (Constant(seconds, "number"), Constant(repeat.by, "text"))
    text = f'calls_by_caller({seconds:f}, "{repeat.by}")'
    return Expression(text, Function("calls_by_caller", arguments, "number"))


class _Counter:
    """Adds up rules, and keeps what was looked at."""

    def __init__(self, payout: Payout, facts: Facts) -> None:
        self.findings: list[Finding] = []
        self._payout = payout
        self._facts = facts
        self._amount = NOTHING
        self._rules: list[Mapping[str, Any]] = []

    def first(self, rules: tuple[PriceRule, ...]) -> PriceRule | None:
        """The first rule that holds."""
        return next((rule for rule in rules if self.holds(rule)), None)

    def holds(self, rule: PriceRule) -> bool:
        """Look at a rule's condition."""
        return self._look(rule.name, rule.when) is True

    def _look(self, name: str, expression: Expression | None) -> object:
        found = look(name, expression, self._facts)
        self.findings.append(found)
        return found.result

    def is_repeat(self, repeat: Repeat) -> bool:
        """Whether the caller has called before."""
        calls = self._look(REPEAT, repeat_question(repeat))
        return isinstance(calls, Decimal) and calls > 0

    def earn(self, rule: PriceRule, price: Decimal | None) -> None:
        """Add what a rule that holds is worth; an amount that cannot be computed is none."""
        amount = price
        if amount is None:
            term = rule.amount.term
            value = (
                term.value
                if isinstance(term, Constant)
                else self._look(f"{rule.name}{AMOUNT}", rule.amount)
            )
            amount = value if isinstance(value, Decimal) and value.is_finite() else NOTHING
        self.add(rule.name, max(amount, NOTHING), None if rule.when is None else rule.when.text)

    def add(self, name: str, amount: Decimal, when: str | None) -> None:
        """Add a line."""
        amount = self._within_bounds(amount)
        self._amount += amount
        line = {"name": name, "amount": str(amount)}
        self._rules.append(line if when is None else {**line, "when": when})

    def _within_bounds(self, amount: Decimal) -> Decimal:
        """Rounded; beyond the maximum digits do not matter, however many a product has."""
        currency = self._payout.currency
        most = MAX_AMOUNT if self._payout.maximum is None else self._payout.maximum
        return rounded(min(amount, most + minor_unit(currency)), currency)

    def paid(self) -> Paid:
        """The sum, held under the maximum."""
        currency = self._payout.currency
        most = highest(self._payout)
        if self._amount > most:
            # Rounded down: the maximum is what a budget reserved.
            cut = most.quantize(minor_unit(currency), rounding=ROUND_DOWN) - self._amount
            self.add(MAXIMUM, cut, None)
        return Paid(
            rounded(self._amount, currency), currency, tuple(self._rules), tuple(self.findings)
        )
