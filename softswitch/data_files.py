"""The files of the data folder, opened behind what a crash has left: records, journal, numbers that
were activated.

Part of the composition root.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from softswitch.store.journal import CallJournal
from softswitch.store.number_file import NumberFile
from softswitch.store.records import RecordFile
from softswitch.store.recovery import Recovery, recover
from softswitch.switchboard.crash import crash_record

logger = logging.getLogger(__name__)

__all__ = ["DataFiles", "sentence_of"]

JOURNAL_SECONDS = 0.2
"""How long notes and closes of the journal may wait for company. What a crash takes of them is an
answer time in a crash record; which calls have a record is read from the records themselves."""


@dataclass(frozen=True, slots=True)
class DataFiles:
    """Those of one switch, which holds the lock of the folder."""

    records: RecordFile
    journal: CallJournal
    number_file: NumberFile
    recovered: int
    """Calls whose record was made up for."""

    @classmethod
    def open(cls, folder: Path, resources: AsyncExitStack) -> DataFiles:
        """Open them, and have `resources` close them; raises OSError."""
        loop = asyncio.get_running_loop()
        records = RecordFile(folder)
        resources.callback(records.close)
        recovery = recover(folder, records, crash_record=crash_record)
        _tell(recovery)
        number_file = NumberFile(folder)
        resources.callback(number_file.close)
        journal = CallJournal(
            folder,
            records_size=lambda: records.file.size,
            soon=lambda flush: loop.call_later(JOURNAL_SECONDS, flush),
        )
        resources.callback(journal.close)
        return cls(records, journal, number_file, recovery.records)


def _tell(recovery: Recovery) -> None:
    if recovery.records or recovery.cut_bytes:
        logger.warning(
            "recovered from a crash: %d calls recorded with ended_by=crash, %d torn bytes cut",
            recovery.records, recovery.cut_bytes,
        )  # fmt: skip
    if recovery.unreadable:
        logger.error(
            "%d lines of the journal could not be read: calls may lack their records",
            recovery.unreadable,
        )


def sentence_of(error: BaseException, *, about: str = "") -> str:
    """Why a start fails, for the operator; an error of a file names it, else what it is about."""
    if not isinstance(error, OSError):
        return str(error)
    where = error.filename or about
    return f"{where}: {error.strerror or error}" if where else str(error)
