"""What meets a call before its treatment: blocked callers, fraud, hours, regions; and which
treatment it is that serves it.

`enter` is pure: told the facts, it says what is to be done and hands every decision to `note`, for
the event stream or for a call that is only thought through. `serve` does it to a call.
A syndicated campaign's rules come first, then its original's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from config.model import Campaign, Configuration, FraudRule, Prompt
from ivr.journey import original_of
from softswitch.campaign.evaluate import Facts, Noting
from softswitch.campaign.fraud import blocking_list

if TYPE_CHECKING:
    from ivr.journey import Journey

__all__ = ["Entry", "FindFraud", "Note", "enter", "find_fraud"]

Note = Callable[[str, str, str, Mapping[str, Any], Any], None]
"""Takes a decision: about, rule, expression, inputs, result."""

FindFraud = Callable[[Campaign], FraudRule | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be done with a call."""

    treatment: str | None
    """The treatment that serves it; None: it is turned away."""
    why: str = ""
    """Word for the record when it is turned away, or served otherwise than its campaign says:
    blocked, fraud, closed, out_of_region."""
    then: Literal["refuse", "ring", "busy", "announcement"] = "refuse"
    prompt: Prompt | None = None
    """The announcement."""


def enter(
    configuration: Configuration,
    campaign: Campaign,
    facts: Facts,
    *,
    fraud: FindFraud,
    note: Note,
) -> Entry:
    """Decide what meets a call for a campaign."""
    original = original_of(configuration, campaign)
    chain = [campaign] if original.name == campaign.name else [campaign, original]
    for one in chain:
        entry = _blocked(one, facts, note) or _fraud(one, fraud, note)
        if entry is not None:
            return entry
    for one in chain:
        entry = _closed(one, facts, note) or _outside(one, facts, note)
        if entry is not None:
            return entry
    return Entry(original.treatment)


def _blocked(campaign: Campaign, facts: Facts, note: Note) -> Entry | None:
    if campaign.blocked is None:
        return None
    noting = Noting(facts)
    name = blocking_list(campaign, noting)
    note("blocked", campaign.name, "blocked", noting.inputs, name)
    if name is None:
        return None
    return Entry(None, "blocked", campaign.blocked.then, campaign.blocked.prompt)


def _fraud(campaign: Campaign, fraud: FindFraud, note: Note) -> Entry | None:
    rule = fraud(campaign) if campaign.fraud else None
    if rule is None:
        return None
    note("fraud", rule.name, f"fraud by {rule.who}", {}, rule.then)
    return Entry(None, "fraud", rule.then, rule.prompt)


def _closed(campaign: Campaign, facts: Facts, note: Note) -> Entry | None:
    if campaign.hours is None:
        return None
    is_open = _ask(facts, note, "hours", campaign.name, "open", campaign.hours)
    return None if is_open else Entry(campaign.after_hours, "closed")


def _outside(campaign: Campaign, facts: Facts, note: Note) -> Entry | None:
    if not campaign.regions:
        return None
    if any(
        _ask(facts, note, "region", campaign.name, "in_region", region)
        for region in campaign.regions
    ):
        return None
    return Entry(campaign.outside, "out_of_region")


def _ask(facts: Facts, note: Note, about: str, rule: str, function: str, argument: str) -> bool:
    noting = Noting(facts)
    result = noting.function(function, (argument,)) is True
    note(about, rule, f'{function}("{argument}")', noting.inputs, result)
    return result


def find_fraud(journey: Journey) -> FindFraud:
    """The rule that a campaign rejects this call by, as far as this node knows."""
    bans, call = journey.services.fraud, journey.call

    def find(campaign: Campaign) -> FraudRule | None:
        if bans is None:
            return None
        return bans.blocked(
            campaign,
            caller=call.caller_number,
            publisher=journey.publisher,
            number=call.called_number,
            at=call.services.wall_clock(),
        )

    return find
