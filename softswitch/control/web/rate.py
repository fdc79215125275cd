"""How often an address may ask: a bucket of tokens each. A core; bounded.

Addresses of IPv6 count by their /64, which one household has whole.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache

__all__ = ["Proxies", "RateLimit", "group_of"]

MAX_ADDRESSES = 50_000
"""Addresses remembered; those not seen for longest go first, which is in their favour."""

MINUTE = 60.0
NETWORK_BITS = 64


class RateLimit:
    """So many requests a minute for each address; a burst may take a whole minute's."""

    def __init__(self, *, most: int = MAX_ADDRESSES) -> None:
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By address: tokens, and when they were counted."""

    def wait(self, address: str, per_minute: int, *, now: float) -> float:
        """0: take this request; else the seconds until one would be taken."""
        tokens, at = self._buckets.pop(address, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + (now - at) * per_minute / MINUTE)
        wait = 0.0 if tokens >= 1 else (1 - tokens) * MINUTE / per_minute
        self._buckets[address] = (tokens - 1 if not wait else tokens, now)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._buckets)


@lru_cache(maxsize=10_000)
def group_of(address: str) -> str:
    """What an address counts as."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
    return str(found)


class Proxies:
    """Hosts whose word on the visitor's address is believed."""

    def __init__(self, proxies: Iterable[str]) -> None:
        self._networks = [one for one in map(_network, proxies) if one is not None]

    def visitor(self, peer: str, forwarded: Sequence[str]) -> str:
        """The visitor's address; `forwarded`: values of X-Forwarded-For, in their order.

        Each proxy adds whom it was asked by at the end: the last one that is no proxy of ours is
        the visitor, whatever somebody has written before.
        """
        address = peer
        hops = [_bare(hop) for value in forwarded for hop in value.split(",")]
        while hops and self.has(address):
            hop = hops.pop()
            if _network(hop) is None:
                break
            address = hop
        return address

    def has(self, address: str) -> bool:
        """Whether this is one of them."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def _bare(hop: str) -> str:
    """The address of a hop: some proxies write its port behind it, IPv6 in brackets."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """A network or address; None for a name, which nobody resolves here."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
