"""numbers.jsonl: what was activated and withdrawn while the switch ran, so that it outlives it.

One line a change; a change is on the disk before anybody is told of it. When the file is opened it
is written anew if most of its lines are history. Knows no calls and no configuration: numbers whose
campaign is gone are kept.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from config.model import NOTHING, Number
from ringpool.activated import ActivatedNumbers
from softswitch.store.lines import LineFile, encode_line

__all__ = ["NumberFile"]

logger = logging.getLogger(__name__)

NAME = "numbers.jsonl"

MAX_HISTORY = 1000
"""Lines that say nothing any more, beyond as many as say something."""


class NumberFile:
    """One for a data folder, which is locked by its owner."""

    def __init__(self, folder: Path) -> None:
        """Open the file, and make it short; raises OSError."""
        self._path = folder / NAME
        self._file = LineFile(self._path, keeps_whole_end=True)
        self.numbers = ActivatedNumbers()
        lines = 0
        for line in self._file.lines():
            lines += 1
            self._take(line)
        damaged = self._file.unreadable + bool(self._file.cut_bytes)
        if damaged:
            logger.error("%d lines of %s cannot be read", damaged, self._path)
        said = len(self.numbers.numbers) + len(self.numbers.withdrawn)
        if lines > 2 * said + MAX_HISTORY:
            self._shorten()

    def activate(self, number: Number) -> None:
        """Have a number live; on the disk when it returns. Raises OSError."""
        self._write({"activated": _plain(number)})
        self.numbers.put(number)

    def deactivate(self, number: Number) -> None:
        """Have it live no more."""
        self._write({"deactivated": _plain(number)})
        self.numbers.remove(number)

    def withdraw(self, number: str, campaign: str) -> None:
        """Have a number of the configuration not live; raises OSError."""
        self._write({"withdrawn": number, "campaign": campaign})
        self.numbers.withdrawn[number] = campaign

    def restore(self, number: str) -> None:
        """Have it live again."""
        self._write({"restored": number})
        self.numbers.withdrawn.pop(number, None)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.append(encode_line(line))
        self._file.sync()

    def _take(self, line: Mapping[str, Any]) -> None:
        try:
            if "activated" in line:
                self.numbers.put(_number(line["activated"]))
            elif "deactivated" in line:
                self.numbers.remove(_number(line["deactivated"]))
            elif "withdrawn" in line:
                self.numbers.withdrawn[str(line["withdrawn"])] = str(line["campaign"])
            else:
                self.numbers.withdrawn.pop(str(line["restored"]), None)
        except (KeyError, TypeError, ValueError):
            logger.error("a line of %s is no change of a number: %.200s", self._path, line)

    def _shorten(self) -> None:
        """A new file in place of the old one, in one step."""
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        file = LineFile(fresh)
        changes: list[Mapping[str, Any]] = [
            {"activated": _plain(number)} for number in self.numbers.numbers.values()
        ]
        changes += [
            {"withdrawn": number, "campaign": campaign}
            for number, campaign in self.numbers.withdrawn.items()
        ]
        file.append(b"".join(map(encode_line, changes)))
        file.sync()
        os.replace(fresh, self._path)
        file.path = self._path
        self._file.close()
        self._file = file


def _plain(number: Number) -> dict[str, Any]:
    """What `_number` makes a number of; what has its default is left out."""
    plain = {
        "pattern": number.pattern,
        "kind": number.kind,
        "campaign": number.campaign,
        "publisher": number.publisher,
        "parameters": dict(number.parameters),
        "as_is": number.as_is,
        "refuse": number.refuse,
    }
    return {name: value for name, value in plain.items() if value not in (None, False, {})}


def _number(line: Mapping[str, Any]) -> Number:
    """Raises KeyError, TypeError, ValueError."""
    if line["kind"] not in {"exact", "uri"}:
        raise ValueError("it is a pattern")
    parameters = {str(name): str(value) for name, value in line.get("parameters", {}).items()}
    return Number(
        pattern=str(line["pattern"]),
        kind=line["kind"],
        campaign=str(line["campaign"]),
        publisher=line.get("publisher"),
        parameters=MappingProxyType(parameters) if parameters else NOTHING,
        as_is=bool(line.get("as_is", False)),
        refuse=line.get("refuse"),
    )
