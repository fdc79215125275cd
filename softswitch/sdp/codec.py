"""Names and numbers of the RTP payload formats that a session description can speak of.

RFC 3551 section 6 (static payload types), RFC 8866 section 6.6 (rtpmap). Knows no audio: encoding
and decoding are the media engine's.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

FIRST_DYNAMIC_PAYLOAD_TYPE = 96
LAST_PAYLOAD_TYPE = 127


class Codec(msgspec.Struct, frozen=True):
    """One audio payload format: encoding name, clock rate, channels, static number if any."""

    name: str
    clock_rate: int
    channels: int = 1
    payload_type: int | None = None

    @property
    def encoding(self) -> str:
        """What stands behind the number in an rtpmap attribute: `PCMU/8000`."""
        if self.channels == 1:
            return f"{self.name}/{self.clock_rate}"
        return f"{self.name}/{self.clock_rate}/{self.channels}"


PCMU = Codec("PCMU", 8000, 1, 0)
PCMA = Codec("PCMA", 8000, 1, 8)
# RFC 3551 section 4.5.2: sampled at 16 kHz, on a clock of 8 kHz by an old mistake.
G722 = Codec("G722", 8000, 1, 9)
# RFC 7587 section 7: always said to be of two channels and 48 kHz, whatever is sent.
OPUS = Codec("opus", 48000, 2)

# Neither is a codec: both ride beside one, in its stream and on its clock.
TELEPHONE_EVENT = "telephone-event"
# RFC 4733 section 2.1: events have the clock of the sound they ride beside, here that of Opus.
FAST_EVENT = "telephone-event/48000"
COMFORT_NOISE = "CN"
COMFORT_NOISE_PAYLOAD_TYPE = 13

DEFAULT_DIGIT_PAYLOAD_TYPE = 101
DIGIT_EVENTS = "0-15"

STATIC_ENCODINGS: Mapping[int, str] = MappingProxyType(
    {0: "pcmu/8000", 8: "pcma/8000", 9: "g722/8000", 13: "cn/8000"}
)
"""Encodings of static numbers that peers leave without an rtpmap, folded to lower case."""


@lru_cache(maxsize=256)
def fold_encoding(encoding: str) -> str:
    """The comparable form of an rtpmap encoding: lower case, without the default `/1` channel.

    RFC 8866 section 6.6: encoding names are media subtype names, which are case-insensitive.
    """
    folded = encoding.strip().lower()
    return folded.removesuffix("/1") if folded.count("/") == 2 else folded
