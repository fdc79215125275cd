"""That a campaign has spent what it may, as an event.

Everybody imports it from `softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["SpendReached"]


class SpendReached(CallEvent, frozen=True, kw_only=True):
    """A campaign has spent what it may within an hour: nobody is called for it. Told at the first
    leg that is not placed, and once a minute while that goes on. `call_id` is empty."""

    kind = "spend.reached"
    campaign: str
    spent: str
    """Within the last hour."""
    limit: str
    currency: str
