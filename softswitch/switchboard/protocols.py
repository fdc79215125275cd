"""What the switchboard needs written down; `softswitch.store` does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

__all__ = ["Journal", "RecordSink", "WriteError"]


class WriteError(Exception):
    """A line could not be written; nothing of it stays behind."""


class Journal(Protocol):
    """Knows which calls are open, through any crash."""

    def open_call(self, call_id: str, facts: Mapping[str, Any]) -> None:
        """Write that a call was presented, before anybody hears of it; raises WriteError."""

    def note(self, call_id: str, facts: Mapping[str, Any]) -> None:
        """Add what is known since; may be written a moment later, never raises."""

    def close_call(self, call_id: str) -> None:
        """Write that the record of a call is safe; never raises."""


class RecordSink(Protocol):
    """Takes finished records, one a call."""

    def write(
        self, record: Mapping[str, Any], *, done: Callable[[str], None] | None = None
    ) -> bool:
        """Append a record and tell `done` its call id; False: it is kept and tried again later."""
