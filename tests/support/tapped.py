"""Packets as the engine's tap tells them, made by hand: what is sent, and what of it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtp.engine import TAP_ENTRY, TapBatch, TapCodec, TapFlag

FIRST_SEQUENCE = 65536
FIRST_TIMESTAMP = 1 << 32
MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Tapped:
    """One packet of sound, unless it says otherwise."""

    leg: int
    sequence: int
    timestamp: int
    payload: bytes
    arrived_ns: int
    codec: int = TapCodec.PCMU
    flags: int = 0

    def at(self, arrived_ns: int) -> Tapped:
        """The same, arriving then."""
        return replace(self, arrived_ns=arrived_ns)


class Sender:
    """One leg's far end: numbers its packets as they are sent."""

    def __init__(self, leg: int = 1, *, start_ns: int = 10**12, seed: int = 1) -> None:
        self.leg = leg
        self.sequence = FIRST_SEQUENCE
        self.timestamp = FIRST_TIMESTAMP
        self.start_ns = start_ns
        self._noise = np.random.default_rng(seed)

    @property
    def elapsed_ns(self) -> int:
        """How much time the packets so far carry."""
        return (self.timestamp - FIRST_TIMESTAMP) * 125_000

    def packet(self, samples: int = 160, *, payload: bytes | None = None) -> Tapped:
        """The next packet, which arrives as soon as it can be complete."""
        if payload is None:
            payload = self._noise.integers(0, 256, samples, np.uint8).tobytes()
        packet = Tapped(self.leg, self.sequence, self.timestamp, payload, 0)
        self.sequence += 1
        self.timestamp += len(payload)
        return packet.at(self.start_ns + self.elapsed_ns)

    def event(self, samples: int = 160) -> Tapped:
        """A telephone event in place of sound: its packet repeats the timestamp of its start."""
        packet = Tapped(self.leg, self.sequence, self.timestamp, b"\1\12\0\240", 0)
        self.sequence += 1
        self.timestamp += samples
        return replace(
            packet.at(self.start_ns + self.elapsed_ns),
            codec=TapCodec.TELEPHONE_EVENT,
            flags=TapFlag.DIGIT,
        )

    def noise_level(self, samples: int = 160) -> Tapped:
        """Comfort noise in place of sound."""
        return replace(self.event(samples), codec=TapCodec.COMFORT_NOISE, payload=b"\60")

    def lose(self, packets: int = 1, samples: int = 160) -> None:
        """Packets that are sent and never arrive."""
        self.sequence += packets
        self.timestamp += packets * samples

    def pause(self, samples: int) -> None:
        """Time in which nothing is sent."""
        self.timestamp += samples


def batch_of(packets: Sequence[Tapped]) -> TapBatch:
    """What a drain of the tap gives for these, in this order."""
    entries = np.zeros(len(packets), TAP_ENTRY)
    offset = 0
    for entry, packet in zip(entries, packets, strict=True):
        entry["leg"] = packet.leg
        entry["sequence"] = packet.sequence
        entry["timestamp"] = packet.timestamp
        entry["arrived_ns"] = packet.arrived_ns
        entry["offset"] = offset
        entry["length"] = entry["samples"] = len(packet.payload)
        entry["codec"] = packet.codec
        entry["flags"] = packet.flags
        offset += len(packet.payload)
    payload = b"".join(packet.payload for packet in packets)
    return TapBatch(entries, np.frombuffer(payload, np.uint8))
