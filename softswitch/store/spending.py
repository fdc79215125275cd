"""What calls took of each count, in a file that survives the process: credit.jsonl.

One line a change, with the running total; the header names the process (the node's epoch at its
start) and the boot of the machine. What was written survives the death of the process, but not of
the machine: after another boot, or when the file does not know a process, its spending is not known
and everything it held counts as used. Knows no cap and no database.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from softswitch.campaign.caps import CountKey
from softswitch.store.lines import LineFile, encode_line

logger = logging.getLogger(__name__)

__all__ = ["SpendingFile"]

MAX_BYTES = 8 << 20
"""Size at which the file is written anew with the last totals alone: some 80,000 changes."""

MAX_TOTALS = 250_000
"""Totals kept before those are dropped that the ledger has forgotten, which knows 100,000."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SpendingFile:
    """The spending journal of one data folder, which is locked by its owner."""

    def __init__(self, folder: Path, *, boot: str | None = None) -> None:
        """Read what an earlier process left; nothing is written before `begin`."""
        self._path = folder / "credit.jsonl"
        self._boot = _boot_id() if boot is None else boot
        self._process = 0
        self._totals: dict[CountKey, Decimal] = {}
        self._live: Container[CountKey] = ()
        self._file: LineFile | None = None
        self._left = self._read()

    def spent(self, process: int) -> Mapping[CountKey, Decimal] | None:
        """What the calls of an earlier process took; None: it is not known."""
        return self._left.get(process)

    def begin(self, process: int, live: Container[CountKey]) -> None:
        """Start the file anew for this process; raises OSError. What is not in `live` any more was
        settled for good."""
        self._process = process
        self._live = live
        self._totals.clear()
        self._replace()

    def note(self, key: CountKey, total: Decimal) -> None:
        """Write what calls took of a count in all; raises OSError."""
        if self._file is None:
            raise OSError("the journal of credit was not begun")
        self._totals[key] = total
        if self._file.size > MAX_BYTES or len(self._totals) > MAX_TOTALS:
            self._replace()
        else:
            self._file.append(_line(key, total))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _replace(self) -> None:
        """A new file in place of the old one, in one step."""
        self._totals = {key: total for key, total in self._totals.items() if key in self._live}
        header = encode_line({"process": self._process, "boot": self._boot})
        lines = [_line(key, total) for key, total in self._totals.items()]
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        file = LineFile(fresh)
        try:
            file.append(b"".join((header, *lines)))
            os.replace(fresh, self._path)
        except OSError:
            file.close()
            fresh.unlink(missing_ok=True)
            raise
        file.path = self._path
        old, self._file = self._file, file
        if old is not None:
            old.close()

    def _read(self) -> dict[int, dict[CountKey, Decimal]]:
        """Totals by process; a file that cannot be trusted says nothing."""
        if not self._path.exists():
            return {}
        try:
            file = LineFile(self._path)
            try:
                lines = list(file.lines())
                damaged = file.unreadable
            finally:
                file.close()
            header, *changes = lines or [{}]
            totals = dict(_change(line) for line in changes)
        except (OSError, ValueError, TypeError, KeyError, InvalidOperation) as error:
            logger.warning("%s cannot be read: %s", self._path, error)
            return {}
        process = header.get("process")
        if damaged or header.get("boot") != self._boot or not isinstance(process, int):
            logger.warning("%s is of another boot or damaged: credit counts as used", self._path)
            return {}
        return {process: totals}


def _line(key: CountKey, total: Decimal) -> bytes:
    count = [key.campaign, key.cap, key.scope, key.period]
    return encode_line({"count": count, "total": str(total)})


def _change(line: Mapping[str, Any]) -> tuple[CountKey, Decimal]:
    return CountKey(*line["count"]), Decimal(line["total"])


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
