"""Lists of numbers that are called one after the other, as events.

Everybody imports these from `softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["ListEnded", "ListStarted", "OptedOut"]


class ListStarted(CallEvent, frozen=True, kw_only=True):
    """A list of numbers is being called. `call_id` is empty."""

    kind = "list.started"
    list: str
    numbers: int


class ListEnded(CallEvent, frozen=True, kw_only=True):
    """Nobody of a list is called any more. `call_id` is empty."""

    kind = "list.ended"
    list: str
    why: str
    """done, stopped, or drained."""
    answered: int
    unanswered: int
    """Called as often as was asked for, in vain."""
    opted_out: int
    """Not called, because they do not want to be."""
    not_allowed: int
    """Not called, because the rules do not list them."""
    left: int
    """Not called yet, or not often enough."""


class OptedOut(CallEvent, frozen=True, kw_only=True):
    """The party of a list's call has pressed the key: no list calls it again."""

    kind = "list.opted_out"
    list: str
    party: str
