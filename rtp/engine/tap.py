"""The layout of tapped packets: one numpy array of entries beside one buffer of their payloads.

G.711 is not decoded: what a frame of sound is, is for the reader to make of it. What came in
another codec is there as mu-law of the same sound, under its own payload type.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt

# The C side is struct tap_entry in tap.h; `offset` counts in TapBatch.payload. `timestamp` and
# `sequence` are extended and continuous over restarts of the source; `arrived_ns` is monotonic.
TAP_ENTRY = np.dtype(
    [
        ("leg", np.uint64),
        ("timestamp", np.uint64),
        ("sequence", np.uint64),
        ("arrived_ns", np.int64),
        ("offset", np.uint32),
        ("lost_before", np.uint32),
        ("length", np.uint16),
        ("samples", np.uint16),
        ("flags", np.uint16),
        ("codec", np.uint8),
        ("payload_type", np.uint8),
    ],
    align=True,
)


class TapFlag(IntFlag):
    """Bits of the entries' `flags`."""

    LOST_BEFORE = 1
    MARKER = 2
    DIGIT = 4
    COMFORT_NOISE = 8
    RESTARTED = 16
    LATE = 32


class TapCodec(IntEnum):
    """Values of the entries' `codec`."""

    PCMU = 1
    PCMA = 2
    TELEPHONE_EVENT = 3
    COMFORT_NOISE = 4


@dataclass(frozen=True, slots=True)
class TapBatch:
    """All that was tapped since the last batch, each leg's entries in order of arrival."""

    entries: np.ndarray[tuple[int], np.dtype[np.void]]
    payload: npt.NDArray[np.uint8]
