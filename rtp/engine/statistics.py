"""Counts of a media port and of the engine. Times are of the monotonic clock, in ns."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec


class PortStatistics(msgspec.Struct, frozen=True):
    """What one media port has seen.

    `packets_received` counts each believed packet once; `lost` is what never came in between, so
    the two add up to what was expected; `loss_runs` is in how many stretches. `late` of those
    received came later than a jitter buffer waits. `dropped` holds only reasons that occurred.
    `datagrams_*` are those that were passed on unread, in place of RTP. `remote_*` and
    `round_trip_ms` are what the peer's RTCP told, None until it did.
    """

    packets_received: int
    octets_received: int
    packets_sent: int
    octets_sent: int
    lost: int
    duplicated: int
    reordered: int
    restarts: int
    jitter_ms: float
    dropped: Mapping[str, int]
    digits_received: int
    digits_sent: int
    first_received_ns: int | None
    last_received_ns: int | None
    rtcp_received: int
    rtcp_sent: int
    rtcp_malformed: int
    remote_lost: int | None
    remote_fraction_lost: float | None
    remote_jitter_ms: float | None
    round_trip_ms: float | None
    loss_runs: int = 0
    late: int = 0
    datagrams_received: int = 0
    datagrams_sent: int = 0


@dataclass(frozen=True, slots=True)
class EngineCounters:
    """The state of the port pool (in pairs) and what the engine threw away.

    `ports_unusable` are held by other programs for now; `stray_packets` came to ports without a
    leg; `events_lost` and `tap_lost` found their ring full.
    """

    ports_total: int
    ports_in_use: int
    ports_resting: int
    ports_free: int
    ports_unusable: int
    stray_packets: int
    events_lost: int
    tap_lost: int
    send_errors: int


@dataclass(frozen=True, slots=True)
class FramerCounters:
    """What became frames, and what did not."""

    legs: int
    """Heard now."""
    frames: int
    masked: int
    """Frames of which something was missing."""
    late: int
    """Packets whose time had gone out already."""
    dropped: int
    """Packets for which there was no room: of legs that send faster than time passes, or after a
    stall."""
    refused: int
    """Packets of legs that were closed, or of more legs than can be heard."""
