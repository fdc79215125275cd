"""Runs the parts of the benchmark of hearing and prints one table: measured, floor, aim, holds."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from bench.figures import table
from bench.hearing.figure import Figure

__all__ = ["MODULES", "Part", "as_json", "chosen", "measure", "rows"]

logger = logging.getLogger(__name__)

MODULES = (
    "tick",
    "tones",
    "activity",
    "machine",
    "recording",
    "keywords",
    "load",
)
"""In the order in which they run; each is a module of this package with `run`."""

HEAD = ("part", "figure", "measured", "unit", "floor", "aim", "holds")


@dataclass(frozen=True, slots=True)
class Part:
    """What one module has measured, or why it has not."""

    name: str
    figures: tuple[Figure, ...]
    seconds: float
    error: str = ""


def chosen(only: str) -> tuple[str, ...]:
    """The modules named in a list with commas; all that are there when it is empty.

    Raises ValueError for a name that is none.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if name not in MODULES:
            raise ValueError(f"no part of hearing: {name}; there are {', '.join(MODULES)}")
    return tuple(name for name in names or MODULES if find_spec(f"bench.hearing.{name}"))


def measure(names: Sequence[str], *, quick: bool) -> list[Part]:
    """Run them one after the other; one that fails is told and the others go on."""
    return [_measure(name, quick=quick) for name in names]


def _measure(name: str, *, quick: bool) -> Part:
    print(f"\n{name} ...", flush=True)
    began = time.monotonic()
    try:
        run: Callable[..., list[Figure]] = importlib.import_module(f"bench.hearing.{name}").run
        figures = tuple(run(quick=quick))
    except Exception as error:
        logger.exception("%s failed", name)
        why = f"{type(error).__name__}: {error}"
        return Part(name, (), time.monotonic() - began, why)
    return Part(name, figures, time.monotonic() - began)


def rows(parts: Sequence[Part]) -> str:
    """The table of all parts."""
    lines = [_row(part.name, figure) for part in parts for figure in part.figures]
    lines += [[part.name, part.error, "failed", "", "", "", "NO"] for part in parts if part.error]
    return table(HEAD, lines)


def _row(part: str, figure: Figure) -> list[str]:
    holds = {True: "yes", False: "NO", None: ""}[figure.holds]
    return [part, figure.name, _number(figure.value), figure.unit, figure.floor, figure.aim, holds]


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_json(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """For the file of results."""
    return [asdict(part) for part in parts]
