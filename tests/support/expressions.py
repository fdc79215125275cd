"""Expressions for tests: a vocabulary with a name of each sort, and terms drawn at random."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from config.expression import ExpressionError, Vocabulary, parse_expression
from config.model import Binary, Constant, Expression, Fact, Function, ListOf, Term, Unary, Value
from config.model.expression import Operator


def vocabulary() -> Vocabulary:
    """One name of each sort; `regions`, `hours` and `lists` have one each."""
    return Vocabulary(
        sections={"regions": ["State Level"], "hours": ["office"], "lists": ["vip"]},
        answers={"zip", "ask-2"},
        variables={"score"},
        lookups={"bid.price": "number", "bid.found": "boolean", "bid.tags": "list"},
        attributes={"tier"},
        bindings={"keyword", "ad group"},
        columns={"segment"},
    )


def expression(text: str) -> Expression:
    """The expression of a text that must be good."""
    return parse_expression(text, vocabulary())


def mistake(text: str, parse: Callable[[str, Vocabulary], object] = parse_expression) -> str:
    """What is wrong with a text: "position: message (suggestion)"; empty when nothing is."""
    try:
        parse(text, vocabulary())
    except ExpressionError as error:
        hint = f" ({error.suggestion})" if error.suggestion else ""
        return f"{error.position}: {error}{hint}"
    return ""


class GivenFacts:
    """Facts from a mapping: facts by name, functions by name for any arguments."""

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self.values = dict(values or {})
        self.asked: list[str] = []

    def fact(self, name: str) -> Value:
        self.asked.append(name)
        return self.values.get(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        self.asked.append(name)
        return self.values.get(name)


# Terms at random, well typed.

SUM: tuple[Operator, ...] = ("+", "-", "*", "/")
LOGIC: tuple[Operator, ...] = ("and", "or")
ORDER: tuple[Operator, ...] = ("<", "<=", ">", ">=")
EQUAL: tuple[Operator, ...] = ("=", "!=")
MEMBER: tuple[Operator, ...] = ("in", "not in")
CLOCK: tuple[Operator, ...] = ("before", "after")

# Facts that may be any number or text: one that can never be the other's value is refused.
NUMBER_FACTS = ("talk_seconds", "status", "lookup.bid.price")
TEXT_FACTS = ("caller.name", "binding.keyword", "binding.ad group", "answer.ask-2", "campaign")
BOOLEAN_FACTS = ("caller.private", "bridged", "lookup.bid.found")
ANY_FACTS = ("var.score", "attribute.tier", "result.amount")
LIST_FACTS = ("keys", "lookup.bid.tags")

_numbers = st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False)
_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


def _fact(names: tuple[str, ...], kind: str) -> SearchStrategy[Term]:
    return st.sampled_from(names).map(lambda name: Fact(name, kind))  # type: ignore[arg-type]


@st.composite
def numbers(draw: DrawFn, depth: int = 2) -> Term:
    """A term that is a number, or any."""
    leaf = st.one_of(
        _numbers.map(lambda value: Constant(value, "number")),
        _fact(NUMBER_FACTS, "number"),
        _fact(ANY_FACTS, "any"),
    )
    if depth == 0:
        return draw(leaf)
    inner = numbers(depth - 1)
    choice = draw(st.integers(0, 5))
    if choice == 0:
        return Unary("-", draw(inner), "number")
    if choice == 1:
        operator = draw(st.sampled_from(SUM))
        return Binary(operator, draw(inner), draw(inner), "number")
    if choice == 2:
        name = draw(st.sampled_from(("min", "max")))
        arguments = draw(st.lists(inner, min_size=1, max_size=2))
        return Function(name, tuple(arguments), "number")
    if choice == 3:
        scope = Constant(draw(st.sampled_from(("campaign", "any"))), "text")
        return Function("calls_by_caller", (draw(inner), scope), "number")
    return draw(leaf)


@st.composite
def texts(draw: DrawFn, depth: int = 2) -> Term:
    """A term that is a text, or any."""
    leaf = st.one_of(
        _texts.map(lambda value: Constant(value, "text")),
        _fact(TEXT_FACTS, "text"),
        _fact(ANY_FACTS, "any"),
    )
    if depth and draw(st.booleans()):
        name = draw(st.sampled_from(("lower", "digits")))
        return Function(name, (draw(texts(depth - 1)),), "text")
    return draw(leaf)


@st.composite
def lists(draw: DrawFn, depth: int = 1) -> Term:
    """A list of texts or numbers, or a fact that is one."""
    items = draw(st.sampled_from((texts(depth), numbers(depth))))
    written = st.lists(items, min_size=1, max_size=2).map(lambda found: ListOf(tuple(found)))
    return draw(st.one_of(written, _fact(LIST_FACTS, "list")))


@st.composite
def conditions(draw: DrawFn, depth: int = 2) -> Term:
    """A term that is true or false."""
    if depth == 0:
        constant = st.booleans().map(lambda value: Constant(value, "boolean"))
        return draw(st.one_of(constant, _fact(BOOLEAN_FACTS, "boolean")))
    inner = conditions(depth - 1)
    choice = draw(st.integers(0, 7))
    if choice == 0:
        return Unary("not", draw(inner), "boolean")
    if choice == 1:
        operator = draw(st.sampled_from(LOGIC))
        return Binary(operator, draw(inner), draw(inner), "boolean")
    if choice == 2:
        known = draw(st.sampled_from((numbers(1), texts(1), inner)))
        return Unary("is known", draw(known), "boolean")
    if choice == 3:
        operator = draw(st.sampled_from(ORDER))
        return Binary(operator, draw(numbers(1)), draw(numbers(1)), "boolean")
    if choice == 4:
        alike = draw(st.sampled_from((numbers(1), texts(1), inner)))
        operator = draw(st.sampled_from(EQUAL))
        return Binary(operator, draw(alike), draw(alike), "boolean")
    if choice == 5:
        operator = draw(st.sampled_from(MEMBER))
        return Binary(operator, draw(_fact(ANY_FACTS, "any")), draw(lists()), "boolean")
    if choice == 6:
        operator = draw(st.sampled_from(CLOCK))
        return Binary(
            operator, draw(_fact(("time", "date"), "text")), Constant("08:00", "text"), "boolean"
        )
    region = Constant("State Level", "text")
    return draw(st.one_of(st.just(Function("in_region", (region,), "boolean")), conditions(0)))


def terms() -> SearchStrategy[Term]:
    """A term of any type."""
    return st.one_of(numbers(), texts(), conditions(), lists())


def values() -> SearchStrategy[Value]:
    """Any value of the language."""
    simple = st.one_of(
        st.none(),
        st.booleans(),
        _texts,
        st.sampled_from(("08:00", "2026-12-24", "CA", "24:00", "7:5")),
        st.decimals(allow_nan=True, allow_infinity=True),
        st.integers(-5, 5).map(Decimal),
    )
    return st.one_of(simple, st.lists(simple, max_size=3).map(tuple))


def facts_at_random() -> SearchStrategy[GivenFacts]:
    """Facts that have any value, of whatever type."""
    names = (*NUMBER_FACTS, *TEXT_FACTS, *BOOLEAN_FACTS, *ANY_FACTS, *LIST_FACTS)
    more = ("time", "date", "in_region", "calls_by_caller")
    found = st.dictionaries(st.sampled_from((*names, *more)), values(), max_size=8)
    return found.map(GivenFacts)
