"""How often an address may show a token that is not known, before none of its tokens is looked at.

Knows addresses and the time, no tokens. Whoever guesses gets a few guesses a minute; a program with
a mistaken token is told so, and locks nobody out but those behind its address.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["WrongTokens"]

MAX_WRONG = 10
"""In WINDOW_SECONDS; somebody who mistypes needs three."""

WINDOW_SECONDS = 60.0

MAX_ADDRESSES = 10_000
"""Addresses remembered; beyond it the one that was wrong the longest ago is forgotten."""

V6_NETWORK = 64
"""Bits of an IPv6 address that tell one customer from another (RFC 6177): who has one address has
all of its network."""


@dataclass(slots=True)
class _Wrong:
    count: int
    until: float


class WrongTokens:
    """Counts wrong tokens by address."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, _Wrong] = OrderedDict()

    def add(self, address: str, *, now: float) -> None:
        """An address has shown a wrong one; without an address (a Unix socket) nothing counts."""
        if not address:
            return
        who = _who(address)
        wrong = self._wrong.get(who)
        if wrong is None or wrong.until <= now:
            wrong = self._wrong[who] = _Wrong(0, now + WINDOW_SECONDS)
        wrong.count += 1
        self._wrong.move_to_end(who)
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)

    def wait(self, address: str, *, now: float) -> float:
        """Seconds until a token of an address is looked at again; 0: now."""
        wrong = self._wrong.get(_who(address))
        if wrong is None or wrong.count < MAX_WRONG:
            return 0.0
        return max(0.0, wrong.until - now)

    def __len__(self) -> int:
        return len(self._wrong)


def _who(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, V6_NETWORK), strict=False))
    return str(ip)
