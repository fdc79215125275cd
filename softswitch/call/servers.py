"""The ways to a trunk: its servers in the order of their records; those that failed lately come
behind these, and those whose probe is down last of all."""

from __future__ import annotations

from collections.abc import Mapping

from config.model import Trunk
from softswitch.sip.flow import Flow
from softswitch.sip.ids import Ids
from softswitch.sip.servers import Server, in_order

Destination = tuple[str, str, int, str]

__all__ = ["Ways"]

AVOID_SECONDS = 60.0
"""How long a server that did not answer comes last; RFC 3263 leaves it to us."""

MAX_AVOIDED = 1000
"""Servers of which a failure is remembered."""


class Ways:
    """Chooses, and remembers failures."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._avoided: dict[Destination, float] = {}
        self._down: set[tuple[str, Destination]] = set()
        """By trunk: each has a probe of its own, and its own answers that mean down."""

    def of(
        self,
        trunk: Trunk,
        flow: Flow,
        servers: Mapping[tuple[str, str], tuple[Server, ...]],
        now: float,
    ) -> list[Flow]:
        """The flows to try, in order; only the given one for a trunk with a port of its own."""
        known = servers.get(trunk.service, ()) if trunk.by_name else ()
        if not known:
            return [flow]
        ordered = in_order(known, lambda most: self._ids.number(0, most))
        ways = [_way_to(server, trunk, flow) for server in ordered]
        return sorted(ways, key=lambda way: self._is_worse(trunk, way, now))

    def _is_worse(self, trunk: Trunk, way: Flow, now: float) -> tuple[bool, bool]:
        where = way.destination
        return (trunk.name, where) in self._down, self._avoided.get(where, 0.0) > now

    def failed(self, flow: Flow, now: float) -> None:
        """A server did not answer, or said that it is not there."""
        if len(self._avoided) >= MAX_AVOIDED:
            self._avoided.clear()
        self._avoided[flow.destination] = now + AVOID_SECONDS

    def is_down(self, trunk: str, flow: Flow) -> None:
        """Its probe says so, and will say when it is there again: it comes last until then."""
        self._down.add((trunk, flow.destination))

    def is_there(self, trunk: str, flow: Flow) -> None:
        """Its probe was answered: what failed before is over."""
        self._avoided.pop(flow.destination, None)
        self._down.discard((trunk, flow.destination))

    def is_probed_no_more(self, trunk: str, flow: Flow) -> None:
        """Nobody would say when it is there again."""
        self._down.discard((trunk, flow.destination))


def _way_to(server: Server, trunk: Trunk, flow: Flow) -> Flow:
    """RFC 5922 section 7.1: whoever has forged the records has a certificate of his own name, and
    none of the name that the operator has written."""
    transport = server.transport or flow.transport
    return flow._replace(
        transport=transport,
        host=server.host,
        port=server.port,
        listener=next((n for by, n in trunk.listeners if by == transport), flow.listener),
        name=trunk.host if transport == "tls" else "",
    )
