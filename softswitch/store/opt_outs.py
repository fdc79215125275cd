"""Who does not want to be called by lists: a file of JSON lines, the last of a party counts.

Implements softswitch.switchboard.call_lists.OptOuts. What was written survives the death of the
process. Parties are numbers in E.164, or SIP URIs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from softswitch.store.lines import LineFile, encode_line

logger = logging.getLogger(__name__)

__all__ = ["OptOutFile"]

NAME = "opt-outs.jsonl"

MAX_PARTIES = 5_000_000
"""Parties kept in memory, about 600 MB; nobody is added to more, and that is logged."""


class OptOutFile:
    """Owns its file until `close`; raises OSError when it cannot be opened."""

    def __init__(self, folder: Path, *, wall_clock: Callable[[], float]) -> None:
        self._file = LineFile(folder / NAME)
        self._wall_clock = wall_clock
        self._out: set[str] = set()
        for line in self._file.lines():
            party, out = line.get("party"), line.get("out")
            if isinstance(party, str) and isinstance(out, bool):
                self._note(party, out=out)

    def __len__(self) -> int:
        return len(self._out)

    def has(self, party: str) -> bool:
        """Whether somebody has opted out."""
        return party in self._out

    def add(self, party: str, *, by: str) -> None:
        """Somebody wants to be called no more."""
        if party in self._out:
            return
        if len(self._out) >= MAX_PARTIES:
            logger.error("%s has opted out, and more are not kept", party)
            return
        self._write(party, out=True, by=by)

    def remove(self, party: str, *, by: str) -> bool:
        """Somebody may be called again; False when it had not opted out."""
        if party not in self._out:
            return False
        self._write(party, out=False, by=by)
        return True

    def _write(self, party: str, *, out: bool, by: str) -> None:
        line = {"party": party, "out": out, "by": by, "at": round(self._wall_clock(), 3)}
        try:
            self._file.append(encode_line(line))
        except OSError as error:
            logger.error("%s: %s is not written down: %s", self._file.path, party, error.strerror)
        self._note(party, out=out)

    def _note(self, party: str, *, out: bool) -> None:
        if out:
            self._out.add(party)
        else:
            self._out.discard(party)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
