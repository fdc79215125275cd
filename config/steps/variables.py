"""The step set: values computed once, under a name."""

from config.document import Tree
from config.expression import EXPRESSION
from config.kinds import mapping_of
from config.model import Location, Node, SetVariables
from config.reading import Reading, Section
from config.steps.lists import FACT_NAME

MAX_VARIABLES = 50
"""Variables of one step; more help nobody to read a record."""


_VALUES = mapping_of(EXPRESSION, most=MAX_VARIABLES, noun="variable", name=FACT_NAME)

SET = Section(
    "set",
    "Computes values, one after the other; from here on they are `var.NAME`. Text stands in "
    "quotes within the expression.",
    [],
    short="a mapping from names to expressions",
    example="- set: {score: 10, tier: \"'gold'\"}\n- set:\n    score: var.score + 5",
)


def read_set(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """Values in the order they are written."""
    return SetVariables(name, _VALUES.read(tree, reading), location=location)
