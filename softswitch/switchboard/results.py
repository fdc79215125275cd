"""Results that are posted after a call: a sale, its amount. They make a new version of its record.

The call is rated and paid again from the facts that its record kept (`DecisionMade` about
`results`, and those of rating, conversion and payout) and from the results, by the campaign's rules
as they are configured now. What a result is called, `result.NAME` asks for. Posted twice, a name
has its last value.

A budget is not exceeded by this: what the payout grows by has to find room in the present period
(`with_room`), else it is cut. Knows no database; works on plain records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from config.model import Campaign, Configuration, Value
from softswitch.campaign.evaluate import SECRET, RecordedFacts, plain, value_of
from softswitch.campaign.finding import Finding, look
from softswitch.campaign.inputs import RESULT, awaits_results
from softswitch.campaign.payout import Paid, minor_unit, pay
from softswitch.campaign.rating import Rated, rate

__all__ = ["Correction", "ResultError", "apply_result", "read_result", "with_room"]

MAX_RESULTS = 50
"""Names of results that one call may have."""
MAX_NAME = 60
"""Characters; it becomes a column of reports."""
MAX_TEXT = 500
"""Characters kept of a value: a remark, no document."""

EARNING = ("rating", "conversion", "payout", "results")
"""What decisions are about that are made again."""


class ResultError(Exception):
    """A result cannot be applied; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a new version of a record changes, and what it costs."""

    campaign: Campaign
    changes: dict[str, Any]
    before: Decimal
    after: Decimal


def read_result(text: str) -> tuple[str, Value]:
    """A result as it is written: `sale=yes`, `amount=120.50`; raises ResultError.

    `yes`, `true`, `no` and `false` are truth, digits are a number, everything else is text.
    """
    name, equals, value = text.partition("=")
    name = name.strip().removeprefix(RESULT)
    if not equals or not name or len(name) > MAX_NAME or not name.replace("_", "a").isalnum():
        raise ResultError(f'"{text[:MAX_NAME]}" is no result: write name=value, such as sale=yes')
    return name, _value(value.strip())


def _value(text: str) -> Value:
    word = text.lower()
    if word in {"yes", "true", "no", "false"}:
        return word in {"yes", "true"}
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text[:MAX_TEXT]
    plain_number = number.is_finite() and abs(number) < Decimal("1e15") and "_" not in text
    return number if plain_number else text[:MAX_TEXT]


def apply_result(
    record: Mapping[str, Any],
    results: Mapping[str, Value],
    configuration: Configuration,
    *,
    at: str,
) -> Correction:
    """What a record becomes with more results, posted at a time; raises ResultError."""
    campaign = _campaign(record, configuration)
    posted = {**_mapping(record, "results")}
    posted.update({name: plain("", value) for name, value in results.items()})
    if len(posted) > MAX_RESULTS:
        raise ResultError(f"a call has at most {MAX_RESULTS} results")
    facts = _Again(record, posted)
    changes: dict[str, Any] = {"results": posted}
    if awaits_results(campaign):
        # What the record does not know of the call cannot be decided again.
        facts.check()
        _earn(record, campaign, facts, changes, at)
    before = _amount(record)
    after = _amount(changes) if "payout" in changes else before
    return Correction(campaign, changes, before, after)


def _campaign(record: Mapping[str, Any], configuration: Configuration) -> Campaign:
    name = str(record.get("campaign"))
    campaign = configuration.campaigns.get(name)
    if campaign is None:
        raise ResultError(f'the configuration has no campaign "{name}" any more')
    return campaign


def _earn(
    record: Mapping[str, Any],
    campaign: Campaign,
    facts: _Again,
    changes: dict[str, Any],
    at: str,
) -> None:
    decisions = [one for one in _decisions(record) if one.get("about") not in EARNING[:3]]
    rated = rate(campaign, facts)
    if rated is not None:
        facts.values["rating"] = rated.rating
        facts.values["rating_score"] = Decimal(rated.score)
        changes["rating"] = _rating(record, rated, at)
        decisions += _told("rating", rated.findings)
    if campaign.conversion is not None:
        found = look("conversion", campaign.conversion, facts)
        facts.values["converted"] = found.result is True
        changes["converted"] = found.result is True
        decisions += _told("conversion", (found,))
    publisher = record.get("publisher")
    paid = pay(campaign, facts, publisher=publisher if isinstance(publisher, str) else None)
    connected = facts.connected or facts.values.get("converted") is True
    if paid is not None and connected and not facts.rejected:
        changes["payout"] = _payout(paid)
        decisions += _told("payout", paid.findings)
    changes["decisions"] = decisions


def with_room(correction: Correction, room: Decimal) -> dict[str, Any]:
    """The changes when only so much of what the payout grows by fits into the budgets."""
    lacking = correction.after - correction.before - room
    if lacking <= 0:
        return correction.changes
    payout = correction.changes["payout"]
    unit = minor_unit(payout["currency"])
    amount = (correction.after - lacking).quantize(unit, rounding=ROUND_DOWN)
    cut = {"name": "cap budget", "amount": str(amount - correction.after)}
    rules = [*payout["rules"], cut]
    return {**correction.changes, "payout": {**payout, "amount": str(amount), "rules": rules}}


class _Again:
    """The facts of a record, with the results posted since."""

    def __init__(self, record: Mapping[str, Any], posted: Mapping[str, Any]) -> None:
        inputs: dict[str, Any] = {}
        self.rejected = False
        self.connected = True
        self.known = False
        for one in _decisions(record):
            about, result = one.get("about"), one.get("result")
            self.rejected |= about == "fraud" or (about == "blocked" and bool(result))
            self.connected &= not (about == "connected" and result is False)
            self.known |= about == "results"
            if about in EARNING and isinstance(one.get("inputs"), Mapping):
                inputs.update(one["inputs"])
        self._recorded = RecordedFacts(inputs)
        self.secret = any(value == SECRET for value in inputs.values())
        self.values: dict[str, Value] = {
            f"{RESULT}{name}": value_of("", value) for name, value in posted.items()
        }

    def check(self) -> None:
        """Raise ResultError when the record does not say enough."""
        if self.secret:
            raise ResultError("the payout rests on secret answers, which no record keeps")
        if not self.known and not self.rejected:
            raise ResultError(
                "the record does not hold what its payout rests on: when the call was made, its "
                "campaign asked for no results"
            )

    def fact(self, name: str) -> Value:
        return self.values[name] if name in self.values else self._recorded.fact(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return self._recorded.function(name, arguments)


def _decisions(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    entries = record.get("decisions")
    for one in entries if isinstance(entries, list) else ():
        if isinstance(one, dict):
            yield one


def _mapping(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def _amount(record: Mapping[str, Any]) -> Decimal:
    try:
        return Decimal(str(_mapping(record, "payout").get("amount", "0")))
    except InvalidOperation:
        return Decimal(0)


def _rating(record: Mapping[str, Any], rated: Rated, at: str) -> dict[str, Any]:
    before = _mapping(record, "rating")
    history = before.get("history")
    history = list(history) if isinstance(history, list) else []
    now = {"rating": rated.rating, "score": rated.score}
    last = history[-1] if history else {}
    if not isinstance(last, Mapping) or last.get("rating") != rated.rating:
        history.append({"at": at, **now, "rule": rated.rule})
    return {**now, "history": history}


def _payout(paid: Paid) -> dict[str, Any]:
    return {
        "amount": str(paid.amount),
        "currency": paid.currency,
        "rules": [dict(rule) for rule in paid.rules],
    }


def _told(about: str, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "about": about,
            "rule": found.rule,
            "expression": found.expression,
            "inputs": dict(found.inputs),
            "result": found.told,
        }
        for found in findings
    ]
