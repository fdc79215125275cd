"""What becomes known of a call after its record was written, as an event.

Everybody imports these from `softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from softswitch.call.event import CallEvent

__all__ = ["ResultPosted"]


class ResultPosted(CallEvent, frozen=True, kw_only=True):
    """Results of a call were posted: its record has a new version. `number` is 0: it comes after
    the call."""

    kind = "call.result"
    campaign: str
    version: int
    results: Mapping[str, Any]
    """All that were posted so far."""
    payout: Mapping[str, Any] | None
    rating: Mapping[str, Any] | None
