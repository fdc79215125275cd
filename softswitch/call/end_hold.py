"""What keeps the end of a call from being told: a fact of it that is still to come in."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MAX_HOLD_SECONDS", "EndHold"]

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
