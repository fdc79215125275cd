"""Rates calls while they go on, and pays, settles and judges them at their end."""

from __future__ import annotations

from softswitch.call.call import Call
from softswitch.call.events import CallEvent
from softswitch.campaign.facts import CallFacts

__all__ = ["Money"]


class Money:
    """A subscriber of the event stream."""

    def open(self, call: Call, facts: CallFacts) -> None:
        """A call was presented: its first rating."""

    def receive(self, event: CallEvent) -> None:
        """Take one event of the stream."""

    def at_end(self, call: Call) -> None:
        """Rate for the last time, pay, settle credit, look at fraud; before CallEnded."""
