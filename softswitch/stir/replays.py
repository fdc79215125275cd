"""Signatures seen lately: one that comes with another call is a copy (RFC 8224 section 12.1)."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["MAX_REMEMBERED", "Replays"]

MAX_REMEMBERED = 200_000
"""Some 600 calls a second for the two minutes in which a signature is fresh, and more. Beyond it
the oldest is forgotten: its copy would be believed, which costs less than refusing calls."""


class Replays:
    """Remembers each signature with its call for as long as it could be believed."""

    def __init__(self, *, most: int = MAX_REMEMBERED) -> None:
        self._most = most
        self._seen: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def is_copy(self, signature: bytes, call_id: str, *, until: float, now: float) -> bool:
        """Whether a signature was seen with another Call-ID; else it is remembered. The same call
        may come again: by another way, or with credentials."""
        self._forget(now)
        seen = self._seen.get(signature)
        if seen is not None:
            return seen[0] != call_id
        if len(self._seen) >= self._most:
            self._seen.popitem(last=False)
        self._seen[signature] = (call_id, until)
        return False

    def _forget(self, now: float) -> None:
        # They come in the order of their time, or nearly so.
        while self._seen:
            signature, (_, until) = next(iter(self._seen.items()))
            if until >= now:
                return
            del self._seen[signature]
