from typing import Any

import pytest

from config.document import Table, parse
from config.errors import Problems
from config.expression import AMOUNT, CONDITION, EXPRESSION, TEMPLATE
from config.expression.vocabulary import FACTS, FUNCTIONS
from config.reading import Kind, Reading, RefusedError
from tests.support.expressions import vocabulary


def read(kind: Kind[Any], yaml: str) -> Any:
    """The value of the key `a` of a YAML text."""
    problems = Problems()
    tree = parse(yaml.encode(), "f", {}, problems, used={})
    problems.raise_if_any()
    assert isinstance(tree, Table)
    return kind.read(tree.entries["a"], Reading(problems, vocabulary=vocabulary()))


def refused(kind: Kind[Any], yaml: str) -> str:
    """What is wrong with it, and where: "line:column: message"."""
    with pytest.raises(RefusedError) as caught:
        read(kind, yaml)
    place = caught.value.location
    return f"{place.line}:{place.column}: {caught.value}" if place else str(caught.value)


def test_kinds_read_what_they_say() -> None:
    assert read(EXPRESSION, "a: caller.state").type == "text"
    assert read(CONDITION, "a: late and hour < 12").type == "boolean"
    assert read(CONDITION, "a: var.score").type == "any"
    assert read(AMOUNT, "a: 5.00").text == "5.00"
    assert read(AMOUNT, "a: 10% * result.amount").type == "number"
    assert read(TEMPLATE, "a: hello {keyword}").parts[0] == "hello "


@pytest.mark.parametrize(
    ("kind", "yaml", "told"),
    [
        (CONDITION, "a: late and nothing", '1:13: "nothing" is no fact'),
        (CONDITION, 'a: "late and nothing"', '1:14: "nothing" is no fact'),
        (CONDITION, "\n  a:   'late and nothing'", '2:18: "nothing" is no fact'),
        (CONDITION, "a: hour + 1", "1:4: this is a number, where a condition"),
        (AMOUNT, "a: late", "1:4: this is true or false, where a number is needed"),
        (AMOUNT, "a: [1]", "expected a number, or an expression that gives one, not a list"),
        (CONDITION, "a:", "expected a condition"),
        (TEMPLATE, "a: hello {keywrd}", "1:11: no pool or number has a parameter"),
    ],
)
def test_a_mistake_is_told_at_its_line_and_column(kind: Kind[Any], yaml: str, told: str) -> None:
    assert refused(kind, yaml).startswith(told)


@pytest.mark.parametrize(
    "yaml",
    [
        "a: |\n  late and\n  nothing\n",
        "a: >-\n  late and nothing\n",
        "a: late and\n  nothing\n",
        "a: ${X:-late} and nothing",
    ],
)
def test_a_mistake_whose_column_is_not_known_is_told_where_the_text_begins(yaml: str) -> None:
    assert refused(CONDITION, yaml).startswith('1:4: "nothing" is no fact')


@pytest.mark.parametrize("name", [*FACTS, *FUNCTIONS])
def test_every_name_of_the_language_is_told_what_it_is(name: str) -> None:
    about = FACTS.get(name) or FUNCTIONS[name]
    assert about.about.endswith(".")
