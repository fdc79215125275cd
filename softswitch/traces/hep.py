"""Packets of HEP version 3, by which Homer and others are shown SIP messages.

HEP3 network protocol specification, rev 36 (EEP): `HEP3`, the length of the whole, then chunks of
vendor, type, length and value, all big-endian. Knows no socket.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from softswitch.traces.addresses import Address, packed_pair

__all__ = ["MAX_PACKET", "encode"]

MAX_PACKET = 65_000
"""What fits into a datagram; a longer message is cut."""

_CHUNK = struct.Struct("!HHH")
_IPV4, _IPV6 = 2, 10
_UDP, _TCP = 17, 6
_SIP = 1


class _Type(IntEnum):
    """Numbers of chunks, vendor 0."""

    FAMILY = 0x0001
    PROTOCOL = 0x0002
    SOURCE_4 = 0x0003
    DESTINATION_4 = 0x0004
    SOURCE_6 = 0x0005
    DESTINATION_6 = 0x0006
    SOURCE_PORT = 0x0007
    DESTINATION_PORT = 0x0008
    SECONDS = 0x0009
    MICROSECONDS = 0x000A
    PAYLOAD_TYPE = 0x000B
    AGENT = 0x000C
    KEY = 0x000E
    PAYLOAD = 0x000F
    CORRELATION = 0x0011


def encode(
    data: bytes,
    *,
    source: Address,
    destination: Address,
    reliable: bool,
    at: float,
    agent: int,
    key: str = "",
    correlation: str = "",
) -> bytes:
    """One SIP message as a packet; `at` is UTC seconds, `agent` the number Homer knows us by."""
    hosts = packed_pair(source[0], destination[0])
    is_ipv6 = len(hosts[0]) == 16
    microseconds = round(at * 1_000_000)
    chunks = [
        _chunk(_Type.FAMILY, bytes((_IPV6 if is_ipv6 else _IPV4,))),
        _chunk(_Type.PROTOCOL, bytes((_TCP if reliable else _UDP,))),
        _chunk(_Type.SOURCE_6 if is_ipv6 else _Type.SOURCE_4, hosts[0]),
        _chunk(_Type.DESTINATION_6 if is_ipv6 else _Type.DESTINATION_4, hosts[1]),
        _chunk(_Type.SOURCE_PORT, source[1].to_bytes(2, "big")),
        _chunk(_Type.DESTINATION_PORT, destination[1].to_bytes(2, "big")),
        _chunk(_Type.SECONDS, (microseconds // 1_000_000).to_bytes(4, "big")),
        _chunk(_Type.MICROSECONDS, (microseconds % 1_000_000).to_bytes(4, "big")),
        _chunk(_Type.PAYLOAD_TYPE, bytes((_SIP,))),
        _chunk(_Type.AGENT, agent.to_bytes(4, "big")),
    ]
    if key:
        chunks.append(_chunk(_Type.KEY, key.encode()))
    if correlation:
        chunks.append(_chunk(_Type.CORRELATION, correlation.encode("utf-8", "replace")))
    head = b"".join(chunks)
    room = MAX_PACKET - len(head) - 6 - _CHUNK.size
    body = head + _chunk(_Type.PAYLOAD, data[:room])
    return b"HEP3" + (len(body) + 6).to_bytes(2, "big") + body


def _chunk(kind: int, value: bytes) -> bytes:
    return _CHUNK.pack(0, kind, _CHUNK.size + len(value)) + value
