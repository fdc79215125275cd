"""What ctl writes: tables for people, JSON for programs.

Texts that come from peers of the switch (names, header fields) are shown without anything that a
terminal would obey.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["WAITING", "Output", "clean", "clock", "told"]

WAITING = "waiting for the switch"

PLAIN_WIDTH = 240
"""Columns where no terminal says how many there are: rows stay on one line for `grep`."""


class Output:
    """Standard output, in the form that was asked for."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def console(self) -> Console:
        """Made when it is needed: programs that want JSON need not wait for it."""
        from rich.console import Console

        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        return Console(markup=False, highlight=False, emoji=False, width=width)

    def json(self, value: Any) -> None:
        """One JSON value on one line."""
        print(json.dumps(value, ensure_ascii=False), flush=True)

    def line(self, text: str) -> None:
        """One line for people, at once."""
        print(clean(text), flush=True)

    def lines(self, lines: Iterable[str]) -> None:
        """Lines that are clean already."""
        for line in lines:
            print(line)

    def show(self, *things: RenderableType) -> None:
        """Something that rich draws."""
        console = self.console
        if console.is_terminal:
            console.print(*things)
            return
        with console.capture() as drawn:
            console.print(*things)
        for line in drawn.get().splitlines():
            print(line.rstrip())

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A table; columns that begin with `>` stand to the right."""
        self.show(table_of(columns, rows))

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Names and values, a line each; what is not known is left out."""
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for name, value in facts.items():
            if value not in (None, ""):
                table.add_row(_text(name, "dim"), _text(told(value)))
        self.show(table)


def table_of(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> Any:
    """A table for rich."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_text(told(value)) for value in row))
    return table


def _text(text: str, style: str = "") -> RenderableType:
    from rich.text import Text

    return Text(text, style)


def told(value: Any) -> str:
    """A value as people write it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(str(name))} {told(one)}" for name, one in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(told(one) for one in value) or "-"
    return clean(str(value))


def clean(text: str) -> str:
    """Without what a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def clock(seconds: float | None) -> str:
    """A length of time as minutes and seconds."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
