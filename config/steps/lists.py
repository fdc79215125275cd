"""How steps nest: a list of steps, one step, and the names they have.

Each kind of step has a file of its own beside this; `BUILDERS` is filled by the package. Steps with
mistakes are noted and left out.
"""

import re
from collections.abc import Callable

from config import hints
from config.document import Scalar, Sequence, Table, Tree
from config.errors import did_you_mean
from config.model import HangUp, Location, Node, Treatment
from config.reading import (
    Kind,
    MissingError,
    Reading,
    RefusedError,
    describe,
    note,
    scalar,
    shorten,
)

MAX_STEPS = 20_000
"""Steps in all treatments together: aliases could otherwise unfold a small file without end."""
MAX_NESTING = 20
"""Menus within menus; nobody finds the way back out of more."""

Builder = Callable[[str, Tree, Location, Reading], Node]
BUILDERS: dict[str, Builder] = {}
"""What makes a step of each word, filled by `config.steps`."""

_FACT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_STEP_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")


def read_steps(tree: Tree, reading: Reading) -> tuple[Node, ...]:
    """A list of steps, or one step without a list. Steps with mistakes are left out."""
    items = tree.items if isinstance(tree, Sequence) else [tree]
    if not items:
        raise RefusedError("expected at least one step")
    if reading.depth >= MAX_NESTING:
        raise RefusedError(f"steps are nested more than {MAX_NESTING} deep")
    reading.depth += 1
    try:
        nodes = [_read_step(item, reading) for item in items]
    finally:
        reading.depth -= 1
    return tuple(node for node in nodes if node is not None)


STEPS = Kind("a list of steps", read_steps, hints.STEPS)


def _read_step(tree: Tree, reading: Reading) -> Node | None:
    reading.steps += 1
    if reading.steps > MAX_STEPS:
        raise RefusedError(f"more than {MAX_STEPS} steps in all", location=tree.location)
    try:
        return _build_step(tree, reading)
    except RefusedError as error:
        note(reading, error, tree, "step")
    except MissingError:
        pass
    return None


def _build_step(tree: Tree, reading: Reading) -> Node:
    if isinstance(tree, Scalar) and tree.text == "hang_up":
        # The one step that needs nothing said about it.
        name = _derived_name(tree.text, reading)
        return HangUp(name, location=tree.location)
    if not isinstance(tree, Table):
        raise RefusedError(f"expected a step ({_kinds()}), {describe(tree)}")
    words = [word for word in tree.entries if word != "name"]
    for word in words:
        if word not in BUILDERS:
            raise RefusedError(
                f'"{shorten(word)}" is no step',
                suggestion=did_you_mean(word, BUILDERS) or f"steps: {_kinds()}",
                location=tree.keys[word].location,
            )
    if len(words) != 1:
        told = f"this has {' and '.join(words)}" if words else "this has none"
        hint = "each step begins with its own dash" if words else f"steps: {_kinds()}"
        raise RefusedError(f"a step is one of {_kinds()}; {told}", suggestion=hint)
    name = _step_name(tree, words[0], reading)
    value = tree.entries[words[0]]
    try:
        return BUILDERS[words[0]](name, value, tree.location, reading)
    except RefusedError as error:
        error.location = error.location or value.location
        raise


def _kinds() -> str:
    return ", ".join(BUILDERS)


def _is_derived(name: str) -> bool:
    """Whether it looks like the name of a step without one: menu-2."""
    word, dash, number = name.rpartition("-")
    return bool(dash) and word in BUILDERS and number.isascii() and number.isdigit()


def _step_name(tree: Table, word: str, reading: Reading) -> str:
    written = tree.entries.get("name")
    if written is None:
        return _derived_name(word, reading)
    if not isinstance(written, Scalar) or not _STEP_NAME.match(written.text):
        message = "the name of a step has letters, digits and _ . - only"
        reading.problems.add(written.location, message)
        return _derived_name(word, reading)
    name = written.text
    if name in reading.step_names:
        message = f'another step of this treatment is named "{name}"'
        reading.problems.add(written.location, message)
    elif _is_derived(name):
        message = f'"{name}" is what steps without a name are called; choose another'
        reading.problems.add(written.location, message)
    reading.step_names.add(name)
    return name


def _derived_name(word: str, reading: Reading) -> str:
    count = reading.step_counts.get(word, 0) + 1
    reading.step_counts[word] = count
    return f"{word}-{count}"


def is_fact_name(name: str) -> bool:
    """Whether expressions can say it: letters, digits and underlines."""
    return _FACT_NAME.match(name) is not None


def _fact_name(text: str) -> str:
    if not is_fact_name(text):
        raise ValueError(text)
    return text


FACT_NAME = scalar("a name of letters, digits and _", _fact_name)


def fact_name(name: str, prefix: str, location: Location, reading: Reading) -> None:
    """Note when a name that was given to a step cannot stand in an expression."""
    if not is_fact_name(name) and not _is_derived(name):
        message = f'"{name}" cannot be named in expressions, as {prefix}.{name}'
        reading.problems.add(location, message, "letters, digits and _ only")


def read_treatment(name: str, tree: Tree, reading: Reading) -> Treatment | None:
    """One treatment: a list of steps."""
    reading.step_names, reading.step_counts = set(), {}
    try:
        return Treatment(name, read_steps(tree, reading), location=tree.location)
    except RefusedError as error:
        note(reading, error, tree, shorten(name))
    return None
