"""Windows that wait for a worker, and what goes when there are too many.

Answers come first, for somebody waits for them; then the whole of what was said, which comes once;
then what is being said. Of a stream only the newest rolling window waits: it covers the one before.
"""

from collections import deque

from media.speech.recognition.window import Window

__all__ = ["WindowQueue"]

MAX_WAITING = 128
"""Windows of all kinds: some 20 s of work, with which nothing comes in time any more. Beyond it the
oldest of the least urgent kind is left out."""

_ORDER = ("answer", "segment", "rolling")


class WindowQueue:
    """The windows that wait for one worker, each with the time it was put in."""

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self._limit = limit
        self._waiting: dict[str, deque[tuple[Window, float]]] = {one: deque() for one in _ORDER}

    def __len__(self) -> int:
        return sum([len(waiting) for waiting in self._waiting.values()])

    def put(self, window: Window, now: float) -> list[Window]:
        """Have a window wait; returns those that need not, or cannot, wait any more."""
        dropped = self._supersede(window)
        self._waiting[window.purpose].append((window, now))
        if len(self) > self._limit:
            for purpose in reversed(_ORDER):
                if self._waiting[purpose]:
                    dropped.append(self._waiting[purpose].popleft()[0])
                    break
        return dropped

    def take(self, most: int) -> list[tuple[Window, float]]:
        """The next windows for a worker, most urgent first; answers go alone, for what is decoded
        beside them holds them up."""
        taken: list[tuple[Window, float]] = []
        for purpose in _ORDER:
            waiting = self._waiting[purpose]
            while waiting and len(taken) < most:
                taken.append(waiting.popleft())
            if taken and purpose == "answer":
                break
        return taken

    def _supersede(self, window: Window) -> list[Window]:
        if window.purpose == "segment":
            return []
        waiting = self._waiting[window.purpose]
        covered = [entry for entry in waiting if self._covers(window, entry[0])]
        for entry in covered:
            waiting.remove(entry)
        return [entry[0] for entry in covered]

    @staticmethod
    def _covers(new: Window, old: Window) -> bool:
        """Whether nothing is lost without the old one."""
        return new.stream == old.stream and new.start_ns <= old.start_ns and not old.final
