"""The table of WebSockets: peers open them, and what goes to a peer goes over one of its own.

RFC 7118 section 5: a client of SIP over WebSocket cannot be connected to; its Via and Contact name
hosts that nobody can resolve. So a message goes over the very connection of its flow while that
lasts; a request to a trunk, which names none, over the one that the trunk's host has opened last.

It knows neither messages nor transactions.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, ClassVar

from softswitch.sip.flow import Flow
from softswitch.transport.connection import Connection
from softswitch.transport.endpoint import Endpoint, is_address
from softswitch.transport.half_open import HalfOpen
from softswitch.transport.tcp import TcpTable
from softswitch.transport.websocket.connection import WebSocketConnection

__all__ = ["WebSocketTable"]

MAX_TOLD = 10
"""Lines of the log in a second: a peer that connects in a wrong way does so again and again."""

NO_ORIGINS: frozenset[str] = frozenset()


class WebSocketTable(TcpTable):
    """All WebSockets of one transport, `ws` or `wss`."""

    no_way: ClassVar[str] = "no WebSocket is open"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._origins: dict[int, frozenset[str]] = {}
        self._half_open = HalfOpen()
        # How many lines of the log were written in which second.
        self._told = 0, 0
        # Those whose handshake is over, by listener and host, the last one last.
        self._by_host: dict[tuple[int, str], dict[int, Connection]] = {}

    async def listen(self, bound: socket.socket, endpoint: Endpoint, listener: int) -> None:
        """Accept connections at a bound socket."""
        self._origins[listener] = frozenset(endpoint.origins)
        await super().listen(bound, endpoint, listener)

    # What connections ask and tell.

    def admit(self, connection: Connection, peer: tuple[Any, ...] | None) -> bool:
        """Take a connection, if there is room for it and for its handshake."""
        if not super().admit(connection, peer):
            return False
        assert isinstance(connection, WebSocketConnection)
        connection.half_open = self._half_open.enter(
            connection.flow.host, strange=connection.strange
        )
        if not connection.half_open:
            self._counters["ws_half_open_refused"] += 1
        return connection.half_open

    def opened(self, connection: WebSocketConnection) -> None:
        """The handshake of a connection is over: it carries messages."""
        self.leave_half_open(connection)
        flow = connection.flow
        ways = self._by_host.setdefault((flow.listener, flow.host), {})
        ways[flow.connection] = connection
        self.touch(connection)

    def leave_half_open(self, connection: WebSocketConnection) -> None:
        """A handshake is over, or its connection."""
        if connection.half_open:
            connection.half_open = False
            self._half_open.leave(connection.flow.host, strange=connection.strange)

    def retire(self, connection: Connection) -> None:
        """Lead nobody to a connection any more."""
        super().retire(connection)
        flow = connection.flow
        ways = self._by_host.get((flow.listener, flow.host))
        if ways is not None:
            ways.pop(flow.connection, None)
            if not ways:
                del self._by_host[flow.listener, flow.host]

    def origins_of(self, connection: Connection) -> frozenset[str]:
        """Whose pages may connect where it was accepted."""
        return self._origins.get(connection.flow.listener, NO_ORIGINS)

    def may_tell(self) -> bool:
        """Whether another line may be written of what peers do wrong."""
        second = int(asyncio.get_running_loop().time())
        if second != self._told[0]:
            self._told = second, 0
        self._told = second, self._told[1] + 1
        return self._told[1] <= MAX_TOLD

    def is_strange(self, host: str) -> bool:
        """Whether a host is nobody's of ours, now."""
        return self._owner.is_stranger(host)

    # The ways there are.

    def has_way(self, flow: Flow, listener: int) -> bool:
        """Whether what goes to a flow now has a connection to go over."""
        return self._leading_to(flow, listener) is not None

    def _accepting(self, listener: int) -> Callable[[], Connection]:
        unknown = Flow(self._transport, "", 0, listener)
        return lambda: WebSocketConnection(self, unknown)

    def _leading_to(self, flow: Flow, listener: int) -> Connection | None:
        if flow.connection:
            # Another one of the same host may be somebody else's: offices share an address.
            connection = self._connections.get(flow.connection)
            return None if connection is None or connection.closing else connection
        hosts = (flow.host,) if is_address(flow.host) else self._resolver.known(flow.host) or ()
        for host in hosts:
            ways = self._by_host.get((listener, host))
            if ways:
                return next(reversed(ways.values()))
        return None

    def _new_way(self, flow: Flow, listener: int) -> Connection | None:
        self._counters["ws_not_connected"] += 1
        return None
