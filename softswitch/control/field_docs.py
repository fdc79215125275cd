"""What stands below a field of a class, by name: Python keeps it in the source only."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise

__all__ = ["docs_of"]


@cache
def docs_of(kind: type) -> dict[str, str]:
    """The text below each field of a class and its bases; empty where there is no source."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.startswith("softswitch."):
            found |= _docs_in(one)
    return found


def _docs_in(kind: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    body = definition.body
    return {
        name: inspect.cleandoc(text)
        for field, below in pairwise(body)
        if (name := _name_of(field)) and (text := _text_of(below))
    }


def _name_of(field: ast.stmt) -> str:
    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
        return field.target.id
    if isinstance(field, ast.Assign) and isinstance(field.targets[0], ast.Name):
        return field.targets[0].id
    return ""


def _text_of(below: ast.stmt) -> str:
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        text = below.value.value
        return text if isinstance(text, str) else ""
    return ""
