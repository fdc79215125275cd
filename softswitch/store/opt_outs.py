"""Who does not want to be called by lists: a file of JSON lines, the last of a party counts.

Implements softswitch.switchboard.call_lists.OptOuts. What was written survives the death of the
process. An opt-out that the disk refuses holds in memory, and is written as soon as there is room.
Parties are numbers in E.164, or SIP URIs.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from pathlib import Path

from softswitch.store.lines import LineFile, encode_line

logger = logging.getLogger(__name__)

__all__ = ["OptOutFile"]

NAME = "opt-outs.jsonl"

MAX_PARTIES = 5_000_000
"""Parties kept in memory, about 600 MB; nobody is added to more, and that is logged."""

MAX_WAITING = 100_000
"""Opt-outs that wait for the disk, about 30 MB: far more than a full disk lasts."""

MAX_TOLD = 1000
"""Parties named in the line that tells of those that are lost."""


class OptOutFile:
    """Owns its file until `close`; raises OSError when it cannot be opened."""

    def __init__(
        self,
        folder: Path,
        *,
        wall_clock: Callable[[], float],
        later: Callable[[Callable[[], None]], object] = lambda retry: None,
    ) -> None:
        """`later` has something done in a while."""
        self._file = LineFile(folder / NAME, keeps_whole_end=True)
        self._wall_clock = wall_clock
        self._later = later
        self._out: set[str] = set()
        self._waiting: dict[str, bytes] = {}
        """Lines that the disk has refused, by party."""
        self._due = False
        """Whether the next try to write them is to come."""
        self._closed = False
        self._load()

    def _load(self) -> None:
        damaged = 0
        for line in self._file.lines():
            party, out = line.get("party"), line.get("out")
            if isinstance(party, str) and isinstance(out, bool):
                self._note(party, out=out)
            else:
                damaged += 1
        damaged += self._file.unreadable + bool(self._file.cut_bytes)
        if damaged:
            logger.error(
                "%d lines of %s cannot be read: who has opted out in them may be called",
                damaged,
                self._file.path,
            )

    def __len__(self) -> int:
        return len(self._out)

    def has(self, party: str) -> bool:
        """Whether somebody has opted out."""
        return party in self._out

    def add(self, party: str, *, by: str) -> None:
        """Somebody wants to be called no more, from now on; raises OSError when that is not on the
        disk, and will only be when there is room."""
        if party in self._out and party not in self._waiting:
            return
        if len(self._out) >= MAX_PARTIES or len(self._waiting) >= MAX_WAITING:
            logger.error("%s has opted out, and more are not kept", party)
            raise OSError(errno.ENOSPC, "no more opt-outs are kept", str(self._file.path))
        self._out.add(party)
        self._waiting.setdefault(party, self._line(party, out=True, by=by))
        try:
            self._write_waiting()
        except OSError as error:
            logger.error("%s: %s is not written down: %s", self._file.path, party, error.strerror)
            self._retry_later()
            raise

    def remove(self, party: str, *, by: str) -> bool:
        """Somebody may be called again; False when it had not opted out. Raises OSError, and
        changes nothing then."""
        if party not in self._out:
            return False
        self._write_waiting()
        self._file.append(self._line(party, out=False, by=by))
        self._out.discard(party)
        return True

    def _line(self, party: str, *, out: bool, by: str) -> bytes:
        return encode_line(
            {"party": party, "out": out, "by": by, "at": round(self._wall_clock(), 3)}
        )

    def _write_waiting(self) -> None:
        if self._waiting:
            self._file.append(b"".join(self._waiting.values()))
            self._waiting.clear()

    def _retry_later(self) -> None:
        if not self._due:
            self._due = True
            self._later(self._retry)

    def _retry(self) -> None:
        """Write what waits for the disk; while that does not go, again in a while."""
        self._due = False
        waiting = len(self._waiting)
        if self._closed or not waiting:
            return
        try:
            self._write_waiting()
        except OSError:
            self._retry_later()
        else:
            logger.warning("%s: %d that waited are written down", self._file.path, waiting)

    def _note(self, party: str, *, out: bool) -> None:
        if out:
            self._out.add(party)
        else:
            self._out.discard(party)

    def close(self) -> None:
        """Let go of the file, with a last try to write what waits."""
        self._closed = True
        try:
            self._write_waiting()
        except OSError as error:
            waiting = ", ".join(list(self._waiting)[:MAX_TOLD])
            logger.error(
                "%s: %d opt-outs are lost: %s: %s",
                self._file.path, len(self._waiting), error.strerror, waiting,
            )  # fmt: skip
        self._file.close()
