"""What happens to the configuration and to numbers while the switch runs, as events.

They belong to no call: `call_id` is empty. Everybody imports these from `softswitch.call.events`,
where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["ConfigRefused", "ConfigReloaded", "NumberActivated", "NumberWithdrawn"]


class ConfigReloaded(CallEvent, frozen=True, kw_only=True):
    """Calls that come in from now on have another configuration. `call_id` is empty."""

    kind = "config.reloaded"
    version: str
    before: str
    """The version until now."""
    asked: str
    """Who asked for it: signal, or the name of a token."""
    changes: int
    """How many things are different."""
    needs_restart: tuple[str, ...]
    """Keys that are different in the file, and stay as they are until the switch is restarted."""
    seconds: float
    """From the wish to the first call that has it."""


class ConfigRefused(CallEvent, frozen=True, kw_only=True):
    """The file has mistakes: the configuration stays as it was. `call_id` is empty."""

    kind = "config.refused"
    version: str
    """The version that stays."""
    asked: str
    errors: int
    first: str
    """The first mistake, with its place."""


class NumberActivated(CallEvent, frozen=True, kw_only=True):
    """A number takes calls from now on. `call_id` is empty."""

    kind = "number.activated"
    called_number: str
    """Canonical: E.164, a SIP URI, or as it is dialled."""
    campaign: str
    asked: str
    """Name of the token that asked."""


class NumberWithdrawn(CallEvent, frozen=True, kw_only=True):
    """A number takes no more calls. `call_id` is empty."""

    kind = "number.withdrawn"
    called_number: str
    campaign: str
    asked: str
