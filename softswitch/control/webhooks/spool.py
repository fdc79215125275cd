"""The spool: what is to be told, on disk, until everybody has been told.

An append-only log of lines in files of a few megabytes, each named by the offset at which it
begins; an offset is a place in the whole log, whatever became of its beginning. Beside entries
stand notes of how far records.jsonl has come in: they are in the same write as the entries they
count for, so that after a crash no record is missing and none is in it twice. Appended lines count
when they are synced. A torn last line is cut on opening.

Blocking; used by one thread at a time. When the log has grown to its bound the oldest file goes,
told or not, and is counted. Knows no HTTP.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from softswitch.control.webhooks.entry import Entry, line_of
from softswitch.store.calls_lines import Place
from softswitch.store.lines import LineFile

__all__ = ["Portion", "Spool", "Spooled"]

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 8 << 20
"""Length at which a new file is begun: what is deleted at once."""

MAX_BYTES = 1 << 30
"""The whole log: half a million records, or a day of a receiver that is away at six calls a
second."""

MAX_LINE = 2 << 20
"""Twice a line of records.jsonl; what is longer was not written by us."""

_NOTE = b'{"records":'


class _Note(msgspec.Struct):
    """How far records.jsonl has come in."""

    records: int
    tail: str

    def place(self) -> Place:
        return Place(self.records, bytes.fromhex(self.tail))


@dataclass(frozen=True, slots=True)
class Spooled:
    """An entry and the offset behind it."""

    entry: Entry
    end: int


@dataclass(frozen=True, slots=True)
class Portion:
    """What was read: entries, and where to go on."""

    entries: tuple[Spooled, ...]
    start: int
    """Where it begins: later than was asked when what stood there is gone."""
    end: int


class Spool:
    """One folder; owns its files until `close`."""

    def __init__(
        self, folder: Path, *, max_bytes: int = MAX_BYTES, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Open or begin the log; raises OSError."""
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        starts = sorted(_start_of(path) for path in folder.glob("*.log"))
        self._starts = starts or [0]
        self._file = LineFile(self._path(self._starts[-1]))
        self.cut_bytes = self._file.cut_bytes
        self.place = self._last_note()
        """How far records.jsonl has come in; None: nothing is known of it."""
        self.unreadable = 0
        self.lost_bytes = 0
        """Of files that went before everybody was told."""

    @property
    def start(self) -> int:
        """The oldest offset there is."""
        return self._starts[0]

    @property
    def end(self) -> int:
        """The offset behind everything."""
        return self._starts[-1] + self._file.size

    def append(self, entries: Sequence[Entry], place: Place | None) -> None:
        """Add entries, with how far records.jsonl has come in by them; raises OSError and leaves
        the log as it was."""
        if self._file.size >= self._segment_bytes:
            self._begin_file()
        lines = [line_of(entry) for entry in entries]
        if place is not None:
            lines.append(_note_of(place))
        before = self._file.size
        self._file.append(b"".join(lines))
        try:
            self._file.sync()
        except OSError:
            # What a failed sync has kept is anybody's guess: it is written again.
            os.truncate(self._file.path, before)
            self._file.size = before
            raise
        if place is not None:
            self.place = place

    def _begin_file(self) -> None:
        """Go on in a new file, which knows by itself how far records.jsonl has come in."""
        start = self.end
        fresh = LineFile(self._path(start))
        try:
            if self.place is not None:
                fresh.append(_note_of(self.place))
            fresh.sync()
            _sync_folder(self._folder)
        except OSError:
            fresh.close()
            fresh.path.unlink(missing_ok=True)
            raise
        self._file.close()
        self._file = fresh
        self._starts.append(start)
        while self.end - self.start > self._max_bytes and len(self._starts) > 1:
            self.lost_bytes += self._starts[1] - self._starts[0]
            self._drop_first()

    def trim(self, told: int) -> None:
        """Delete files of which everything before an offset has been told; raises OSError."""
        while len(self._starts) > 1 and self._starts[1] <= told:
            self._drop_first()

    def _drop_first(self) -> None:
        self._path(self._starts[0]).unlink(missing_ok=True)
        del self._starts[0]

    def read(self, offset: int, *, max_bytes: int) -> Portion:
        """The entries from an offset on, whole lines of one file; raises OSError."""
        offset = min(max(offset, self.start), self.end)
        index = max(i for i, start in enumerate(self._starts) if start <= offset)
        start = self._starts[index]
        last = index + 1 == len(self._starts)
        limit = self.end if last else self._starts[index + 1]
        size = min(max_bytes, limit - offset)
        data = self._bytes(start, offset - start, size)
        cut = data.rfind(b"\n") + 1
        if not cut and size < limit - offset:
            data = self._bytes(start, offset - start, min(MAX_LINE, limit - offset))
            cut = data.find(b"\n") + 1 or len(data)
        return Portion(tuple(self._entries(data[:cut], offset)), offset, offset + cut)

    def _bytes(self, start: int, place: int, size: int) -> bytes:
        if size <= 0:
            return b""
        with self._path(start).open("rb") as file:
            return os.pread(file.fileno(), size, place)

    def _entries(self, data: bytes, offset: int) -> list[Spooled]:
        found = []
        for line in data.splitlines(keepends=True):
            offset += len(line)
            if line.startswith(_NOTE):
                continue
            try:
                found.append(Spooled(msgspec.json.decode(line, type=Entry), offset))
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.unreadable += 1
        return found

    def _last_note(self) -> Place | None:
        """The note nearest to the end of the last file, else of those before it."""
        for start in reversed(self._starts):
            path = self._path(start)
            for line in reversed(path.read_bytes().splitlines()) if path.exists() else ():
                if line.startswith(_NOTE):
                    try:
                        return msgspec.json.decode(line, type=_Note).place()
                    except (msgspec.DecodeError, ValueError):
                        continue
        return None

    def _path(self, start: int) -> Path:
        return self._folder / f"{start:020d}.log"

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _note_of(place: Place) -> bytes:
    return msgspec.json.encode(_Note(place.offset, place.tail.hex())) + b"\n"


def _start_of(path: Path) -> int:
    return int(path.stem) if path.stem.isdigit() else 0


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
