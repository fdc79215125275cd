"""How many handshakes may be under way: of TLS, and of WebSockets. Who hangs there is nobody's call
yet, and would take all descriptors.

Knows no connection, only who has how many.
"""

from __future__ import annotations

from softswitch.transport.strangers import Strangers

__all__ = ["MAX_HALF_OPEN", "HalfOpen"]

MAX_HALF_OPEN = 512
"""Handshakes at once; a trunk that comes back with all its connections has a few dozen. Strangers
have half of them (`Strangers`)."""


class HalfOpen:
    """Counts handshakes."""

    __slots__ = ("_strangers", "_total")

    def __init__(self) -> None:
        self._strangers = Strangers(MAX_HALF_OPEN)
        self._total = 0

    def enter(self, host: str, *, strange: bool) -> bool:
        """Count one more; False, and it is not counted, where there is no room."""
        too_many = strange and (self._strangers.has_enough(host) or self._strangers.full)
        if too_many or self._total >= MAX_HALF_OPEN:
            return False
        if strange:
            self._strangers.enter(host)
        self._total += 1
        return True

    def leave(self, host: str, *, strange: bool) -> None:
        """Count one no more."""
        if strange:
            self._strangers.leave(host)
        self._total -= 1
