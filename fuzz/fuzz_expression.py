"""Random and mutated expressions and templates: a tree or a mistake inside the text, nothing else.

`python -m fuzz.fuzz_expression [--seconds 10] [--seed N]`. What is read must be printed and read
again alike, must be evaluated on any facts without an exception, and must be decided alike from
what was noted. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import json
import random
import sys
from decimal import Decimal

from config.expression import (
    FACTS,
    FUNCTIONS,
    ExpressionError,
    Vocabulary,
    parse_expression,
    parse_template,
    print_term,
)
from config.expression.tokens import MAX_LENGTH
from config.model import Expression, Value
from fuzz.drive import drive
from softswitch.campaign.evaluate import Noting, RecordedFacts, evaluate, render
from softswitch.campaign.operators import text_of

# No text, however hostile, may take longer; generous for a busy machine.
MAX_SECONDS_A_TEXT = 1.0

SEEDS = (
    'in_region("State Level") and talk_seconds > 2 min',
    'caller.line_type = "mobile" or keyword("friend", "caller")',
    'calls_by_caller(30 days, "campaign") >= 1 and not late',
    "10% * result.amount + max(1, lookup.bid.price) / round(var.score, 2)",
    'time before "12:00" and date after "2026-01-01" and weekday in ["mon", "tue"]',
    'binding."ad group" is not known or number(answer.zip) not in [85004, 85005]',
    "you are interested in {keyword}, {{really}}: {lower(campaign)}",
)
PIECES = (
    *FACTS, *(f"{name}(" for name in FUNCTIONS), "(", ")", "[", "]", ",", ".", "{", "}", "{{", "'",
    '"', "\\", "and", "or", "not", "in", "is", "known", "before", "after", "true", "=", "!=", "<",
    ">=", "+", "-", "*", "/", "%", "min", "days", "0", "1", "999999999999999999", "0.001",
    '"08:00"', "var.score", "answer.zip", "\x00", "\u00e9", "\u0663", "\ud800", "\n", "not " * 40,
    "(" * 40, "1+" * 160,
)  # fmt: skip
VALUES: tuple[Value, ...] = (
    None, True, False, "", "CA", "08:00", "2026-12-24", "5", Decimal(0), Decimal(-1),
    Decimal("0.1"), Decimal("1e29"), Decimal("NaN"), Decimal("Infinity"), Decimal("-0"), (),
    ("a", Decimal(1)),
)  # fmt: skip


def vocabulary() -> Vocabulary:
    """A name of each sort."""
    return Vocabulary(
        sections={"regions": ["State Level"], "hours": ["office"], "lists": ["vip"]},
        answers={"zip"},
        variables={"score"},
        lookups={"bid.price": "number"},
        bindings={"keyword", "ad group"},
    )


class RandomFacts:
    """Facts that have any value, the same one each time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fact(self, name: str) -> Value:
        return random.Random(f"{self._seed} {name}").choice(VALUES)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return self.fact(f"{name} {arguments}")


def make(chance: random.Random) -> str:
    """A seed with pieces put in, taken out or exchanged, or pieces alone."""
    if chance.random() < 0.3:
        return " ".join(chance.choices(PIECES, k=chance.randint(1, 12)))
    text = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 5)):
        at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        piece = chance.choice((*PIECES, chr(chance.randrange(0x250))))
        cut = chance.choice((at, min(to, at + 12)))
        text = f"{text[:at]}{piece if chance.random() < 0.7 else ''}{text[cut:]}"
    return text


def check(text: str, chance: random.Random) -> bool:
    """Read one text both ways; whether either was good. Raises on a finding."""
    seed = chance.getrandbits(32)
    return check_expression(text, seed) | check_template(text, seed)


def check_expression(text: str, seed: int) -> bool:
    """Whether a text is an expression."""
    try:
        found = parse_expression(text, vocabulary())
    except ExpressionError as error:
        return refused(text, error)
    printed = print_term(found.term)
    if len(printed) <= MAX_LENGTH:
        assert parse_expression(printed, vocabulary()).term == found.term, printed
    check_evaluation(found, seed)
    return True


def refused(text: str, error: ExpressionError) -> bool:
    """A mistake stands inside the text; the text is not good."""
    assert 0 <= error.position <= len(text), error.position
    return False


def check_evaluation(expression: Expression, seed: int) -> None:
    """Its value is one, and the same again from what was noted."""
    noting = Noting(RandomFacts(seed))
    value = evaluate(expression, noting)
    again = evaluate(expression, RecordedFacts(json.loads(json.dumps(noting.inputs))))
    assert (text_of(value), type(value)) == (text_of(again), type(again)), (value, again)
    if isinstance(value, Decimal):
        assert value.is_finite()


def check_template(text: str, seed: int) -> bool:
    """Whether a text is a template."""
    try:
        template = parse_template(text, vocabulary())
    except ExpressionError as error:
        return refused(text, error)
    assert isinstance(render(template, RandomFacts(seed)), str)
    return True


if __name__ == "__main__":
    sys.exit(drive(__doc__, make, check, most_seconds=MAX_SECONDS_A_TEXT))
