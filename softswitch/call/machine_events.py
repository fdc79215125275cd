"""What happens to the machine under the switch, as events.

They belong to no call: `call_id` is empty. Everybody imports these from `softswitch.call.events`,
where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = ["CertificateExpiring", "ClockStepped", "DiskFailed", "DiskRecovered"]


class CertificateExpiring(CallEvent, frozen=True, kw_only=True):
    """A certificate of ours, or of a trunk, ends soon, or has ended; told once a day. `call_id` is
    empty."""

    kind = "certificate.expiring"
    section: str
    """Whose it is: switch, control, web, stir; trunk: of who was connected to."""
    path: str
    """The file; of a trunk, its host."""
    expires_at: float
    """Unix seconds."""
    days_left: float
    """Below zero: it has ended, and peers that verify it refuse us."""


class ClockStepped(CallEvent, frozen=True, kw_only=True):
    """The time of day was set while the switch runs; durations do not count by it. `call_id` is
    empty."""

    kind = "clock.stepped"
    seconds: float
    """Forward, or back when it is below zero."""


class DiskFailed(CallEvent, frozen=True, kw_only=True):
    """The data folder refuses what is written there: no new calls are taken, records wait in
    memory. `call_id` is empty."""

    kind = "disk.failed"
    why: str
    records: int
    """So many records wait."""


class DiskRecovered(CallEvent, frozen=True, kw_only=True):
    """The data folder takes what is written again, and has all records. `call_id` is empty."""

    kind = "disk.recovered"
    seconds: float
    """How long it had not."""
