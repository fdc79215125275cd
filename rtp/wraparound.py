"""Arithmetic on counters that wrap: 16-bit sequence numbers, 32-bit timestamps (RFC 3550 section
5.1).

Distances are signed and at most half the range, as RFC 1982 compares serial numbers.
"""


def sequence_distance(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier`, -32768 to 32767."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_distance(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier`, -2^31 to 2^31 - 1."""
    return ((later - earlier + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


class TimestampExtender:
    """Turns 32-bit timestamps into ever-growing numbers; the first one stays as it is."""

    __slots__ = ("_extended", "_started")

    def __init__(self) -> None:
        self._extended = 0
        self._started = False

    def extend(self, timestamp: int) -> int:
        """The number nearest to the last one whose low 32 bits are `timestamp` (may be below 0)."""
        if not self._started:
            self._started = True
            self._extended = timestamp
        else:
            self._extended += timestamp_distance(timestamp, self._extended)
        return self._extended
