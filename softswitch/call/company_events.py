"""Conferences and supervisors, as events of the calls they are about.

Everybody imports these from `softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = [
    "ConferenceJoined",
    "ConferenceLeft",
    "ConferenceMuted",
    "MonitorChanged",
    "MonitorEnded",
    "MonitorStarted",
]


class ConferenceJoined(CallEvent, frozen=True, kw_only=True):
    """A leg is in a conference."""

    kind = "conference.joined"
    leg: str
    conference: str
    muted: bool
    members: int
    """How many legs are in it now."""


class ConferenceLeft(CallEvent, frozen=True, kw_only=True):
    """A leg is in a conference no more."""

    kind = "conference.left"
    leg: str
    conference: str
    why: str
    """removed, hung_up, destroyed, diverted: its call goes on elsewhere; or claimed: a call of a
    campaign came that whoever brought this one does not see."""
    members: int
    """How many legs are left."""


class ConferenceMuted(CallEvent, frozen=True, kw_only=True):
    """A leg is heard by the others of its conference no more, or again."""

    kind = "conference.muted"
    leg: str
    conference: str
    muted: bool


class MonitorStarted(CallEvent, frozen=True, kw_only=True):
    """A supervisor hears a call; told of the call and of the supervisor's own."""

    kind = "monitor.started"
    monitor: str
    mode: str
    """listen: is heard by nobody; whisper: by the party called; barge: by both."""
    heard: str
    """The call that is heard."""
    supervisor: str
    """The supervisor's own call."""


class MonitorChanged(CallEvent, frozen=True, kw_only=True):
    """A supervisor is heard by others than before."""

    kind = "monitor.changed"
    monitor: str
    mode: str


class MonitorEnded(CallEvent, frozen=True, kw_only=True):
    """A supervisor hears the call no more."""

    kind = "monitor.ended"
    monitor: str
    why: str
    """stopped, call_ended, or supervisor_left."""
