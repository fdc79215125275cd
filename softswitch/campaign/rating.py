"""The quality of a call: high, medium, low, or 1-100, by the first rule that holds.

Asked when the call is presented, whenever something becomes known that may change it, and at the
end. Every rule looked at becomes a `Finding`. Knows neither events nor records.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.model import Campaign
from softswitch.campaign.evaluate import Facts
from softswitch.campaign.finding import Finding, look

__all__ = ["SCORES", "Rated", "rate"]

SCORES = {"high": 90, "medium": 50, "low": 10}
"""The score of each word, so that words and numbers can be compared."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating, and the rules that were looked at up to the one that gave it."""

    rating: str
    """high, medium, low, or 1-100."""
    score: int
    rule: str
    """`rating-1` for the first rule."""
    findings: tuple[Finding, ...]


def rate(campaign: Campaign, facts: Facts) -> Rated | None:
    """The rating of a call; None where no rule holds."""
    findings = []
    for number, rule in enumerate(campaign.rating, 1):
        name = f"rating-{number}"
        found = look(name, rule.when, facts)
        findings.append(found)
        if found.result is True:
            score = SCORES[rule.rate] if isinstance(rule.rate, str) else rule.rate
            return Rated(str(rule.rate), score, name, tuple(findings))
    return None
