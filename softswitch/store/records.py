"""records.jsonl: the truth about calls, one JSON object a line, appended once a call."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from softswitch.store.lines import LineFile, encode_line

logger = logging.getLogger(__name__)

__all__ = ["RecordFile"]

MAX_TOLD = 1000
"""Records that are written to the log when the switch stops and the disk still refuses them, which
is what its writer holds for a second."""

MAX_WAITING = 100_000
"""Records kept in memory while the disk refuses them (about 150 MB); the switch takes no new calls
long before."""


class RecordFile:
    """Appends records; what the disk refuses is kept and tried again by `retry`."""

    def __init__(self, folder: Path) -> None:
        self.file = LineFile(folder / "records.jsonl")
        self.written = 0
        self.failing = ""
        """Why the disk refuses records; empty: it takes them."""
        self._waiting: deque[tuple[str, bytes, Callable[[str], None] | None]] = deque(
            maxlen=MAX_WAITING
        )

    @property
    def waiting(self) -> int:
        """Records that could not be written yet."""
        return len(self._waiting)

    def write(
        self, record: Mapping[str, Any], *, done: Callable[[str], None] | None = None
    ) -> bool:
        """Append a record and tell `done` its call id; False when it waits for the disk instead."""
        call_id = str(record.get("call_id"))
        line = encode_line(record)
        if not self._waiting:
            try:
                self.file.append(line)
            except OSError as error:
                self.failing = error.strerror or str(error)
                logger.error("records.jsonl cannot be written, records are kept: %s", error)
            else:
                self._written(call_id, done)
                return True
        self._waiting.append((call_id, line, done))
        return False

    def retry(self, *, at_most: int = MAX_WAITING) -> bool:
        """Write what waits, the oldest first; True when nothing waits any more."""
        for _ in range(at_most):
            if not self._waiting:
                break
            call_id, line, done = self._waiting[0]
            try:
                self.file.append(line)
            except OSError as error:
                self.failing = error.strerror or str(error)
                return False
            self._waiting.popleft()
            self._written(call_id, done)
        if self._waiting:
            return False
        self.failing = ""
        return True

    def _written(self, call_id: str, done: Callable[[str], None] | None) -> None:
        self.written += 1
        if done is not None:
            done(call_id)

    def close(self) -> None:
        """Write what waits and close the file."""
        if not self.retry():
            self._tell_waiting()
        self.file.close()

    def _tell_waiting(self) -> None:
        """The log has them, and the next start writes crash records of their calls."""
        logger.error("%d records are in the log alone: %s", len(self._waiting), self.failing)
        for _, line, _ in itertools.islice(self._waiting, MAX_TOLD):
            logger.error("record: %s", line.decode().rstrip("\n"))
