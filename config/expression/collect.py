"""The names a file adds to the language, from a first look over its tree.

Answers are named by `ask` steps, variables by the keys of `set`, fields by `lookup` steps,
attributes by campaigns, parameters by pools and numbers. What is wrong with these is told when they
are read; here whatever does not look right is passed over. Columns come from the files of the
section tables and are added when those are read, as are parameters in files of numbers.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from config.document import Scalar, Sequence, Table, Tree
from config.e164 import COUNTRIES
from config.expression.vocabulary import Vocabulary
from config.model.expression import ValueType

SECTIONS = ("regions", "hours", "lists", "campaigns", "pools", "trunks")
"""Sections whose names stand in functions, or are what a fact can be."""

_POOL_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "search": ("keyword", "engine"),
    "keyword_id": ("group",),
    "exclusive": ("visitor",),
}
_TYPES: Mapping[str, ValueType] = {name: name for name in get_args(ValueType)}


def collect(root: Table) -> Vocabulary:
    """The names of a whole file."""
    vocabulary = Vocabulary(sections={name: _entries(root.entries.get(name)) for name in SECTIONS})
    country = _text(_entries(root.entries.get("switch")).get("country")).upper()
    vocabulary.country = country if country in COUNTRIES else vocabulary.country
    for treatment in _entries(root.entries.get("treatments")).values():
        for step in _tables(treatment):
            _add_step(step, vocabulary)
    for campaign in _entries(root.entries.get("campaigns")).values():
        vocabulary.attributes.update(_entries(_entries(campaign).get("attributes")))
    for pool in _entries(root.entries.get("pools")).values():
        _add_pool(_entries(pool), vocabulary)
    for number in _entries(root.entries.get("numbers")).values():
        vocabulary.bindings.update(_entries(_entries(number).get("parameters")))
    return vocabulary


def _entries(tree: Tree | None) -> Mapping[str, Tree]:
    return tree.entries if isinstance(tree, Table) else {}


def _text(tree: Tree | None) -> str:
    return tree.text if isinstance(tree, Scalar) else ""


def _texts(tree: Tree | None) -> list[str]:
    if isinstance(tree, Sequence):
        return [item.text for item in tree.items if isinstance(item, Scalar)]
    return [tree.text] if isinstance(tree, Scalar) else []


def _tables(tree: Tree) -> Iterator[Table]:
    """Every mapping of a tree, once, however often aliases name it."""
    waiting: list[Tree] = [tree]
    seen: set[int] = set()
    while waiting:
        tree = waiting.pop()
        if id(tree) in seen or isinstance(tree, Scalar):
            continue
        seen.add(id(tree))
        if isinstance(tree, Table):
            yield tree
            waiting.extend(tree.entries.values())
        else:
            waiting.extend(tree.items)


def _add_step(step: Table, vocabulary: Vocabulary) -> None:
    name = _text(step.entries.get("name"))
    for word, add in _STEPS.items():
        value = step.entries.get(word)
        if value is not None:
            add(name, value, vocabulary)


def _add_ask(name: str, _value: Tree, vocabulary: Vocabulary) -> None:
    if name:
        vocabulary.answers.add(name)


def _add_set(_name: str, value: Tree, vocabulary: Vocabulary) -> None:
    vocabulary.variables.update(_entries(value))


def _add_lookup(name: str, value: Tree, vocabulary: Vocabulary) -> None:
    """Fields with their types, or as a list of texts."""
    fields = _entries(value).get("fields")
    if not name or fields is None:
        return
    for field in _texts(fields):
        vocabulary.lookups[f"{name}.{field}"] = "text"
    for field, kind in _entries(fields).items():
        _add_field(f"{name}.{field}", _TYPES.get(_text(kind).lower(), "any"), vocabulary)


def _add_field(name: str, kind: ValueType, vocabulary: Vocabulary) -> None:
    """Two treatments may have a look-up of one name; where they differ, any type may come."""
    known = vocabulary.lookups.get(name, kind)
    vocabulary.lookups[name] = kind if known == kind else "any"


def _add_python(_name: str, _value: Tree, vocabulary: Vocabulary) -> None:
    vocabulary.any_variable = True


def _add_pool(pool: Mapping[str, Tree], vocabulary: Vocabulary) -> None:
    vocabulary.bindings.update(_texts(pool.get("parameters")))
    vocabulary.bindings.update(_POOL_PARAMETERS.get(_text(pool.get("kind")).lower(), ()))


_STEPS: Mapping[str, Callable[[str, Tree, Vocabulary], None]] = {
    "ask": _add_ask,
    "set": _add_set,
    "lookup": _add_lookup,
    "python": _add_python,
}
