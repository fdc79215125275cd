"""The ways to a trunk: its servers in the order of their records, those that failed lately last."""

from __future__ import annotations

from collections.abc import Mapping

from config.model import Trunk
from softswitch.sip.flow import Flow
from softswitch.sip.ids import Ids
from softswitch.sip.servers import Server, in_order

__all__ = ["Ways"]

AVOID_SECONDS = 60.0
"""How long a server that did not answer comes last; RFC 3263 leaves it to us."""

MAX_AVOIDED = 1000
"""Servers of which a failure is remembered."""


class Ways:
    """Chooses, and remembers failures."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._avoided: dict[tuple[str, int], float] = {}

    def of(
        self,
        trunk: Trunk,
        flow: Flow,
        servers: Mapping[tuple[str, str], tuple[Server, ...]],
        now: float,
    ) -> list[Flow]:
        """The flows to try, in order; only the given one for a trunk with a port of its own."""
        known = servers.get((trunk.host, trunk.transport), ()) if trunk.by_name else ()
        if not known:
            return [flow]
        ordered = in_order(known, lambda most: self._ids.number(0, most))
        ordered.sort(key=lambda server: self._avoided.get((server.host, server.port), 0.0) > now)
        return [flow._replace(host=server.host, port=server.port) for server in ordered]

    def failed(self, flow: Flow, now: float) -> None:
        """A server did not answer, or said that it is not there."""
        if len(self._avoided) >= MAX_AVOIDED:
            self._avoided.clear()
        self._avoided[flow.host, flow.port] = now + AVOID_SECONDS
