"""Rating: how good a call is, by rules of which the first that holds counts."""

from collections.abc import Sequence
from itertools import pairwise

from config import hints
from config.document import Scalar, Tree
from config.errors import did_you_mean
from config.expression import CONDITION
from config.kinds import list_of
from config.model import PriceRule, RatingRule, RatingWord
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    read_fields,
    section_kind,
)

MAX_RULES = 100
"""Rules in a list; each may be evaluated for every call."""

_RATING_WORDS: tuple[RatingWord, ...] = ("high", "medium", "low")


def _read_rate(tree: Tree, _reading: Reading) -> RatingWord | int:
    text = tree.text.strip().lower() if isinstance(tree, Scalar) else ""
    for word in _RATING_WORDS:
        if text == word:
            return word
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100:
        return int(text)
    raise RefusedError(
        f"expected {RATE.says}, {describe(tree)}", suggestion=did_you_mean(text, _RATING_WORDS)
    )


RATE = Kind(
    "high, medium, low, or 1-100",
    _read_rate,
    {"anyOf": [hints.words(_RATING_WORDS), hints.whole_number(1, 100)]},
)


class RatingKeys:
    """Keys of a rating rule."""

    WHEN = Key(
        "when",
        CONDITION,
        "The rule counts when this holds.",
        otherwise="always",
        example='caller.line_type = "mobile"',
    )
    RATE = Key("rate", RATE, "The rating then.", required=True, example="high")


RATING = Section(
    "a rating rule",
    "How good a call is; of the rules the first that holds counts. The rating is computed when the "
    "call comes in, when something new is known of it, and at its end.",
    keys_of(RatingKeys),
    short="the rating alone",
    short_schema=RATE.schema,
    example='rating:\n  - {when: caller.line_type = "mobile" or keyword("friend"), rate: high}\n'
    "  - {rate: low}",
)


def _read_rating(tree: Tree, reading: Reading) -> RatingRule:
    if isinstance(tree, Scalar):
        return RatingRule(None, RATE.read(tree, reading), location=tree.location)
    fields = read_fields(tree, RATING, reading)
    rate = fields[RatingKeys.RATE]
    fields.need_condition(RatingKeys.WHEN, reading)
    return RatingRule(fields.get(RatingKeys.WHEN), rate, location=tree.location)


_RATINGS = list_of(section_kind(RATING, _read_rating), most=MAX_RULES)


def _read_ratings(tree: Tree, reading: Reading) -> tuple[RatingRule, ...]:
    rules = _RATINGS.read(tree, reading)
    check_reached(rules, "rating", reading)
    return rules


RATINGS = Kind(_RATINGS.says, _read_ratings, _RATINGS.schema)


def check_reached(rules: Sequence[RatingRule | PriceRule], what: str, reading: Reading) -> None:
    """Behind a rule that always holds no other is looked at."""
    for before, rule in pairwise(rules):
        if before.when is None:
            line = before.location.line
            message = f"{what}: never looked at, because the rule in line {line} always holds"
            hint = "give that one a condition, or put it last"
            reading.problems.add(rule.location, message, hint)
            return
