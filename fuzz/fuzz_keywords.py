"""Random keyword rules and random speech: a rule or a mistake inside its text, and hits of words
that were said, nothing else.

`python -m fuzz.fuzz_keywords [--seconds 10] [--seed N]`. Results overlap, come late and twice, as
no recogniser would report them. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys

from config.expression import ExpressionError
from config.model import ALL_VARIANTS, KeywordRule
from config.said import parse_said, phrases_of
from fuzz.drive import drive
from media.keywords import KeywordMatcher
from media.speech.recognition.result import Recognised, Word

# No text, however hostile, may take longer; generous for a busy machine.
MAX_SECONDS_A_TEXT = 1.0
SECOND = 1_000_000_000

SEEDS = (
    'friend or buddy and not "no thanks"',
    "near(money, back, 5 s) or count(yes, 3)",
    '("credit card" or "debit card") and fifty dollars',
    "medicare and not (near(a, b, 2 min) or nine one one)",
)
PIECES = (
    "friend", "buddy", "and", "or", "not", "near(", "count(", "(", ")", ",", '"', "'", "5 s", "3",
    "$50", "don't", "web site", "1st", "twenty", "hundred", "&&", "\u201c", "\x00", "\u00e9",
    "\u0663", "\u00b2", "\ud800", "\n", "(" * 30, "a " * 20, "a or " * 60, "not " * 20, "'s", "%",
)  # fmt: skip
SPEECH = (
    "friend", "friends", "friend's", "buddy", "credit", "card", "cards", "yes", "no", "thanks",
    "money", "back", "medicaire", "nine", "one", "911", "$50", "fifty", "dollars", "hundred",
    "and", "uh", "web", "site", "website", "can't", "twenty", "first", "21st", "\u00b2", "'",
    "\u0130", "x" * 300, "", "1" * 40,
)  # fmt: skip


def make(chance: random.Random) -> str:
    """A seed with pieces put in, taken out or exchanged, or pieces alone."""
    if chance.random() < 0.4:
        return " ".join(chance.choices(PIECES, k=chance.randint(1, 10)))
    text = chance.choice(SEEDS)
    for _ in range(chance.randint(0, 4)):
        at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        cut = chance.choice((at, min(to, at + 8)))
        text = f"{text[:at]}{chance.choice(PIECES)}{text[cut:]}"
    return text


def speech(chance: random.Random) -> Recognised:
    """A result of any words at any time."""
    at = chance.randrange(100 * SECOND)
    words = []
    for _ in range(chance.randint(0, 12)):
        start = at + chance.randrange(-SECOND // 4, SECOND)
        at = start + chance.randrange(SECOND)
        words.append(Word(chance.choice(SPEECH), start, at, chance.random()))
    first = min((word.start_ns for word in words), default=at)
    return Recognised(
        tuple(words), first, at, "rolling", "fuzz", final=chance.random() < 0.5, text=""
    )


def check(text: str, chance: random.Random) -> bool:
    """Read one rule and match it; whether it was one. Raises on a finding."""
    try:
        said = parse_said(text)
    except ExpressionError as error:
        return refused(text, error)
    assert all(phrase.words for phrase in phrases_of(said))
    variants = frozenset(word for word in ALL_VARIANTS if chance.random() < 0.7)
    rules = [
        KeywordRule("rule", said, text, variants=variants, confidence=chance.random() / 2),
        KeywordRule("late", said, text, last_seconds=chance.uniform(1, 50)),
        KeywordRule("early", said, text, first_seconds=chance.uniform(1, 50)),
    ]
    check_hits(rules, [speech(chance) for _ in range(chance.randint(1, 12))])
    return True


def refused(text: str, error: ExpressionError) -> bool:
    """A mistake stands inside the text; the text is no rule."""
    assert 0 <= error.position <= len(text), error.position
    return False


def check_hits(rules: list[KeywordRule], results: list[Recognised]) -> None:
    """Whatever comes true, comes true of words that were said."""
    matcher = KeywordMatcher(rules)
    hits = [hit for result in results for hit in matcher.feed(result)]
    hits += matcher.finish(101 * SECOND)
    assert matcher.finish(101 * SECOND) == []
    known = {word.text for result in results for word in result.words}
    for hit in hits:
        words = hit.text.split(" ")
        assert len(hit.text) >= 200 or set(words) - {"...", ""} <= known, hit
        assert hit.phrases, hit
        assert hit.rule.confidence <= hit.confidence <= 1.0, hit


if __name__ == "__main__":
    sys.exit(drive(__doc__, make, check, most_seconds=MAX_SECONDS_A_TEXT))
