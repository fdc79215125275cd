"""The phrases that keyword rules listen for, for recognisers that want to know them."""

from __future__ import annotations

from collections.abc import Iterable

from config.model import KeywordRule
from config.model.hearing import AllSaid, AnySaid, CountSaid, NearSaid, NotSaid, Phrase, Said

__all__ = ["phrases_of"]

MAX_PHRASES = 100
"""A recogniser leans to a hundred phrases as much as to none."""


def phrases_of(rules: Iterable[KeywordRule], side: str) -> tuple[str, ...]:
    """The phrases of the rules for a side of the call, each once."""
    found: dict[str, None] = {}
    for rule in rules:
        if rule.side in {"any", side}:
            found.update(dict.fromkeys(_phrases(rule.said)))
    return tuple(found)[:MAX_PHRASES]


def _phrases(said: Said) -> list[str]:
    match said:
        case Phrase(words):
            return [" ".join(words)]
        case AllSaid(parts) | AnySaid(parts):
            return [phrase for part in parts for phrase in _phrases(part)]
        case NearSaid(first, second):
            return [*_phrases(first), *_phrases(second)]
        case CountSaid(phrase):
            return _phrases(phrase)
        case NotSaid(part):
            return _phrases(part)
