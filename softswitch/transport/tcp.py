"""The table of TCP connections: who is reached over which, how many, and for how long.

RFC 3261 section 18.2.2: "If the "sent-protocol" is a reliable transport protocol such as TCP or
SCTP, or TLS over those, the response MUST be sent using the existing connection to the source of
the original request that created the transaction, if that connection is still open." Section
18.1.1 lets requests use a connection that is open already to the same address, port and
transport.

It knows neither messages nor transactions.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from softswitch.sip.addresses import canonical_host
from softswitch.sip.flow import Flow
from softswitch.transport.aliases import Aliases
from softswitch.transport.connection import Connection, configure
from softswitch.transport.dialling import reach
from softswitch.transport.endpoint import Endpoint, is_address
from softswitch.transport.face import SocketOwner
from softswitch.transport.failures import reason_of
from softswitch.transport.handshakes import Handshakes
from softswitch.transport.resolver import Resolver
from softswitch.transport.strangers import Strangers
from softswitch.transport.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS, Tls

logger = logging.getLogger(__name__)

# The time for look-up and connection together: a caller hears silence meanwhile, and the next
# destination may be better.
CONNECT_SECONDS = 4.0
# Longer than the longest wait of a transaction (Timer C, 180 s), so that a ringing call keeps its
# way.
IDLE_SECONDS = 300.0
# How long a stranger may be connected and say nothing.
EMPTY_SECONDS = 30.0
# RFC 5626 section 4.4.1 has a ping every 95 to 120 s over streams. It keeps what stands between us
# (NAT, firewalls) from forgetting a connection that calls may come by.
PING_SECONDS = 100.0
# Above the sockets that carriers and load testers open, below the limit on open files.
MAX_CONNECTIONS = 4096
# A full table lets a newcomer in only at the cost of a connection that was silent for this long.
EVICTABLE_SECONDS = 5.0
# The names of one peer that a connection is known to have been used for; a trunk has one or two.
MAX_DESTINATIONS = 16

Key = tuple[int, str, int, str]  # listener, host, port, and whose certificate was asked for


class TcpTable:
    """All TCP connections of a transport, and the sockets that accept them."""

    no_way: ClassVar[str] = "there is no room for another connection"
    """Why nothing leads to a flow, and nothing is opened."""

    def __init__(
        self,
        *,
        transport: str,
        owner: SocketOwner,
        resolver: Resolver,
        counters: Counter[str],
        idle_seconds: float = IDLE_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
        tls: Tls | None = None,
    ) -> None:
        self._owner = owner
        self._tls = tls
        self._transport = transport
        self._resolver = resolver
        self._counters = counters
        self._idle_seconds = idle_seconds
        self._max_connections = max_connections
        self._numbers = itertools.count(1)
        self._servers: list[asyncio.Server] = []
        self._sources: dict[int, Endpoint] = {}
        # Every connection that is not lost yet, by its number.
        self._connections: dict[int, Connection] = {}
        # Those that may carry new messages: by number and by whom they lead to.
        self._by_key: dict[Key, Connection] = {}
        self.aliases = Aliases()
        # Established ones, the least recently active first; those that never brought a byte apart.
        self._silent: dict[int, Connection] = {}
        self._active: dict[int, Connection] = {}
        self._strangers = Strangers(max_connections)
        self._handshakes = None if tls is None else Handshakes(tls, owner, counters)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._all_lost = asyncio.Event()

    # Verbs of the transport.

    async def listen(self, bound: socket.socket, endpoint: Endpoint, listener: int) -> None:
        """Accept connections at a bound socket."""
        loop = asyncio.get_running_loop()
        self._sources[listener] = endpoint
        # On Linux what is accepted inherits these.
        configure(bound)
        accept = self._accepting(listener)
        if self._handshakes is not None:
            self._handshakes.listen(bound, accept)
        else:
            self._servers.append(await loop.create_server(accept, sock=bound))

    def send(self, data: bytes, flow: Flow, listener: int) -> None:
        """Send over the flow's connection, over one that leads there, or over a new one."""
        if self._closed:
            return
        connection = self._leading_to(flow, listener) or self._new_way(flow, listener)
        if connection is None:
            self._owner.sending_failed(flow, self.no_way)
            return
        if len(connection.destinations) < MAX_DESTINATIONS:
            connection.destinations.setdefault(flow.destination, flow)
        self.touch(connection)
        connection.send(data, flow)

    def alias(self, flow: Flow, host: str, port: int) -> None:
        """Let requests to a peer go by a connection that it has opened, where it may ask that."""
        connection = self._connections.get(flow.connection)
        if not self.aliases.believed or connection is None or connection.ours:
            return
        if not self.aliases.note(connection, connection.certificate, host, port):
            self._counters["tls_alias_refused"] += 1

    def has_carried(self, asked: Flow, source: Flow) -> bool:
        """Whether a message to a flow went over the connection of another one."""
        connection = self._connections.get(source.connection)
        return connection is not None and asked.destination in connection.destinations

    def close_connection(self, flow: Flow) -> None:
        """Close the connection of a flow, after what was sent on it."""
        connection = self._connections.get(flow.connection)
        if connection is not None:
            connection.close()

    async def close(self, *, within: float = 1.0) -> None:
        """Stop to accept, send what waits within a bound of time, close everything."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for server in self._servers:
            server.close()
        if self._handshakes is not None:
            self._handshakes.stop()
            await self._handshakes.wait_stopped()
        if self._tasks:
            # A connection that is nearly made may have a BYE to carry.
            await asyncio.wait(self._tasks, timeout=within)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections.values()):
            connection.close()
        await self._wait_for_loss(within)
        for connection in list(self._connections.values()):
            connection.abort()
        await self._wait_for_loss(within)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    async def _wait_for_loss(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._connections:
                    self._all_lost.clear()
                    await self._all_lost.wait()

    # What connections tell us.

    def admit(self, connection: Connection, peer: tuple[Any, ...] | None) -> bool:
        """Take a connection that has been made, if there is room."""
        if peer is None:
            # The peer has reset the connection already.
            return False
        if connection.flow.connection == 0:
            connection.strange = self._owner.is_stranger(peer[0])
            if self._closed or not self._has_room_for(connection, peer[0]):
                return False
            listener = connection.flow.listener
            connection.flow = Flow(self._transport, peer[0], peer[1], listener, next(self._numbers))
            self._connections[connection.flow.connection] = connection
            if connection.strange:
                self._strangers.enter(peer[0])
        flow = connection.flow
        if connection.ours or self._tls is None:
            # Who has connected to us by TLS has not shown whose certificate it has.
            self._by_key[self._key(flow, flow.listener)] = connection
        self._silent[flow.connection] = connection
        self.touch(connection)
        self._watch_idleness()
        return True

    def received(self, connection: Connection, data: bytes) -> None:
        """Hand up what a connection brought."""
        self._silent.pop(connection.flow.connection, None)
        self.touch(connection)
        self._owner.stream_received(data, connection.flow)

    def retire(self, connection: Connection) -> None:
        """Lead nobody to a connection any more."""
        flow = connection.flow
        for host in (flow.host, connection.opened_for):
            key = self._key(flow._replace(host=host), flow.listener)
            if self._by_key.get(key) is connection:
                del self._by_key[key]
        self.aliases.forget(connection)

    def lost(self, connection: Connection, error: Exception | None) -> None:
        """Forget a connection, and tell whoever used it."""
        number = connection.flow.connection
        if self._connections.pop(number, None) is None:
            return
        self.retire(connection)
        self._silent.pop(number, None)
        self._active.pop(number, None)
        if connection.strange:
            self._strangers.leave(connection.flow.host)
        if error is not None:
            self._counters["tcp_reset"] += 1
        if not self._connections:
            self._all_lost.set()
        self._owner.connection_closed(connection.flow)
        # What was sent and has no answer yet will get none.
        why = reason_of(error) if isinstance(error, OSError) else "the connection was closed"
        for flow in connection.destinations.values():
            self._owner.sending_failed(flow, why)

    def count(self, reason: str) -> None:
        """Count something that went wrong."""
        self._counters[reason] += 1

    def _accepting(self, listener: int) -> Callable[[], Connection]:
        # The peer's address is known once the connection is made; number 0 says that it is not yet.
        unknown = Flow(self._transport, "", 0, listener)
        return lambda: Connection(self, unknown)

    # The ways there are, and new ones.

    def _leading_to(self, flow: Flow, listener: int) -> Connection | None:
        """The flow's connection, or one that leads to the same place."""
        connection = self._connections.get(flow.connection)
        if connection is not None and not connection.closing:
            return connection
        connection = self._by_key.get(self._key(flow, listener))
        return connection or (self.aliases.find(flow, listener) if self._tls else None)

    def _is_reused(self, flow: Flow) -> bool:
        """Whether connections that a peer has opened itself would be used for it (RFC 5923)."""
        return canonical_host(flow.name or flow.host) in self.aliases.believed

    def _new_way(self, flow: Flow, listener: int) -> Connection | None:
        """A connection of our own; None where there is no room for one."""
        if len(self._connections) >= self._max_connections and not self._make_room():
            self._counters["tcp_table_full"] += 1
            return None
        return self._open(flow, listener)

    def _open(self, flow: Flow, listener: int) -> Connection:
        name = flow.name or ("" if self._tls is None or is_address(flow.host) else flow.host)
        opened = flow._replace(listener=listener, connection=next(self._numbers), name=name)
        connection = Connection(self, opened, opened_for=flow.host)
        self._connections[opened.connection] = connection
        self._by_key[self._key(flow, listener)] = connection
        self._start(self._connect(connection))
        return connection

    def _key(self, flow: Flow, listener: int) -> Key:
        """What leads to a connection: by TLS, two names of one address have one each."""
        return listener, flow.host, flow.port, (flow.name or flow.host) if self._tls else ""

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: Connection) -> None:
        flow = connection.flow
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                hosts: tuple[str, ...] = (flow.host,)
                if not is_address(flow.host):
                    hosts = await self._resolver.resolve(flow.host)
                source = self._sources.get(flow.listener)
                host, opened = await reach(hosts, flow, source)
                connection.flow = flow._replace(host=host)
                await self._take_over(opened, connection)
        except (OSError, TimeoutError) as error:
            self._counters["tcp_connect_failed"] += 1
            self._forget(connection)
            why = reason_of(error)
            for unsent in connection.unsent_flows():
                missing = "; it has opened no connection itself" * self._is_reused(unsent)
                self._owner.sending_failed(unsent, why + missing)
        except asyncio.CancelledError:
            self._forget(connection)
            raise

    def _forget(self, connection: Connection) -> None:
        """Drop a connection that was never made."""
        self.retire(connection)
        self._connections.pop(connection.flow.connection, None)

    async def _take_over(self, opened: socket.socket, connection: Connection) -> None:
        """Have the loop read a socket that is connected."""
        loop = asyncio.get_running_loop()
        if self._tls is None:
            await loop.create_connection(lambda: connection, sock=opened)
            return
        # RFC 5922 section 7: of the name that was to be called, whatever the name service says.
        name = connection.flow.name or connection.flow.host
        try:
            transport, _ = await loop.create_connection(
                lambda: connection,
                sock=opened,
                ssl=self._tls.client,
                server_hostname=name,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", None) or error.reason or error
            logger.warning("no TLS with %s:%d: %s", name, connection.flow.port, why)
            self._counters["tls_handshake_failed"] += 1
            raise
        self._tls.note_peer(name, transport.get_extra_info("peercert"))

    # Room in the table.

    def touch(self, connection: Connection) -> None:
        """Note that a connection is of use."""
        if not connection.established:
            return
        number = connection.flow.connection
        connection.last_active = asyncio.get_running_loop().time()
        if number not in self._silent:
            self._active.pop(number, None)
            self._active[number] = connection

    def _has_room_for(self, newcomer: Connection, host: str) -> bool:
        """Whether somebody who connects may stay; a stranger at no cost but other strangers'."""
        if newcomer.strange and self._strangers.has_enough(host):
            self._counters["tcp_stranger_refused"] += 1
            return False
        full = len(self._connections) >= self._max_connections
        if not full and not (newcomer.strange and self._strangers.full):
            return True
        if self._evict(strange=True) if newcomer.strange else self._make_room():
            return True
        self._counters["tcp_refused"] += 1
        return False

    def _make_room(self) -> bool:
        return self._evict(strange=True) or self._evict(strange=False)

    def _evict(self, *, strange: bool) -> bool:
        """Close the oldest that never said a word, else the least recently active."""
        now = asyncio.get_running_loop().time()
        for order in (self._silent, self._active):
            oldest = next((c for c in order.values() if c.strange == strange), None)
            if oldest is not None and now - oldest.last_active >= EVICTABLE_SECONDS:
                self._counters["tcp_evicted"] += 1
                oldest.abort()
                self.lost(oldest, None)
                return True
        return False

    def _watch_idleness(self) -> None:
        if self._sweeper is None and not self._closed:
            loop = asyncio.get_running_loop()
            seconds = min(self._idle_seconds, EMPTY_SECONDS) / 4
            self._sweeper = loop.call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = asyncio.get_running_loop().time()
        limit = now - self._idle_seconds
        for order in (self._silent, self._active):
            for connection in [c for c in order.values() if c.last_active <= limit]:
                self._counters["tcp_idle"] += 1
                connection.close()
        for connection in [c for c in self._silent.values() if c.strange]:
            if connection.last_active <= now - EMPTY_SECONDS:
                self._counters["tcp_empty"] += 1
                connection.close()
        self._keep_alive(now)
        if self._silent or self._active:
            self._watch_idleness()

    def _keep_alive(self, now: float) -> None:
        """Ping those that are not strangers' and have been silent for long; those that answer are
        kept, and closed when they do so no more."""
        for connection in [*self._silent.values(), *self._active.values()]:
            if connection.strange or connection.closing:
                continue
            if connection.misses_pong(now):
                self._counters["tcp_no_pong"] += 1
                connection.abort()
            elif now - max(connection.last_active, connection.pinged_at) >= PING_SECONDS:
                connection.ping(now)
