"""Figures with their noise: a median, and the least and the most of the runs behind it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """The runs of one measurement."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.runs)

    def __str__(self) -> str:
        digits = 3 if self.median < 10 else 1
        low, high = min(self.runs), max(self.runs)
        return f"{self.median:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def figure(runs: Sequence[float]) -> Figure:
    """A figure of at least one run."""
    return Figure(tuple(runs))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Run by run, as the two were measured one right after the other."""
    return Figure(tuple(one / other for one, other in zip(ours, theirs, strict=True)))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are aligned for reading as plain text."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [_line(head, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join(padded)} |"
