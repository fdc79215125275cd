"""Challenges that nobody has answered yet.

The first INVITE of everybody who has to show credentials shows none: that is no vain try. It was
one when the credentials do not come. Knows no SIP but the request that it keeps for the telling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from softswitch.sip.events import RequestRefused

__all__ = ["Challenges"]

PATIENCE_SECONDS = 2.0
"""How long credentials may take: longer than a lost answer and the next try."""

MAX_WAITING = 1000
"""Sources that are waited for. In a flood from more of them nobody is: each challenge counts."""


class _Waiting:
    """One source that was challenged."""

    __slots__ = ("last", "timer", "times")

    def __init__(self, last: RequestRefused, timer: asyncio.TimerHandle) -> None:
        self.last = last
        self.timer = timer
        self.times = 1


class Challenges:
    """Owns a timer a source; tells what was in vain, and how often."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_vain: Callable[[RequestRefused, int], None]
    ) -> None:
        self._loop = loop
        self._on_vain = on_vain
        self._waiting: dict[str, _Waiting] = {}

    def asked(self, event: RequestRefused) -> None:
        """Somebody was challenged."""
        host = event.flow.host
        waiting = self._waiting.get(host)
        if waiting is not None:
            waiting.times += 1
            waiting.last = event
        elif len(self._waiting) >= MAX_WAITING:
            self._on_vain(event, 1)
        else:
            timer = self._loop.call_later(PATIENCE_SECONDS, self._on_silence, host)
            self._waiting[host] = _Waiting(event, timer)

    def shown(self, host: str) -> None:
        """Good credentials have come from there: nothing was in vain."""
        waiting = self._waiting.pop(host, None)
        if waiting is not None:
            waiting.timer.cancel()

    def close(self) -> None:
        """Wait for nobody any more."""
        for waiting in self._waiting.values():
            waiting.timer.cancel()
        self._waiting.clear()

    def _on_silence(self, host: str) -> None:
        waiting = self._waiting.pop(host)
        self._on_vain(waiting.last, waiting.times)
