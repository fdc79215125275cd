"""How many keep-alives one connection may send: enough for everybody who means them.

Each costs an answer, and thousands fit into one read: without a bound a single connection could
keep the loop busy. Told the time; knows no connection.
"""

from __future__ import annotations

__all__ = ["KeepAlives"]

WITHIN_SECONDS = 10.0
MAX_KEEP_ALIVES = 30
"""Within that time. RFC 5626 section 4.4.1 has one in 95 to 120 s by TCP, browsers one in 15 s; who
watches a line closely sends one a second."""


class KeepAlives:
    """Those of one connection."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._since = float("-inf")
        self._count = 0

    def takes(self, now: float) -> bool:
        """Another one has come: whether that is not too many."""
        if now - self._since >= WITHIN_SECONDS:
            self._since, self._count = now, 0
        self._count += 1
        return self._count <= MAX_KEEP_ALIVES
