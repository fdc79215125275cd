"""Log lines: one a fact, text or JSON, with call id and leg id; written by a thread, so that a
slow reader of our standard error never holds a call.

Lines wait in a bounded queue; when it is full new lines are dropped and the next line that passes
says how many.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from softswitch.call.events import (
    AdmissionClosed,
    CallEnded,
    CallEvent,
    CallPresented,
    CallRecorded,
    CallRefused,
    CertificateExpiring,
    ClockStepped,
    ConfigRefused,
    DiskFailed,
    TrunkDown,
    TrunkUnregistered,
)
from softswitch.call.stream import EventStream
from softswitch.switchboard.record import utc_text

__all__ = ["EventLog", "LogLevels", "LogWriter", "set_up_logging"]

MAX_LINES = 20_000
"""Lines waiting for the reader; about 4 MB. Beyond it lines are dropped and counted."""

MAX_REFUSALS_A_SECOND = 100
"""Refused calls that are logged one by one; whoever floods us does not write our log."""

GATHER_SECONDS = 0.02
"""How long the writer waits for more lines before it writes."""

MAX_VALUE = 300
"""Characters of one value in a text line."""


class LogWriter:
    """Writes lines to a descriptor from its own thread, a batch at a time."""

    def __init__(self, fd: int = 2, *, as_json: bool = False) -> None:
        self._fd = fd
        self._as_json = as_json
        self._lines: deque[str] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self.dropped = 0
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue a line; never waits."""
        if len(self._lines) >= MAX_LINES:
            self.dropped += 1
            return
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            text = f"{dropped} log lines could not be written and were dropped"
            self._lines.append(
                _json_text({"level": "warning", "message": text})
                if self._as_json
                else f"warning {text}"
            )
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            # One thread switch for all lines of a moment, not one a line.
            self._closing.wait(GATHER_SECONDS)
            self._wake.clear()
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            self.dropped += len(lines)

    def close(self) -> None:
        """Write what waits, for a second at most."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout=1.0)


class _Handler(logging.Handler):
    """Python's loggers, through the same writer."""

    def __init__(self, writer: LogWriter, as_json: bool) -> None:
        super().__init__()
        self._writer = writer
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        message = printable(record.getMessage())
        if record.exc_info:
            # Indented: what failed may quote a peer, who must not begin a line.
            trace = logging.Formatter().formatException(record.exc_info).split("\n")
            message = "\n  ".join((message, *map(printable, trace)))
        level = record.levelname.lower()
        if self._as_json:
            entry = {"at": utc_text(record.created), "level": level, "message": message}
            self._writer.write(_json_text(entry))
        else:
            self._writer.write(f"{utc_text(record.created)} {level} {message}")


