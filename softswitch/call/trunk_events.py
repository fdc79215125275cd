"""What becomes of trunks, as events.

They belong to no call: `call_id` is empty. Everybody imports these from `softswitch.call.events`,
where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["SourceBanned", "TrunkDown", "TrunkRegistered", "TrunkUnregistered", "TrunkUp"]


class SourceBanned(CallEvent, frozen=True, kw_only=True):
    """A source that is no trunk has tried too much in vain: it gets no answer for a while.
    `call_id` is empty."""

    kind = "source.banned"
    source: str
    seconds: float
    tries: int
    """How many there were within a minute."""
    why: str
    """What the last one was refused for."""


class TrunkDown(CallEvent, frozen=True, kw_only=True):
    """A trunk does not answer any more; no calls go there. `call_id` is empty."""

    kind = "trunk.down"
    trunk: str
    status: int
    """Of the last answer, or 0: there was none."""


class TrunkUp(CallEvent, frozen=True, kw_only=True):
    """A trunk that was down answers again. `call_id` is empty."""

    kind = "trunk.up"
    trunk: str


class TrunkRegistered(CallEvent, frozen=True, kw_only=True):
    """The switch is registered with a carrier. `call_id` is empty."""

    kind = "trunk.registered"
    trunk: str


class TrunkUnregistered(CallEvent, frozen=True, kw_only=True):
    """A registration failed, and is tried again, or was taken back. `call_id` is empty."""

    kind = "trunk.unregistered"
    trunk: str
    holds: bool
    """Whether the last one is good still."""
    status: int
    """Of the answer, or 0: there was none."""
    why: str
    """response, timeout or transport; withdrawn: it is not to be any more."""
