"""Reads the UDP packets of a pcap file, by the formats and by nothing of the product."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from typing import NamedTuple


class Packet(NamedTuple):
    """One UDP packet."""

    at: float
    source: tuple[str, int]
    destination: tuple[str, int]
    payload: bytes


def read(data: bytes) -> list[Packet]:
    """All packets; whatever is not as it must be fails."""
    return list(_packets(data))


def _packets(data: bytes) -> Iterator[Packet]:
    magic, major, minor, zone, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, zone, link) == (0xA1B2C3D4, 2, 4, 0, 101)
    place = 24
    while place < len(data):
        seconds, microseconds, kept, length = struct.unpack_from("<IIII", data, place)
        assert kept == length
        assert microseconds < 1_000_000
        whole = data[place + 16 : place + 16 + kept]
        assert len(whole) == kept
        place += 16 + kept
        yield _packet(seconds + microseconds / 1e6, whole)


def _packet(at: float, whole: bytes) -> Packet:
    if whole[0] >> 4 == 4:
        assert whole[0] & 15 == 5
        assert (struct.unpack_from("!H", whole, 2)[0], whole[9]) == (len(whole), 17)
        assert ones_sum(whole[:20]) == 0xFFFF
        hosts, datagram = whole[12:20], whole[20:]
    else:
        assert whole[0] >> 4 == 6
        assert (struct.unpack_from("!H", whole, 4)[0], whole[6]) == (len(whole) - 40, 17)
        hosts, datagram = whole[8:40], whole[40:]
    source, destination, length, _ = struct.unpack_from("!HHHH", datagram)
    assert length == len(datagram)
    assert ones_sum(hosts + struct.pack("!IHH", length, 0, 17) + datagram) == 0xFFFF
    half = len(hosts) // 2
    addresses = [str(ipaddress.ip_address(one)) for one in (hosts[:half], hosts[half:])]
    return Packet(at, (addresses[0], source), (addresses[1], destination), datagram[8:])


def ones_sum(data: bytes) -> int:
    """The ones' complement sum of RFC 1071; all ones when a sum within is right."""
    total = 0
    for index in range(0, len(data), 2):
        total += data[index] << 8 | (data[index + 1] if index + 1 < len(data) else 0)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
