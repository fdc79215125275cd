"""Everything that expressions may ask for, whether or not they did.

`and` and `or` look no further than they must, and rules behind the one that counts are not looked
at. What a result that is posted later may change has to be decided again from the record alone, so
all facts and functions of such rules are noted when the call ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from config.model import Binary, Campaign, Expression, Fact, Function, ListOf, Term, Unary
from softswitch.campaign.evaluate import Facts, evaluate
from softswitch.campaign.finding import noting
from softswitch.campaign.payout import repeat_question

__all__ = ["RESULT", "awaits_results", "earning_expressions", "everything_asked", "facts_named"]

RESULT = "result."
"""What facts are called that are posted after the call."""


def earning_expressions(campaign: Campaign) -> Iterator[Expression]:
    """The expressions of a campaign's rating, conversion and payout."""
    yield from (rule.when for rule in campaign.rating if rule.when is not None)
    if campaign.conversion is not None:
        yield campaign.conversion
    payout = campaign.payout
    if payout is None:
        return
    for rule in (*payout.base, *payout.bonuses):
        if rule.when is not None:
            yield rule.when
        yield rule.amount
    if payout.repeat is not None:
        yield repeat_question(payout.repeat)


def facts_named(expressions: Iterable[Expression]) -> set[str]:
    """The facts that stand in expressions, and the functions that are asked for more."""
    return {
        term.name
        for expression in expressions
        for term in _terms(expression.term)
        if isinstance(term, Fact | Function)
    }


def awaits_results(campaign: Campaign) -> bool:
    """Whether results that are posted later may change what a call of the campaign earns."""
    return any(name.startswith(RESULT) for name in facts_named(earning_expressions(campaign)))


def everything_asked(expressions: Iterable[Expression], facts: Facts) -> dict[str, Any]:
    """All inputs of expressions, as a record keeps them."""
    inputs: dict[str, Any] = {}
    for expression in expressions:
        noted = noting(facts)
        for term in _terms(expression.term):
            if isinstance(term, Fact | Function):
                evaluate(Expression("", term), noted)
        inputs.update(noted.inputs)
    return inputs


def _terms(term: Term) -> Iterator[Term]:
    """A term and all within it."""
    yield term
    if isinstance(term, Function):
        parts = term.arguments
    elif isinstance(term, ListOf):
        parts = term.items
    elif isinstance(term, Binary):
        parts = (term.left, term.right)
    elif isinstance(term, Unary):
        parts = (term.operand,)
    else:
        parts = ()
    for part in parts:
        yield from _terms(part)
