"""Places for connections: how many there may be at once, and who has to leave for another.

Whoever has shown a token, or needs none, is never driven out. Of those that have shown none yet
there may be few, and fewer of one address: one more takes the place of the oldest, so that a
thousand silent ones keep nobody from showing a token. A core, but for the line it logs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from softswitch.control.web.rate import group_of

__all__ = ["Place", "Places"]

logger = logging.getLogger(__name__)

MAX_STRANGERS = 50
"""Without a token at once: three in four places are kept for those who have shown one."""

MAX_OF_ADDRESS = 20
"""Of these, of one address."""

TELL_SECONDS = 60.0
"""One line about it in so long."""


class Place:
    """That of one connection."""

    def __init__(self, address: str, is_known: Callable[[], bool], cut: Callable[[], None]) -> None:
        self.group = group_of(address)
        self.is_known = is_known
        self.cut = cut


class Places:
    """All places of one kind of socket."""

    def __init__(self) -> None:
        self._taken: dict[Place, None] = {}
        """The oldest first."""
        self._silent_until = 0.0
        self.refused = 0

    def take(self, place: Place, most: int) -> bool:
        """Take a place; False: there is none."""
        if not place.is_known():
            self._make_room(place.group)
        if len(self._taken) >= most:
            self._count(f"{most} connections are all there may be, others are refused")
            return False
        self._taken[place] = None
        return True

    def release(self, place: Place) -> None:
        """The connection is over."""
        self._taken.pop(place, None)

    def _make_room(self, group: str) -> None:
        strangers = [one for one in self._taken if not one.is_known()]
        of_group = [one for one in strangers if one.group == group]
        if len(of_group) >= MAX_OF_ADDRESS:
            oldest = of_group[0]
            self._count(f"{MAX_OF_ADDRESS} connections of {group} without a token, oldest are cut")
        elif len(strangers) >= MAX_STRANGERS:
            oldest = strangers[0]
            self._count(f"{MAX_STRANGERS} connections without a token, the oldest are cut off")
        else:
            return
        self.release(oldest)
        oldest.cut()

    def _count(self, what: str) -> None:
        self.refused += 1
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + TELL_SECONDS
            logger.warning("control: %s (%d until now)", what, self.refused)
