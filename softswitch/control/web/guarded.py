"""Limits on connections from anywhere: how many, how many of one address, and for how long.

Stands between a socket and the HTTP protocol. However slowly somebody sends or takes, a connection
is over after CUT_SECONDS; one that is well-behaved is let go after KEEP_SECONDS, between requests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from softswitch.control.web.rate import group_of

__all__ = ["Connections", "Guarded"]

MAX_CONNECTIONS = 2000
"""All together; a connection costs some 30 kB."""

MAX_OF_ADDRESS = 50
"""Of one address that is no proxy."""

KEEP_SECONDS = 60.0
CUT_SECONDS = 90.0


class Connections:
    """The connections there are."""

    def __init__(self, *, most: int = MAX_CONNECTIONS, of_address: int = MAX_OF_ADDRESS) -> None:
        self._most = most
        self._of_address = of_address
        self._by_address: Counter[str] = Counter()
        self.count = 0
        self.refused = 0

    def take(self, address: str, *, proxy: bool) -> bool:
        """Count a connection; False: one too many."""
        limit = self._most if proxy else self._of_address
        if self.count >= self._most or self._by_address[address] >= limit:
            self.refused += 1
            return False
        self.count += 1
        self._by_address[address] += 1
        return True

    def release(self, address: str) -> None:
        """One is over."""
        self.count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class Guarded(asyncio.Protocol):
    """One connection, in front of another protocol."""

    def __init__(
        self, inner: Any, connections: Connections, *, proxies: Callable[[str], bool]
    ) -> None:
        self._inner = inner
        self._connections = connections
        self._proxies = proxies
        self._address = ""
        self._timers: list[asyncio.TimerHandle] = []
        self._taken = False

    def connection_made(self, transport: Any) -> None:
        peer = transport.get_extra_info("peername")
        host = str(peer[0]) if peer else ""
        self._address = group_of(host)
        self._taken = self._connections.take(self._address, proxy=self._proxies(host))
        if not self._taken:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(KEEP_SECONDS, self._inner.keep_alive, False),
            loop.call_later(CUT_SECONDS, transport.abort),
        ]
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._taken:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return bool(self._inner.eof_received()) if self._taken else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._taken:
            self._taken = False
            self._connections.release(self._address)
            self._inner.connection_lost(exc)
