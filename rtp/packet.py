"""One RTP packet: RFC 3550 section 5.1, octets to fields and back.

Checks what the octets alone can tell (section A.1). Which packets belong to a stream is
statistics.py's; what a payload means is not known here.
"""

import struct
from dataclasses import dataclass

from rtp.errors import ParseError

VERSION = 2
HEADER_BYTES = 12
MAX_CSRC = 15
"""The count has four bits (RFC 3550 section 5.1)."""

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """Section 5.3.1: 16 bits defined by a profile, then whole 32-bit words."""

    profile: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """An RTP packet; `padding_bytes` are the octets after the payload, their count included."""

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extension: HeaderExtension | None = None
    padding_bytes: int = 0

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read a datagram; raises ParseError when it is not RTP or contradicts itself."""
        if len(data) < HEADER_BYTES:
            raise ParseError("packet is shorter than an RTP header")
        first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != VERSION:
            raise ParseError("packet is not of RTP version 2")
        position = HEADER_BYTES
        csrc: tuple[int, ...] = ()
        if count := first & 0x0F:
            if len(data) < position + 4 * count:
                raise ParseError("packet ends inside its list of contributing sources")
            csrc = struct.unpack_from(f"!{count}I", data, position)
            position += 4 * count
        extension = None
        if first & 0x10:
            extension, position = _parse_extension(data, position)
        padding_bytes = _padding(data, position) if first & 0x20 else 0
        return cls(
            payload_type=second & 0x7F,
            sequence_number=sequence_number,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[position : len(data) - padding_bytes],
            marker=second >= 0x80,
            csrc=csrc,
            extension=extension,
            padding_bytes=padding_bytes,
        )

    def __bytes__(self) -> bytes:
        first = VERSION << 6 | len(self.csrc)
        parts = [b"", struct.pack(f"!{len(self.csrc)}I", *self.csrc)]
        if self.extension is not None:
            first |= 0x10
            words = len(self.extension.data) // 4
            parts += [_EXTENSION.pack(self.extension.profile, words), self.extension.data]
        parts.append(self.payload)
        if self.padding_bytes:
            first |= 0x20
            parts.append(bytes(self.padding_bytes - 1) + bytes([self.padding_bytes]))
        second = (0x80 if self.marker else 0) | self.payload_type
        parts[0] = _HEADER.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
        return b"".join(parts)


def _parse_extension(data: bytes, position: int) -> tuple[HeaderExtension, int]:
    if len(data) < position + _EXTENSION.size:
        raise ParseError("packet ends inside its header extension")
    profile, words = _EXTENSION.unpack_from(data, position)
    start = position + _EXTENSION.size
    end = start + 4 * words
    if len(data) < end:
        raise ParseError("packet ends inside its header extension")
    return HeaderExtension(profile, data[start:end]), end


def _padding(data: bytes, position: int) -> int:
    """Section 5.1: the last octet counts the octets of padding, "including itself"."""
    count = data[-1]
    if count == 0 or position + count > len(data):
        raise ParseError("padding is empty or longer than the payload")
    return count
