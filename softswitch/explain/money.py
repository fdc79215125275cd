"""Adds up again what a record says a call was rated and earned.

From the record alone: the rules that held, made again, have to be those that the payout lists,
their amounts have to add up, and the last rating has to be that of the rule that held last. With
the configuration of the call at hand, the whole is computed anew from the recorded facts. Knows no
file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from config.model import Campaign
from config.payouts import AMOUNT, CAP, MAXIMUM, REPEAT, rounded
from softswitch.campaign.evaluate import RecordedFacts
from softswitch.campaign.payout import pay
from softswitch.campaign.rating import SCORES, rate
from softswitch.explain.decisions import Decided
from softswitch.explain.parts import entries_of

__all__ = ["amount_of", "configured_problems", "payout_problems", "rating_problems"]


def amount_of(text: Any) -> Decimal | None:
    """An amount as records have it; None when it is none."""
    try:
        amount = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None
    return amount if amount is None or amount.is_finite() else None


# Rating.


def rating_problems(rating: Any, decisions: Sequence[Decided]) -> Iterator[str]:
    """What is wrong with a record's rating."""
    held = [one.rule for one in decisions if one.about == "rating" and one.held]
    if not isinstance(rating, Mapping):
        if held:
            yield f"rating: {held[-1]} held, and the record has no rating"
        return
    history = entries_of(rating, "history")
    last = history[-1] if history else {}
    if [last.get("rating"), last.get("score")] != [rating.get("rating"), rating.get("score")]:
        yield f"rating: {rating.get('rating')} is not the last of its history"
    if last.get("rule") not in held:
        yield f"rating: {last.get('rule')} did not hold"
    elif (later := _rating_of(history, held[-1])) not in {None, rating.get("rating")}:
        yield f"rating: {held[-1]} held last, which is {later}; the record says {rating['rating']}"
    word = str(rating.get("rating"))
    score = SCORES.get(word) or (int(word) if word.isdecimal() else None)
    if score != rating.get("score"):
        yield f"rating: the score of {word} is {score}, the record says {rating.get('score')}"


def _rating_of(history: Sequence[Mapping[str, Any]], rule: str) -> Any:
    """What a rule gave before; None when it is not known: only changes stand in a history."""
    return next((one.get("rating") for one in history if one.get("rule") == rule), None)


# Payout.


def payout_problems(payout: Any, decisions: Sequence[Decided]) -> Iterator[str]:
    """What is wrong with a record's payout."""
    mine = _last_round([one for one in decisions if one.about == "payout"])
    if not isinstance(payout, Mapping):
        if mine:
            yield "payout: it was decided, and the record has none"
        return
    currency = str(payout.get("currency"))
    lines = entries_of(payout, "rules")
    amounts = [amount_of(line.get("amount")) for line in lines]
    total = amount_of(payout.get("amount"))
    if total is None or None in amounts:
        yield "payout: an amount is no number"
        return
    added = sum((amount for amount in amounts if amount is not None), Decimal(0))
    if rounded(added, currency) != total:
        yield f"payout: its rules add up to {added} {currency}, the record says {total}"
    yield from _rule_problems([str(line.get("name")) for line in lines], mine)
    yield from _amount_problems(lines, mine, currency)


def _rule_problems(listed: Sequence[str], decisions: Sequence[Decided]) -> Iterator[str]:
    held = [one.rule for one in decisions if one.held]
    if any(one.rule == REPEAT and _more_than_none(one.again) for one in decisions):
        # The base held, and the price of a repeat caller stands in its place.
        held = [REPEAT]
    counted = [name for name in listed if name != MAXIMUM and not name.startswith(CAP)]
    for name in sorted({*held, *counted}):
        if name not in counted:
            yield f"payout: {name} holds, and the record does not count it"
        elif name not in held:
            yield f"payout: the record counts {name}, which does not hold"


def _more_than_none(value: Any) -> bool:
    return isinstance(value, Decimal) and value > 0


def _amount_problems(
    lines: Sequence[Mapping[str, Any]], decisions: Sequence[Decided], currency: str
) -> Iterator[str]:
    """Amounts that were computed; one above the maximum was cut, and shows in a line of its own."""
    if any(line.get("name") == MAXIMUM for line in lines):
        return
    computed = {
        one.rule.removesuffix(AMOUNT): one.again
        for one in decisions
        if one.rule.endswith(AMOUNT) and one.state in {"same", "differs"}
    }
    for line in lines:
        name, amount = str(line.get("name")), amount_of(line.get("amount"))
        value = computed.get(name)
        if isinstance(value, Decimal) and rounded(max(value, Decimal(0)), currency) != amount:
            yield f"payout: {name} is {value} {currency}, the record says {amount}"


# Both, with the campaign as it was configured.


def configured_problems(
    campaign: Campaign, record: Mapping[str, Any], decisions: Sequence[Decided]
) -> Iterator[str]:
    """Rate and pay anew by the campaign's rules, and say what comes out differently."""
    last_rated = _last_round([one for one in decisions if one.about == "rating"])
    rated = rate(campaign, _facts(last_rated)) if last_rated else None
    rating = record.get("rating")
    if rated is not None and isinstance(rating, Mapping) and rated.rating != rating.get("rating"):
        yield f"rating: the campaign's rules give {rated.rating}, the record {rating.get('rating')}"
    mine = _last_round([one for one in decisions if one.about == "payout"])
    publisher = record.get("publisher")
    publisher = publisher if isinstance(publisher, str) else None
    paid = pay(campaign, _facts(mine), publisher=publisher) if mine else None
    payout = record.get("payout")
    if paid is not None and isinstance(payout, Mapping):
        ours, theirs = paid.amount + _taken_away(payout), amount_of(payout.get("amount"))
        if (ours, paid.currency) != (theirs, payout.get("currency")):
            was = f"{payout.get('amount')} {payout.get('currency')}"
            yield f"payout: the campaign's rules give {ours} {paid.currency}, the record {was}"


def _taken_away(payout: Mapping[str, Any]) -> Decimal:
    """What a budget had no room for; below zero."""
    lines = [line for line in entries_of(payout, "rules") if str(line.get("name")).startswith(CAP)]
    return sum((amount_of(line.get("amount")) or Decimal(0) for line in lines), Decimal(0))


def _last_round(decisions: Sequence[Decided]) -> Sequence[Decided]:
    """The rules are looked at from the first one on, as often as something may have changed."""
    if not decisions:
        return ()
    first = decisions[0].rule
    begins = [place for place, one in enumerate(decisions) if one.rule == first]
    return decisions[begins[-1] :]


def _facts(decisions: Sequence[Decided]) -> RecordedFacts:
    return RecordedFacts({name: value for one in decisions for name, value in one.inputs.items()})
