"""Every MAX_* of the product, with what is written beside it. Knows Python and C as text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "ivr", "media", "ringpool", "rtp", "softswitch")
_LIMIT = re.compile(r"_?MAX_[A-Z0-9_]+")
_DEFINED = re.compile(r"#define\s+(_?MAX_[A-Z0-9_]+)\s")


class Limit(NamedTuple):
    """One limit, and why it is what it is; empty where nobody says."""

    path: str
    line: int
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.name}"


@cache
def limits() -> tuple[Limit, ...]:
    """All of them, by file."""
    found: list[Limit] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix == ".py":
                found += in_python(str(path.relative_to(ROOT)), path.read_text())
            elif path.suffix in (".c", ".h") and not path.name.startswith("_"):
                found += in_c(str(path.relative_to(ROOT)), path.read_text())
    return tuple(found)


def in_python(path: str, text: str) -> Iterator[Limit]:
    """Assignments in modules and classes, with the comment above or beside, or the docstring."""
    yield from _in_body(path, text.splitlines(), ast.parse(text).body)


def _in_body(path: str, lines: list[str], body: list[ast.stmt]) -> Iterator[Limit]:
    for statement, after in zip_longest(body, body[1:]):
        if isinstance(statement, ast.ClassDef):
            yield from _in_body(path, lines, statement.body)
        for name in _names(statement):
            why = (
                _docstring(after)
                or _beside(lines[(statement.end_lineno or statement.lineno) - 1], "#")
                or _above(lines, statement.lineno - 1)
                or _help(statement)
            )
            yield Limit(path, statement.lineno, name, why)


def in_c(path: str, text: str) -> Iterator[Limit]:
    """Definitions, with the comment above or beside."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = _DEFINED.match(line)
        if found is not None:
            yield Limit(
                path, number + 1, found[1], _beside(line, "/*") or _above_in_c(lines, number)
            )


def _names(statement: ast.stmt) -> list[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [t.id for t in targets if isinstance(t, ast.Name) and _LIMIT.fullmatch(t.id)]


def _docstring(after: ast.stmt | None) -> str:
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
        return str(after.value.value)
    return ""


def _help(statement: ast.stmt) -> str:
    """A key of the configuration says itself what it is for: it is no limit of ours. What is taken
    over by its name has its reason where it is made."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Attribute) and _LIMIT.fullmatch(value.attr):
        return ast.unparse(value)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Key":
        return ast.unparse(value)
    return ""


def _beside(line: str, mark: str) -> str:
    return line.partition(mark)[2].strip()


def _above(lines: list[str], number: int) -> str:
    """The comment above; one above several limits in a row is for all of them."""
    while number and _LIMIT.match(lines[number - 1].strip()):
        number -= 1
    return _beside(lines[number - 1], "#") if lines[number - 1].lstrip().startswith("#") else ""


def _above_in_c(lines: list[str], number: int) -> str:
    while number and lines[number - 1].startswith("#define"):
        number -= 1
    return lines[number - 1].strip() if lines[number - 1].rstrip().endswith("*/") else ""
