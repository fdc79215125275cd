"""How many connections strangers have: each a few, and all together not all there is room for.

Knows no connection, only who has how many.
"""

from __future__ import annotations

from collections import Counter

# A stranger may be an office with a few telephones that show credentials; who has shown them is
# none any more.
MAX_CONNECTIONS_EACH = 8
# What share of the table strangers may fill: the rest waits for trunks.
SHARE = 0.5


class Strangers:
    """Counts the connections that strangers opened."""

    __slots__ = ("_by_host", "_most", "_total")

    def __init__(self, max_connections: int) -> None:
        self._by_host: Counter[str] = Counter()
        self._total = 0
        self._most = int(max_connections * SHARE)

    @property
    def full(self) -> bool:
        """Whether strangers have all that they may have together."""
        return self._total >= self._most

    def has_enough(self, host: str) -> bool:
        """Whether one of them has all that it may have."""
        return self._by_host[host] >= MAX_CONNECTIONS_EACH

    def enter(self, host: str) -> None:
        """Count a connection."""
        self._by_host[host] += 1
        self._total += 1

    def leave(self, host: str) -> None:
        """Count a connection no more."""
        self._total -= 1
        self._by_host[host] -= 1
        if self._by_host[host] <= 0:
            del self._by_host[host]
