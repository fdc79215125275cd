"""The step condition: one way or another, by expressions."""

from config import hints
from config.document import Table, Tree
from config.expression import CONDITION as EXPRESSION_THAT_HOLDS
from config.kinds import list_of
from config.model import Case, Condition, Location, Node
from config.reading import (
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
)
from config.steps.lists import STEPS

MAX_CASES = 50
"""Ways of one condition; more are a table, and belong into a look-up."""


class CaseKeys:
    """Keys of one case."""

    WHEN = Key(
        "when",
        EXPRESSION_THAT_HOLDS,
        "The condition.",
        required=True,
        example='in_region("West")',
    )
    DO = Key(
        "do", STEPS, "Steps when it holds.", required=True, example="[connect: +1 602 555 1234]"
    )


CASE = Section(
    "a case",
    "One way of a condition.",
    keys_of(CaseKeys),
    example="{when: 'caller.line_type = \"mobile\"', do: [connect: +1 602 555 1234]}",
)


def _read_case(tree: Tree, reading: Reading) -> Case | None:
    try:
        fields = read_fields(tree, CASE, reading)
        return Case(fields[CaseKeys.WHEN], fields[CaseKeys.DO])
    except MissingError:
        return None


_CASES = list_of(
    Kind("a case with when and do", _read_case, hints.section("a case")),
    most=MAX_CASES,
    doubles=True,
)


class ConditionKeys:
    """Keys of a condition step."""

    IF = Key(
        "if",
        EXPRESSION_THAT_HOLDS,
        "The condition, when there is one alone.",
        otherwise="see cases",
        example='open("office") and caller.state = "CA"',
    )
    THEN = Key(
        "then",
        STEPS,
        "Steps when it holds.",
        otherwise="the step after the condition",
        example="[connect: +1 602 555 1234]",
    )
    CASES = Key(
        "cases",
        _CASES,
        "Several conditions instead: the first that holds is followed.",
        otherwise="see if",
        example="[{when: hour < 12, do: [play: Good morning.]}]",
    )
    ELSE = Key(
        "else",
        STEPS,
        "Steps when none holds.",
        otherwise="the step after the condition",
        example="[hang_up: 480]",
    )


CONDITION = Section(
    "condition",
    "Follows the steps of the first condition that holds; steps that run out go on behind it. The "
    "call is not answered by it.",
    keys_of(ConditionKeys),
    example='- condition:\n    if: listed("vips")\n    then: [connect: +1 602 555 1234]\n'
    "- condition:\n    cases:\n"
    '      - {when: in_region("West"), do: [connect: +1 602 555 1234]}\n'
    '      - {when: hour < 12, do: [play: "Good morning."]}\n'
    "    else: [hang_up]",
)


def read_condition(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """`if` with `then` or `else`, or `cases`."""
    keys = ConditionKeys
    fields = read_fields(tree, CONDITION, reading)
    written = fields.table.entries
    if (keys.IF.name in written) == (keys.CASES.name in written):
        told = "it has both" if keys.IF.name in written else "it has neither"
        raise RefusedError(f"a condition has if, or cases; {told}", location=fields.table.location)
    if keys.CASES.name in written:
        if keys.THEN.name in written:
            message = "then belongs to if; each case has its do"
            reading.problems.add(_place(fields.table, keys.THEN.name), message)
        fields.need_written(keys.CASES, reading, "[{when: ..., do: [...]}]")
        cases = tuple(case for case in fields[keys.CASES] if case is not None)
        return Condition(name, cases, fields.get(keys.ELSE) or (), location=location)
    if keys.THEN.name not in written and keys.ELSE.name not in written:
        raise RefusedError("a condition needs then or else", location=fields.table.location)
    fields.need_written(keys.IF, reading, "what always happens needs no condition")
    case = Case(fields[keys.IF], fields.get(keys.THEN) or ())
    return Condition(name, (case,), fields.get(keys.ELSE) or (), location=location)


def _place(table: Table, key: str) -> Location:
    return table.keys[key].location if key in table.keys else table.location
