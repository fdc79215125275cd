"""The telephone-event payload: keys pressed, as named events in the RTP stream (RFC 4733 section
2.3).

One payload only; how packets of one event follow each other is stream.py's.
"""

import struct
from dataclasses import dataclass

from rtp.errors import ParseError

EVENT_DIGITS = "0123456789*#ABCD"
"""Key of each event code 0 to 15 (RFC 4733 section 3.2, table 3)."""
FLASH = 16
MAX_DURATION = 0xFFFF
"""The duration has sixteen bits (RFC 4733 section 2.3.5)."""

_PAYLOAD = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """One report of an event: its code, whether it is over, volume in -dBm0, duration so far.

    `duration` is in timestamp units since the packet's timestamp, which is the event's beginning.
    """

    event: int
    end: bool
    volume: int
    duration: int

    @classmethod
    def parse(cls, payload: bytes) -> "TelephoneEvent":
        """Read the first event of a payload; raises ParseError when it is too short."""
        if len(payload) < _PAYLOAD.size:
            raise ParseError("telephone-event payload is shorter than four octets")
        event, flags, duration = _PAYLOAD.unpack_from(payload)
        # The R bit is "reserved for future use ... and the receiver MUST ignore it".
        return cls(event, flags >= 0x80, flags & 0x3F, duration)

    def __bytes__(self) -> bytes:
        return _PAYLOAD.pack(self.event, (0x80 if self.end else 0) | self.volume, self.duration)

    @property
    def digit(self) -> str | None:
        """The key of this event, or None when it is no key (flash, fax tones)."""
        return EVENT_DIGITS[self.event] if self.event < len(EVENT_DIGITS) else None


def event_of(digit: str) -> int:
    """The event code of a key (`0`-`9`, `*`, `#`, `A`-`D` in either case); raises ValueError."""
    code = EVENT_DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    if code < 0:
        raise ValueError(f"{digit!r} is not a key of a telephone")
    return code
