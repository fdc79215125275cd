"""What keeps the end of a call from being told: facts of it that are still to come in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

__all__ = ["MAX_HOLD_SECONDS", "EndHold", "EndHolds"]

logger = logging.getLogger(__name__)

MAX_HOLD_SECONDS = 5.0
"""How long the end of a call waits for facts, at most: a record that comes late is worse than one
that says that a recording was not finished."""


class EndHold:
    """One reason to wait; released once, by whoever made it."""

    __slots__ = ("_on_released", "what")

    def __init__(self, what: str, on_released: Callable[[EndHold], None]) -> None:
        self.what = what
        self._on_released: Callable[[EndHold], None] | None = on_released

    def release(self) -> None:
        """The fact has come in, or will not; twice is once."""
        on_released, self._on_released = self._on_released, None
        if on_released is not None:
            on_released(self)


class EndHolds:
    """All reasons of one call to wait, and what is to be done when there are none left."""

    __slots__ = ("_call_id", "_conclude", "_holds", "_timer")

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._holds: set[EndHold] = set()
        self._conclude: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._holds)

    def add(self, what: str) -> EndHold:
        """One more."""
        hold = EndHold(what, self._on_released)
        self._holds.add(hold)
        return hold

    def wait(self, loop: asyncio.AbstractEventLoop, conclude: Callable[[], None]) -> None:
        """Do this when all are released, at latest after MAX_HOLD_SECONDS."""
        self._conclude = conclude
        self._timer = loop.call_later(MAX_HOLD_SECONDS, self._give_up)

    def _on_released(self, hold: EndHold) -> None:
        self._holds.discard(hold)
        if not self._holds:
            self._finish()

    def _give_up(self) -> None:
        names = ", ".join(sorted(hold.what for hold in self._holds))
        logger.warning("call %s: its end is told without waiting for: %s", self._call_id, names)
        self._finish()

    def _finish(self) -> None:
        conclude, self._conclude = self._conclude, None
        if self._timer is not None:
            self._timer.cancel()
        self._holds.clear()
        if conclude is not None:
            conclude()
