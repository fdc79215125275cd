"""Brings what is to be told into the spool: records from records.jsonl, all else from the history.

Records come from the file, with the place in it noted in the same write: each comes in once,
whatever dies when, also those that were written while nobody looked (after a crash, recovery writes
some). Other events come from memory: those of the last tenth of a second before a crash are lost.
In the spool everything of a call stands before its record, because a record is read before the
events are taken that came with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softswitch.control.history import EventFilter, EventHistory, EventReader
from softswitch.control.webhooks.entry import (
    RECORD_KIND,
    Entry,
    entry_of_event,
    entry_of_record,
)
from softswitch.control.webhooks.life import tell_death
from softswitch.control.webhooks.spool import Spool
from softswitch.store.calls_lines import BEGINNING, LinesReader, Place

__all__ = ["Feeder"]

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
"""How long an event waits for others to go with it: a sync of the disk each."""

LOOK_SECONDS = 2.0
"""How often is looked without being told, and the pause after a failure."""

PORTION = 500
"""Events looked at in one turn of the loop: about two milliseconds."""

MAX_BATCH_LINES = 50
"""Of records.jsonl, at a time."""
MAX_BATCH_BYTES = 1 << 20
"""Of records.jsonl, at a time."""

NO_EVENTS = EventFilter(kinds=("-",))

CLOSE_SECONDS = 3.0
"""How long the last events may take when the switch stops."""


@dataclass(frozen=True, slots=True)
class _Records:
    """Some lines of records.jsonl, and the place behind them."""

    entries: list[Entry]
    end: Place
    unreadable: int


class Feeder:
    """One spool's."""

    def __init__(
        self,
        spool: Spool,
        history: EventHistory,
        records: Path,
        blocking: Callable[[Callable[[], Any]], Awaitable[Any]],
        on_appended: Callable[[], None],
    ) -> None:
        """Raises OSError."""
        self._spool = spool
        self._history = history
        self._blocking = blocking
        self._on_appended = on_appended
        self._lines = LinesReader(records)
        self._place = self._first_place()
        self._reader = EventReader(history, NO_EVENTS)
        self._news = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._complaint = ""
        self._waiting: list[Entry] = []
        """Taken from the history, refused by the disk; no more are taken meanwhile."""
        self.missed = 0
        """Events that were gone before they could be taken."""
        self.spooled = 0
        self.unreadable = 0
        """Lines of records.jsonl that hold no record."""

    def _first_place(self) -> Place:
        place = self._spool.place
        if place is None:
            return self._lines.end()
        if self._lines.holds(place):
            return place
        logger.warning(
            "records.jsonl is not the file that was read up to byte %d: its records are told from "
            "its beginning, if they are not too old",
            place.offset,
        )
        return BEGINNING

    def want(self, patterns: tuple[str, ...]) -> None:
        """Which events are to be told; the others are not spooled."""
        # Records come from the file: without it they would be told twice.
        self._reader.wanted = EventFilter(kinds=patterns) if patterns else NO_EVENTS

    @property
    def behind(self) -> int:
        """Events that were not looked at yet."""
        return self._reader.behind

    def start(self) -> None:
        """Begin to feed."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="webhooks feeder")
        self._task.add_done_callback(tell_death)

    async def _run(self) -> None:
        self._history.wake(self, self._news.set)
        try:
            if self._spool.place is None:
                await self._append([], self._place)
            while not self._closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._news.wait()
                self._news.clear()
                await asyncio.sleep(GATHER_SECONDS)
                while await self.step():
                    pass
        finally:
            self._history.wake(self, None)

    async def close(self) -> None:
        """Bring in what is there, as far as that goes in time."""
        self._closing = True
        self._news.set()
        if self._task is not None:
            # Not cancelled in the middle of a write: what it has written would be written twice.
            await asyncio.wait((self._task,), timeout=CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._lines.close()

    async def step(self) -> bool:
        """Bring one batch in; whether there may be more."""
        try:
            records: _Records = await self._blocking(self._read)
            entries, place = self._entries(records)
            if entries or place != self._place:
                return await self._append(entries, place)
        except OSError as error:
            self._complain(str(error))
            return False
        return self._reader.behind > 0

    def _read(self) -> _Records:
        """The next records, in the thread."""
        if self._place.offset > self._lines.size():
            # Somebody has cut the file off: what comes from now on is told.
            self._place = self._lines.end()
        bite = self._lines.read(self._place, max_bytes=MAX_BATCH_BYTES, max_lines=MAX_BATCH_LINES)
        now = time.time()
        found = [entry_of_record(line.text, now) for line in bite.lines]
        return _Records([one for one in found if one is not None], bite.end, found.count(None))

    def _entries(self, records: _Records) -> tuple[list[Entry], Place]:
        """Events first; the records only when no event that belongs before them is left."""
        if not self._waiting:
            missed, events = self._reader.take(PORTION)
            if missed is not None:
                self.missed += missed.last - missed.first + 1
                logger.error("events %d to %d are not told: too many came at once",
                             missed.first, missed.last)  # fmt: skip
            self._waiting = [
                entry_of_event(kept, self._history.epoch)
                for kept in events
                if kept.event.kind != RECORD_KIND
            ]
        if self._reader.behind:
            return list(self._waiting), self._place
        self.unreadable += records.unreadable
        return [*self._waiting, *records.entries], records.end

    async def _append(self, entries: list[Entry], place: Place) -> bool:
        try:
            await self._blocking(lambda: self._spool.append(entries, place))
        except OSError as error:
            self._complain(str(error))
            await asyncio.sleep(LOOK_SECONDS)
            return False
        self._complaint = ""
        self._waiting = []
        self._place = place
        self.spooled += len(entries)
        if entries:
            self._on_appended()
        return True

    def _complain(self, complaint: str) -> None:
        """Say what keeps events from being told, once."""
        if complaint != self._complaint:
            self._complaint = complaint
            logger.error("events for webhooks cannot be kept on disk: %s", complaint)
