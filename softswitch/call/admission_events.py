"""Whether the switch as a whole takes calls, as events.

They belong to no call: `call_id` is empty. Everybody imports these from `softswitch.call.events`,
where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["AdmissionClosed", "AdmissionOpened"]


class AdmissionClosed(CallEvent, frozen=True, kw_only=True):
    """The switch takes no further call for the moment: new callers get 503 with Retry-After.
    `call_id` is empty."""

    kind = "admission.closed"
    why: str
    """The limit: loop_lag, backlog or free_ports."""
    loop_lag_ms: float
    """How late the event loop is."""
    free_ports: int
    """Pairs of media ports that can be had."""
    backlog: float
    """Share of the room for datagrams that is full."""


class AdmissionOpened(CallEvent, frozen=True, kw_only=True):
    """The switch takes calls again. `call_id` is empty."""

    kind = "admission.opened"
    why: str
    """The limit that it was closed for."""
    seconds: float
    """How long it was closed."""
    refused: int
    """How many calls were refused meanwhile."""
