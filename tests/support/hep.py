"""Reads HEP version 3, by its specification and by nothing of the product."""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
from typing import Any

NAMES = {
    1: "family", 2: "protocol", 7: "source_port", 8: "destination_port", 9: "seconds",
    10: "microseconds", 11: "type", 12: "agent", 14: "key", 15: "payload", 17: "correlation",
}  # fmt: skip
NUMBERS = frozenset({1, 2, 7, 8, 9, 10, 11, 12})
HOSTS = {3: "source", 4: "destination", 5: "source", 6: "destination"}


def decode(packet: bytes) -> dict[str, Any]:
    """Chunks by name; every byte must belong to one."""
    assert packet[:4] == b"HEP3"
    (length,) = struct.unpack_from("!H", packet, 4)
    assert length == len(packet)
    found: dict[str, Any] = {}
    place = 6
    while place < length:
        vendor, kind, size = struct.unpack_from("!HHH", packet, place)
        assert vendor == 0
        assert 6 <= size <= length - place
        value = packet[place + 6 : place + size]
        place += size
        if kind in HOSTS:
            assert len(value) == (4 if kind in (3, 4) else 16)
            found[HOSTS[kind]] = str(ipaddress.ip_address(value))
        else:
            assert NAMES[kind] not in found
            found[NAMES[kind]] = int.from_bytes(value) if kind in NUMBERS else value
    return found


class Collector:
    """Listens as Homer does; `close` it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def collect(self, count: int, within: float = 5.0) -> list[dict[str, Any]]:
        """So many packets, decoded."""
        deadline = time.monotonic() + within
        found: list[dict[str, Any]] = []
        while len(found) < count:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            found.append(decode(self._socket.recv(1 << 16)))
        return found

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
