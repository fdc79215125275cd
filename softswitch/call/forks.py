"""Which fork of one INVITE is heard before somebody answers (RFC 3261 section 13.2.2.4, RFC 3960).

A proxy of the far end may ring several phones, each with a dialog and a description of its own. The
first that describes itself is heard and kept to: sound that changes with whoever spoke last is no
sound. Another is heard when that one is over (199, RFC 6228), or has answered.
"""

from __future__ import annotations

from softswitch.sip.inspect import to_tag_of
from softswitch.sip.message import Response

__all__ = ["MAX_FORKS", "Forks"]

MAX_FORKS = 16
"""Phones behind one number whose descriptions are kept; fewer than dialogs are, because each is a
whole message."""


class Forks:
    """The forks of one INVITE that have described themselves, by the tags of their dialogs."""

    __slots__ = ("_described", "heard")

    def __init__(self) -> None:
        self.heard: str | None = None
        """The tag of the one that is heard."""
        self._described: dict[str, Response] = {}

    def describes(self, response: Response) -> bool:
        """A provisional response has a description; whether it is to be heard now."""
        tag = to_tag_of(response)
        if tag not in self._described and len(self._described) >= MAX_FORKS:
            return False
        self._described[tag] = response
        if self.heard is None:
            self.heard = tag
        return tag == self.heard

    def ends(self, response: Response) -> Response | None:
        """A fork is over; the response of another that is to be heard from now on."""
        tag = to_tag_of(response)
        self._described.pop(tag, None)
        if tag != self.heard:
            return None
        self.heard = next(reversed(self._described), None)
        return None if self.heard is None else self._described[self.heard]

    def answers(self, response: Response) -> Response | None:
        """A fork has answered without a description: the response in which it had one."""
        found = self._described.get(to_tag_of(response))
        # A provisional response of who knows no tags speaks for all.
        return found or self._described.get("")
