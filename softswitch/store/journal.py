"""The journal of open calls: which calls were presented and have no record yet, through any crash.

A file of JSON lines: a header, then `open`, `note` and `close` lines by call id. Open lines are
written at once, before anybody hears of the call; notes and closes go out together at the end of
the loop's turn. When the file has grown it is written anew with the open calls only. The header
carries the length of records.jsonl at that moment: every record of a call in this journal lies
behind it, which bounds what recovery has to read.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from softswitch.store.lines import LineFile, encode_line
from softswitch.switchboard.protocols import WriteError

logger = logging.getLogger(__name__)

__all__ = ["CallJournal"]

COMPACT_BYTES = 8 << 20
"""Size at which the journal is written anew; about 6,000 calls, a few ms of work."""

MAX_NOTES_BYTES = 1 << 20
"""Notes and closes held while the disk refuses them; beyond it notes are dropped (a crash record
then knows less)."""

ROOM = encode_line({"room": " " * 4096})
"""What must find room before a full disk is taken for one that has some again: more than the line
of a call. Says nothing to who reads it."""


class CallJournal:
    """The journal of one data folder; the folder is locked by its owner."""

    def __init__(
        self,
        folder: Path,
        *,
        records_size: Callable[[], int],
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        """Start an empty journal; what an earlier run left must have been recovered before.

        `records_size` tells the present length of records.jsonl, `soon` runs a function at the end
        of the turn.
        """
        self._path = folder / "journal.jsonl"
        self._records_size = records_size
        self._soon = soon
        self._open: dict[str, bytes] = {}
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._flush_due = False
        self.dropped_notes = 0
        self.failing = ""
        """Why the disk refuses what is written; empty: it takes it."""
        self._file = self._write_anew()

    @property
    def open_calls(self) -> int:
        """Calls opened and not closed."""
        return len(self._open)

    def open_call(self, call_id: str, facts: Mapping[str, Any]) -> None:
        """Write that a call was presented; raises WriteError and forgets it when that cannot be."""
        line = encode_line({"open": call_id, "facts": facts})
        try:
            self._file.append(line)
        except OSError as error:
            self._fail(error)
            raise WriteError(f"the journal cannot be written: {error.strerror}") from None
        self._open[call_id] = line

    def note(self, call_id: str, facts: Mapping[str, Any]) -> None:
        """Add what is known since, a moment later."""
        if call_id not in self._open:
            return
        if self._buffered > MAX_NOTES_BYTES:
            self.dropped_notes += 1
            return
        line = encode_line({"note": call_id, "facts": facts})
        self._open[call_id] += line
        self._later(line)

    def close_call(self, call_id: str) -> None:
        """Write, a moment later, that the record of a call is safe."""
        if self._open.pop(call_id, None) is not None:
            self._later(encode_line({"close": call_id}))

    def _later(self, line: bytes) -> None:
        self._buffer.append(line)
        self._buffered += len(line)
        if not self._flush_due:
            self._flush_due = True
            self._soon(self.flush)

    def flush(self) -> None:
        """Write notes and closes; what the disk refuses is tried again with the next flush."""
        self._flush_due = False
        if not self._buffer and not self.failing:
            return
        # A disk that refused a call must have room for one again: a short line finds it sooner.
        room = ROOM if self.failing else b""
        try:
            if self._file.size + self._buffered > COMPACT_BYTES:
                self._replace()
            else:
                self._file.append(b"".join(self._buffer) + room)
        except OSError as error:
            self._fail(error)
            return
        self.failing = ""
        self._buffer.clear()
        self._buffered = 0

    def _fail(self, error: OSError) -> None:
        """Say what the disk says, once."""
        if not self.failing:
            logger.error("the journal cannot be written: %s", error)
        self.failing = error.strerror or str(error)

    def _replace(self) -> None:
        old = self._file
        self._file = self._write_anew()
        old.close()

    def _write_anew(self) -> LineFile:
        """A new file with the header and the open calls, put in place of the old one in one
        step."""
        header = encode_line({"journal": 1, "records_size": self._records_size()})
        fresh = self._path.with_suffix(".new")
        try:
            fresh.unlink(missing_ok=True)
            file = LineFile(fresh)
            try:
                file.append(b"".join((header, *self._open.values())))
                os.replace(fresh, self._path)
            except OSError:
                file.close()
                raise
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        file.path = self._path
        return file

    def sign_of_life(self) -> None:
        """Date the file: after a crash its open calls are taken to have ended then."""
        if self._open:
            with contextlib.suppress(OSError):  # a sign less; whoever writes next tells of the disk
                self._file.touch()

    def close(self) -> None:
        """Write what waits and close the file."""
        self.flush()
        self._file.close()
