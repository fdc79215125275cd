"""What is wrong with what is said of a caller: answers to questions that nobody asks, keys that no
telephone has. A slip of the pen would be passed over otherwise, and the route be another's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from config.errors import did_you_mean
from config.expression import FACTS
from config.model import Ask, Configuration, Lookup, Node
from config.nesting import every_node

__all__ = ["answer_problem", "key_problem"]

KEYS = "0123456789*#"

ADDED = ("attribute", "binding", "caller", "var")
"""What a file, or the call itself, adds facts under: any name may be one."""


def answer_problem(configuration: Configuration, answers: Mapping[str, str]) -> str:
    """What is wrong with the answers and facts that are given; empty: nothing."""
    for name, value in answers.items():
        about = FACTS.get(name)
        if about is not None:
            if about.words and value not in about.words:
                return f'{name}: "{value}" is none of {", ".join(about.words)}'
        elif name.partition(".")[0] not in ADDED or "." not in name:
            known = [*_names(configuration)]
            if name not in known:
                return _unknown(name, [*known, *FACTS] if "." in name else known)
    return ""


def key_problem(keys: Sequence[str]) -> str:
    """What is wrong with the keys that are pressed; empty: nothing."""
    for key in keys:
        if len(key) != 1 or key not in KEYS:
            return f'"{key[:100]}" is no key of a telephone (0-9, "*" or "#"); one --key each'
    return ""


def _names(configuration: Configuration) -> Iterator[str]:
    """Steps that ask, the facts that become of them, and the fields of look-ups."""
    for node in _nodes(configuration):
        if isinstance(node, Ask):
            yield from (node.name, f"answer.{node.name}")
        elif isinstance(node, Lookup):
            yield from (f"lookup.{node.name}.{field}" for field in node.fields)


def _nodes(configuration: Configuration) -> Iterator[Node]:
    for treatment in configuration.treatments.values():
        yield from every_node(treatment.nodes)


def _unknown(name: str, known: Sequence[str]) -> str:
    what = "fact" if "." in name else "step that asks"
    hint = did_you_mean(name, known)
    return f'there is no {what} "{name[:100]}"' + (f" ({hint})" if hint else "")
