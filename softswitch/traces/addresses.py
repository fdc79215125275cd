"""Addresses as bytes, for formats that know no names.

A name, or what is no address, stands as 0.0.0.0; where one side is IPv6 and the other is not, the
other is written as an IPv4-mapped address (RFC 4291 section 2.5.5.2).
"""

from __future__ import annotations

import ipaddress

__all__ = ["Address", "packed_pair"]

Address = tuple[str, int]
"""Host and port."""

_NOWHERE = ipaddress.IPv4Address(0)


def packed_pair(source: str, destination: str) -> tuple[bytes, bytes]:
    """Both hosts, in 4 bytes each or in 16 bytes each."""
    pair = _parsed(source), _parsed(destination)
    if all(one.version == 4 for one in pair):
        return pair[0].packed, pair[1].packed
    return _as_ipv6(pair[0]), _as_ipv6(pair[1])


def _parsed(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _NOWHERE


def _as_ipv6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    return address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed
