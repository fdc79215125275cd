"""Records of calls as the switch writes them, made by the rules themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from config.expression import Vocabulary, parse_expression
from config.model import Campaign, Expression, Payout, PriceRule, RatingRule, Repeat, Value
from softswitch.campaign.evaluate import plain
from softswitch.campaign.finding import Finding
from softswitch.campaign.payout import pay
from softswitch.campaign.rating import rate

__all__ = ["KnownFacts", "campaign", "expression", "record"]

VOCABULARY = Vocabulary(bindings={"keyword"}, variables={"score"})


def expression(text: str) -> Expression:
    return parse_expression(text, VOCABULARY)


class KnownFacts:
    """Facts from a table; functions by their name alone."""

    def __init__(self, **values: Value) -> None:
        self._values = {name.replace("__", "."): value for name, value in values.items()}

    def fact(self, name: str) -> Value:
        return self._values.get(name)

    def function(self, name: str, _arguments: tuple[Value, ...]) -> Value:
        return self._values.get(name)


def campaign(**changes: Any) -> Campaign:
    """High for mobiles, else low; 5.00 for high, 1.00 for low, a share of longer calls, nothing
    for callers who come again."""
    rating = (
        RatingRule(expression('caller.line_type = "mobile"'), "high"),
        RatingRule(None, "low"),
    )
    payout = Payout(
        "USD",
        (
            PriceRule("for-high", expression('rating = "high"'), expression("5.00")),
            PriceRule("for-low", None, expression("1.00")),
        ),
        (PriceRule("long", expression("talk_seconds > 2 min"), expression("talk_seconds * 0.01")),),
        Repeat(86400.0),
        maximum=Decimal(10),
    )
    values: dict[str, Any] = {"rating": rating, "payout": payout, **changes}
    return Campaign("fans", "treatment", **values)


def decision(about: str, found: Finding) -> dict[str, Any]:
    return {
        "about": about,
        "rule": found.rule,
        "expression": found.expression,
        "inputs": dict(found.inputs),
        "result": plain("", found.result),
    }


def record(
    rules: Campaign | None = None, *, publisher: str | None = "p1", **facts: Value
) -> dict[str, Any]:
    """The record of a call with these facts: rated and paid by the rules."""
    rules = rules or campaign()
    known = {"caller__line_type": "mobile", "talk_seconds": Decimal("150.5"), **facts}
    known.setdefault("calls_by_caller", Decimal(0))
    rated = rate(rules, KnownFacts(**known))
    assert rated is not None
    known["rating"] = rated.rating
    paid = pay(rules, KnownFacts(**known), publisher=publisher)
    assert paid is not None
    history = {"at": "2026-11-22T12:00:00.000Z", "rating": rated.rating, "score": rated.score}
    return {
        "call_id": "call-1",
        "version": 1,
        "campaign": "fans",
        "publisher": publisher,
        "number": "+18666831950",
        "caller": "+16025550100",
        "received_at": "2026-11-22T12:00:00.000Z",
        "ended_by": "calling",
        "cause": "hang_up",
        "binding": {"pool": "web", "parameters": {"keyword": "cribs"}},
        "keys": ["2"],
        "path": ["which-fan", "toddler-agent"],
        "rating": {
            "rating": rated.rating,
            "score": rated.score,
            "history": [{**history, "rule": rated.rule}],
        },
        "payout": {
            "amount": str(paid.amount),
            "currency": paid.currency,
            "rules": [dict(rule) for rule in paid.rules],
        },
        "destinations": [],
        "decisions": [*_decisions("rating", rated.findings), *_decisions("payout", paid.findings)],
        "config_version": "v1",
    }


def _decisions(about: str, findings: Iterable[Finding]) -> list[Mapping[str, Any]]:
    return [decision(about, found) for found in findings]
