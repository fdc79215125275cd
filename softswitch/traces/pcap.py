"""Packets as a pcap file that Wireshark, tcpdump and sngrep open.

The classic format (draft-ietf-opsawg-pcap), little-endian, microseconds, link type RAW: a packet
begins with its IP header, which is made here (RFC 791, RFC 8200, RFC 768). What came over TCP is
written as UDP too: one packet a message, which is what one wants to read. Knows no file.
"""

from __future__ import annotations

import struct

from softswitch.traces.addresses import Address, packed_pair

__all__ = ["FILE_HEADER", "packet", "rtp_packet"]

_MAGIC = 0xA1B2C3D4
_LINK_TYPE_RAW = 101
_SNAP_LENGTH = 0x40000
_UDP = 17
_HOPS = 64

FILE_HEADER = struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAP_LENGTH, _LINK_TYPE_RAW)

MAX_PAYLOAD = 65_000
"""What an IP packet holds; a longer message is cut."""

_RTP = struct.Struct("!BBHII")


def packet(payload: bytes, *, source: Address, destination: Address, at: float) -> bytes:
    """A record of one UDP packet; `at` is UTC seconds."""
    payload = payload[:MAX_PAYLOAD]
    hosts = packed_pair(source[0], destination[0])
    datagram = _udp(payload, hosts, source[1], destination[1])
    whole = (_ipv4 if len(hosts[0]) == 4 else _ipv6)(datagram, hosts)
    microseconds = round(at * 1_000_000)
    seconds, rest = divmod(microseconds, 1_000_000)
    return struct.pack("<IIII", seconds, rest, len(whole), len(whole)) + whole


def rtp_packet(
    payload: bytes, *, payload_type: int, sequence: int, timestamp: int, source: int, marker: bool
) -> bytes:
    """An RTP packet (RFC 3550 section 5.1) of what is known of one; `source` stands as SSRC."""
    second = (0x80 if marker else 0) | (payload_type & 0x7F)
    head = _RTP.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source & 0xFFFFFFFF)
    return head + payload


def _udp(payload: bytes, hosts: tuple[bytes, bytes], source: int, destination: int) -> bytes:
    length = 8 + len(payload)
    head = struct.pack("!HHHH", source, destination, length, 0)
    # RFC 8200 section 8.1: the sum is mandatory in IPv6; the pseudo header is the same sum in both.
    pseudo = hosts[0] + hosts[1] + struct.pack("!IHH", length, 0, _UDP)
    found = _checksum(pseudo + head + payload) or 0xFFFF
    return head[:6] + found.to_bytes(2, "big") + payload


def _ipv4(datagram: bytes, hosts: tuple[bytes, bytes]) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0x4000, _HOPS, _UDP, 0)
    found = _checksum(head + hosts[0] + hosts[1])
    return head[:10] + found.to_bytes(2, "big") + hosts[0] + hosts[1] + datagram


def _ipv6(datagram: bytes, hosts: tuple[bytes, bytes]) -> bytes:
    head = struct.pack("!IHBB", 0x60000000, len(datagram), _UDP, _HOPS)
    return head + hosts[0] + hosts[1] + datagram


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
