"""How the words begin that rules listen for: by that a word that is not over is worth waiting for.

Knows nothing of what was said.
"""

from functools import lru_cache

from config.model import KeywordRule
from config.said import phrases_of
from media.keywords.spelling import spelled

__all__ = ["beginning", "beginnings"]

LETTERS = 3
"""Of two words that begin alike: a recogniser that has heard so much of a word has its begin
right."""


def beginning(word: str) -> str:
    """The begin of a word."""
    return word[:LETTERS]


@lru_cache(maxsize=256)
def beginnings(rules: tuple[KeywordRule, ...]) -> frozenset[str]:
    """Those of all words in the phrases of these rules."""
    phrases = [phrase for rule in rules for phrase in phrases_of(rule.said)]
    return frozenset([beginning(word.text) for phrase in phrases for word in spelled(phrase.words)])