def printable(text: str) -> str:
    """A text on one line, without what moves a terminal's cursor: a peer may have written part of
    it, whoever has quoted it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def set_up_logging(writer: LogWriter, *, level: str, as_json: bool) -> None:
    """Send all loggers of the process through the writer."""
    root = logging.getLogger()
    root.handlers = [_Handler(writer, as_json)]
    root.setLevel(level.upper())


_LEVELS: Mapping[type[CallEvent], int] = {
    CallPresented: logging.INFO,
    AdmissionClosed: logging.WARNING,
    CallRefused: logging.WARNING,
    CallEnded: logging.INFO,
    CallRecorded: logging.DEBUG,
    CertificateExpiring: logging.WARNING,
    ClockStepped: logging.WARNING,
    ConfigRefused: logging.ERROR,
    DiskFailed: logging.ERROR,
    TrunkDown: logging.WARNING,
    TrunkUnregistered: logging.WARNING,
}
"""Everything else is INFO too: a line a fact."""


class EventLog:
    """Writes a line for each event of the stream."""

    def __init__(self, writer: LogWriter, *, level: str, as_json: bool) -> None:
        self._writer = writer
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._as_json = as_json
        self._stream: EventStream | None = None
        self._second = 0
        self._told = 0
        self._untold = 0

    @property
    def kinds(self) -> frozenset[type[CallEvent]] | None:
        """The events there are lines of at this level; None: nearly all."""
        if self._level <= logging.INFO:
            return None
        return frozenset(kind for kind, level in _LEVELS.items() if level >= self._level)

    def follow(self, stream: EventStream) -> None:
        """Hear of the events there are lines of."""
        self._stream = stream
        stream.subscribe(self.receive, kinds=self.kinds)

    @property
    def level(self) -> str:
        """The level from which on there are lines."""
        return _name_of(self._level)

    def set_level(self, level: str) -> None:
        """Write lines of this level and above from now on."""
        self._level = logging.getLevelNamesMapping()[level.upper()]
        if self._stream is not None:
            self._stream.unsubscribe(self.receive)
            self.follow(self._stream)

    def receive(self, event: CallEvent) -> None:
        """Take one event of the stream."""
        level = _LEVELS.get(type(event), logging.INFO)
        if level < self._level or (type(event) is CallRefused and not self._may_tell(event)):
            return
        self._writer.write(self._json(event, level) if self._as_json else self._text(event, level))

    def _may_tell(self, event: CallRefused) -> bool:
        """Whether one more refusal is told this second: a flood must not fill the disk."""
        second = int(event.clock)
        if second != self._second:
            if self._untold:
                message = f"{self._untold} more calls were refused in the second before"
                logging.getLogger(__name__).warning(message)
            self._second, self._told, self._untold = second, 0, 0
        self._told += 1
        self._untold += self._told > MAX_REFUSALS_A_SECOND
        return self._told <= MAX_REFUSALS_A_SECOND

    def _json(self, event: CallEvent, level: int) -> str:
        entry: dict[str, Any] = {
            "at": utc_text(event.at),
            "level": logging.getLevelName(level).lower(),
            "event": event.kind,
            "call": event.call_id,
            **event.facts(),
        }
        return _json_text(entry)

    def _text(self, event: CallEvent, level: int) -> str:
        facts = " ".join(
            f"{name}={_short(value)}"
            for name, value in event.facts().items()
            if value is not None and value != ""
        )
        name = logging.getLevelName(level).lower()
        return f"{utc_text(event.at)} {name} {event.kind} call={event.call_id or '-'} {facts}"


class LogLevels:
    """Levels from which on there are lines, changed while the switch runs."""

    EVENTS = "events"
    """What the lines of events are called here; everything else is the name of a logger."""

    def __init__(self, event_log: EventLog) -> None:
        self._event_log = event_log
        self._own: set[str] = set()

    def levels(self) -> dict[str, str]:
        """The level of all loggers (an empty name), of events, and of loggers with their own."""
        root = {"": _name_of(logging.getLogger().level), self.EVENTS: self._event_log.level}
        return root | {name: _name_of(logging.getLogger(name).level) for name in sorted(self._own)}

    def set(self, name: str, level: str | None) -> bool:
        """Set the level of all that has no own (an empty name), of events, or of a logger; None:
        its own no more. False when there is no such logger."""
        if name in ("", self.EVENTS):
            if level is None:
                return False
            self._event_log.set_level(level)
            if not name:
                logging.getLogger().setLevel(level.upper())
            return True
        # Only what is there already: asking for a logger would make it.
        if not isinstance(logging.root.manager.loggerDict.get(name), logging.Logger):
            return False
        logging.getLogger(name).setLevel(logging.NOTSET if level is None else level.upper())
        (self._own.discard if level is None else self._own.add)(name)
        return True


def _name_of(level: int) -> str:
    return logging.getLevelName(level).lower()


def _json_text(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=_plain).decode()
    except UnicodeEncodeError:
        return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def _short(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, int | float):
        return str(value)
    else:
        text = _json_text(value)
    text = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}..."
    if not text.isprintable() or " " in text:
        return printable(_json_text(text))
    return text
