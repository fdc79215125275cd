"""The order in which the servers behind a name are tried (RFC 2782, RFC 3263 section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["Server", "in_order"]


class Server(NamedTuple):
    """One SRV record, or the host itself where there is none."""

    host: str
    port: int
    priority: int = 0
    weight: int = 0
    transport: str = ""
    """What it is called by; empty: as whoever asked says."""


def in_order(servers: Iterable[Server], draw: Callable[[int], int]) -> list[Server]:
    """Servers by priority, those of one priority by chance, as their weights say.

    `draw(n)` gives a number from 0 to n. RFC 2782: "The following order SHOULD be applied when
    selecting a target among the SRV RRs with the same priority: [...] compute the sum of the
    weights [...] Then choose a uniform random number between 0 and the sum computed (inclusive),
    and select the RR whose running sum value is the first in the selected order which is greater
    than or equal to the random number selected."
    """
    by_priority: dict[int, list[Server]] = {}
    for server in servers:
        by_priority.setdefault(server.priority, []).append(server)
    ordered: list[Server] = []
    for priority in sorted(by_priority):
        # "those with weight 0 are placed at the beginning of the list".
        left = sorted(by_priority[priority], key=lambda server: server.weight > 0)
        while left:
            wanted = draw(sum(server.weight for server in left))
            running = 0
            for server in left:
                running += server.weight
                if running >= wanted:
                    break
            ordered.append(server)
            left.remove(server)
    return ordered
