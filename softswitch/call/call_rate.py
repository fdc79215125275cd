"""How many calls a second there may be: of the switch, of a trunk, each way."""

from __future__ import annotations

__all__ = ["CallRate"]


class CallRate:
    """A bucket for each name, with room for one second's calls; names are those of the
    configuration, so there are not many."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def takes(self, name: str, limit: int, now: float) -> bool:
        """Whether one more call may begin now; it counts then."""
        level, seen = self._buckets.get(name, (float(limit), now))
        level = min(float(limit), level + (now - seen) * limit)
        if level < 1.0:
            self._buckets[name] = (level, now)
            return False
        self._buckets[name] = (level - 1.0, now)
        return True
