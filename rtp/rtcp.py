"""RTCP compound packets: SR, RR, SDES and BYE to values and back (RFC 3550 section 6).

APP and types that are not known (feedback, extended reports) are checked for their length and
passed over. When reports are due is not known here.
"""

import struct
from dataclasses import dataclass

from rtp.errors import ParseError

VERSION = 2
SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
CNAME = 1
MAX_REPORT_BLOCKS = 31
"""The count has five bits (RFC 3550 section 6.4.1)."""
MAX_SOURCES = 31
"""The count has five bits (RFC 3550 section 6.5)."""

_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one source is received (section 6.4.1); jitter in timestamp units, lost may be < 0."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence_number: int
    jitter: int
    last_sender_report: int = 0
    delay_since_last_sender_report: int = 0

    @classmethod
    def parse(cls, data: bytes, position: int) -> "ReportBlock":
        """Read the 24 octets at a position."""
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(data, position)
        lost = loss & 0xFF_FFFF
        if lost & 0x80_0000:
            lost -= 0x100_0000
        return cls(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr)

    def __bytes__(self) -> bytes:
        return _BLOCK.pack(
            self.ssrc,
            self.fraction_lost << 24 | (self.lost & 0xFF_FFFF),
            self.highest_sequence_number,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last_sender_report,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Section 6.4.1: what a sender sent so far, at which NTP time, and how it receives others."""

    ssrc: int
    ntp_timestamp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        body = _SENDER.pack(
            self.ssrc,
            self.ntp_timestamp,
            self.rtp_timestamp,
            self.packet_count,
            self.octet_count,
        )
        body += b"".join([bytes(block) for block in self.reports])
        return _with_header(SENDER_REPORT, len(self.reports), body)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Section 6.4.2: how one who sends nothing receives others."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        body = struct.pack("!I", self.ssrc) + b"".join([bytes(block) for block in self.reports])
        return _with_header(RECEIVER_REPORT, len(self.reports), body)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Section 6.5: for each source its items (type, text)."""

    chunks: tuple[tuple[int, tuple[tuple[int, bytes], ...]], ...]

    def __bytes__(self) -> bytes:
        body = b""
        for ssrc, items in self.chunks:
            chunk = struct.pack("!I", ssrc)
            for kind, text in items:
                chunk += bytes([kind, len(text)]) + text
            # "terminated by one or more null octets ... until the next 32-bit boundary"
            body += chunk + bytes(4 - len(chunk) % 4)
        return _with_header(SOURCE_DESCRIPTION, len(self.chunks), body)


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Section 6.6: sources that leave, and perhaps why."""

    sources: tuple[int, ...]
    reason: bytes = b""

    def __bytes__(self) -> bytes:
        body = struct.pack(f"!{len(self.sources)}I", *self.sources)
        if self.reason:
            text = bytes([len(self.reason)]) + self.reason
            body += text + bytes(-len(text) % 4)
        return _with_header(GOODBYE, len(self.sources), body)


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye


def _with_header(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(VERSION << 6 | count, kind, len(body) // 4) + body


def parse_compound(data: bytes) -> list[RtcpPacket]:
    """Read a datagram; raises ParseError unless it is a valid compound packet (section A.2)."""
    packets: list[RtcpPacket] = []
    position = 0
    while position < len(data):
        if len(data) - position < _HEADER.size:
            raise ParseError("compound packet ends inside a header")
        first, kind, words = _HEADER.unpack_from(data, position)
        end = position + 4 + 4 * words
        if first >> 6 != VERSION:
            raise ParseError("packet is not of RTCP version 2")
        # "The payload type field of the first RTCP packet in a compound packet must be equal to SR
        # or RR."
        if position == 0 and kind not in (SENDER_REPORT, RECEIVER_REPORT):
            raise ParseError("compound packet does not begin with a report")
        if end > len(data):
            raise ParseError("packet is longer than the datagram")
        body = data[position + 4 : end]
        if first & 0x20:
            body = _without_padding(body, is_last=end == len(data))
        packet = _parse_body(kind, first & 0x1F, body)
        if packet is not None:
            packets.append(packet)
        position = end
    if not packets:
        raise ParseError("datagram is empty")
    return packets


def _without_padding(body: bytes, *, is_last: bool) -> bytes:
    """Section 6.4.1: padding belongs to the last packet only, and counts itself."""
    if not is_last:
        raise ParseError("a packet that is not the last has padding")
    count = body[-1] if body else 0
    if count == 0 or count % 4 or count > len(body):
        raise ParseError("padding is empty or longer than the packet")
    return body[:-count]


def _parse_body(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == SENDER_REPORT:
        if len(body) < _SENDER.size:
            raise ParseError("sender report is cut short")
        ssrc, ntp, rtp, packets, octets = _SENDER.unpack_from(body)
        reports = _parse_reports(body, _SENDER.size, count)
        return SenderReport(ssrc, ntp, rtp, packets, octets, reports)
    if kind == RECEIVER_REPORT:
        if len(body) < 4:
            raise ParseError("receiver report is cut short")
        return ReceiverReport(int.from_bytes(body[:4], "big"), _parse_reports(body, 4, count))
    if kind == SOURCE_DESCRIPTION:
        return _parse_source_description(body, count)
    if kind == GOODBYE:
        return _parse_goodbye(body, count)
    return None


def _parse_reports(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    # What stands behind the blocks is a profile's extension (section 6.4.3) and passed over.
    if len(body) < start + count * _BLOCK.size:
        raise ParseError("report has fewer blocks than it says")
    return tuple([ReportBlock.parse(body, start + n * _BLOCK.size) for n in range(count)])


def _parse_source_description(body: bytes, count: int) -> SourceDescription:
    chunks = []
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise ParseError("source description has fewer chunks than it says")
        ssrc = int.from_bytes(body[position : position + 4], "big")
        items, position = _parse_items(body, position + 4)
        chunks.append((ssrc, items))
    return SourceDescription(tuple(chunks))


def _parse_items(body: bytes, position: int) -> tuple[tuple[tuple[int, bytes], ...], int]:
    items = []
    while position < len(body) and body[position] != 0:
        if position + 2 > len(body) or position + 2 + body[position + 1] > len(body):
            raise ParseError("source description ends inside an item")
        kind, length = body[position], body[position + 1]
        items.append((kind, body[position + 2 : position + 2 + length]))
        position += 2 + length
    if position >= len(body):
        raise ParseError("source description has a chunk without an end")
    return tuple(items), (position // 4 + 1) * 4


def _parse_goodbye(body: bytes, count: int) -> Goodbye:
    if len(body) < 4 * count:
        raise ParseError("goodbye has fewer sources than it says")
    sources = struct.unpack_from(f"!{count}I", body)
    rest = body[4 * count :]
    if rest and 1 + rest[0] > len(rest):
        raise ParseError("goodbye ends inside its reason")
    return Goodbye(sources, rest[1 : 1 + rest[0]] if rest else b"")
