"""Walks over terms: which facts and functions an expression asks for. Knows no meaning of them."""

from collections.abc import Iterator

from config.expression.vocabulary import FACTS
from config.model.expression import (
    Binary,
    Expression,
    Fact,
    Function,
    ListOf,
    Template,
    Term,
    Unary,
)

AT_THE_END = frozenset(
    name for name, about in FACTS.items() if about.about.startswith("At the end:")
) - {"converted"}
"""Facts that are absent while the call lives; but that it converted may be posted before."""
_DURATION = "duration"
KEYWORD_FUNCTIONS = frozenset(("keyword", "keyword_count"))
"""Functions whose first argument is a keyword rule, or words that one listens for."""


def asked(term: Term) -> Iterator[Fact | Function]:
    """The facts and functions of a term, from left to right."""
    if isinstance(term, Fact):
        yield term
    elif isinstance(term, Function):
        yield term
        for argument in term.arguments:
            yield from asked(argument)
    elif isinstance(term, ListOf):
        for item in term.items:
            yield from asked(item)
    elif isinstance(term, Unary):
        yield from asked(term.operand)
    elif isinstance(term, Binary):
        yield from asked(term.left)
        yield from asked(term.right)


def keywords_asked(value: Expression | Template) -> Iterator[Function]:
    """Its functions that ask for keywords."""
    parts = value.parts if isinstance(value, Template) else (value,)
    for part in parts:
        for one in asked(part.term) if isinstance(part, Expression) else ():
            if isinstance(one, Function) and one.name in KEYWORD_FUNCTIONS:
                yield one


def known_at_the_end(value: Expression | Template) -> str | None:
    """The first name in it of what is not known before a call has ended."""
    parts = value.parts if isinstance(value, Template) else (value,)
    for part in parts:
        for one in asked(part.term) if isinstance(part, Expression) else ():
            if one.name in AT_THE_END or (one.name == _DURATION and isinstance(one, Function)):
                return one.name
    return None
