"""The transport layer (RFC 3261 section 18): owns the sockets and feeds one protocol core.

A datagram or a piece of a stream goes into the core with the flow it came by; what the core wants
to send, and what it has to tell its owner, comes out once a batch. It knows flows, sockets and
names, and nothing of what the bytes say.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from softswitch.sip.addresses import canonical_host
from softswitch.sip.flow import Flow
from softswitch.transport.endpoint import Endpoint, bind_all, is_address
from softswitch.transport.face import StackFace
from softswitch.transport.failures import Failures, reason_of
from softswitch.transport.pump import Pump
from softswitch.transport.resolver import NameNotResolved, Resolver
from softswitch.transport.tcp import IDLE_SECONDS, MAX_CONNECTIONS, TcpTable
from softswitch.transport.tls import Tls
from softswitch.transport.udp import Address, UdpSocket
from softswitch.transport.websocket.table import WebSocketTable

Event = TypeVar("Event")

# Ways to UDP peers are kept by flow, as the sockets keep flows by address.
MAX_ROUTES = 4096
# Datagrams that wait for the look-up of one name: more than its first burst of calls.
MAX_WAITING_FOR_NAME = 256


class Transport:
    """Sockets for one core. Binding happens at once, everything else in `start`.

    `endpoints` tells the addresses that were bound, in the order given: a flow's `listener` is an
    index into it. `counters` has a name for each thing that went wrong.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        resolver: Resolver | None = None,
        idle_seconds: float = IDLE_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
        tls: Tls | None = None,
    ) -> None:
        bound = bind_all(endpoints)
        self.endpoints = tuple(endpoint for endpoint, _ in bound)
        self.counters: Counter[str] = Counter()
        self._bound = bound
        self._resolver = resolver or Resolver()
        bound_to = {endpoint.transport for endpoint in self.endpoints}
        self._streams = {
            name: kind(
                transport=name,
                owner=self,
                resolver=self._resolver,
                counters=self.counters,
                idle_seconds=idle_seconds,
                max_connections=max_connections,
                tls=contexts,
            )
            for name, kind, contexts in _streams(bound_to, tls)
        }
        self._udp: dict[int, UdpSocket] = {}
        # Datagrams that the kernel had no room for, so far.
        self._lost = 0
        self._failures = Failures()
        self.on_certificate_refused: Callable[[str, str], None] | None = None
        """Told the host of each peer that has not shown the certificate it must, and why."""
        self._pump: Pump[Any] | None = None
        self._routes: dict[Flow, tuple[UdpSocket, Address]] = {}
        # Flows whose host is written differently from the address it leads to.
        self._named: dict[tuple[str, int], set[Flow]] = {}
        # When a name led to an address last.
        self._led: dict[tuple[str, str], float] = {}
        # Datagrams that wait for a name.
        self._waiting: dict[str, list[tuple[bytes, Flow]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flush_handle: asyncio.Handle | None = None
        self._closed = False

    # Verbs.

    async def start(self, stack: StackFace[Event], on_event: Callable[[Event], None]) -> None:
        """Begin to feed the core, and to hand its events to `on_event`."""
        if self._closed or self._pump is not None:
            raise RuntimeError("a transport starts once")
        self._loop = asyncio.get_running_loop()
        self._pump = Pump(
            stack,
            on_event=on_event,
            send=self._send,
            counters=self.counters,
            after_timeout=self._close_broken,
        )
        for listener, (endpoint, bound) in enumerate(self._bound):
            if endpoint.transport == "udp":
                self._udp[listener] = UdpSocket(
                    bound, listener=listener, owner=self, counters=self.counters
                )
            else:
                await self._streams[endpoint.transport].listen(bound, endpoint, listener)
        self.flush()

    def flush(self) -> None:
        """Send and deliver what the core has; to be called after its verbs were used."""
        if self._pump is not None:
            self._pump.flush()

    def flush_soon(self) -> None:
        """Flush once before the loop waits again, however often this is called.

        Verbs used while an event is handled need nothing: the flush that delivered it goes on.
        """
        if self._flush_handle is not None or self._pump is None or self._closed:
            return
        if not self._pump.is_flushing:
            self._flush_handle = self._loop.call_soon(self._flush_now)

    async def close(self) -> None:
        """Send what waits, then close every socket. Closing again does nothing."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(table.close() for table in self._streams.values()))
        for udp in self._udp.values():
            udp.close()
        for _, bound in self._bound:
            bound.close()
        await self._resolver.close()
        if self._pump is not None:
            self._pump.close()

    def backlog(self) -> float:
        """How full the fullest socket's room for datagrams is; 1 where some were lost since this
        was asked last."""
        told = [udp.backlog() for udp in self._udp.values()]
        lost = sum(one[1] for one in told)
        fresh, self._lost = lost - self._lost, lost
        self.counters["udp_lost_unread"] += fresh
        return 1.0 if fresh else max((one[0] for one in told), default=0.0)

    def why_failed(self, flow: Flow) -> str:
        """Why what was sent to a flow just now does not arrive; empty: it is not known."""
        return self._failures.why(flow, self._loop.time())

    # Connection reuse (RFC 5923).

    def reuse(self, hosts: Collection[str]) -> None:
        """Believe the trunks of these hosts that a connection of theirs leads to them, where their
        certificate says so."""
        table = self._streams.get("tls")
        if table is not None:
            table.aliases.believed = frozenset(map(canonical_host, hosts))

    def alias(self, flow: Flow, host: str, port: int) -> None:
        """A peer asks to be called over the connection of a flow, under this host and port."""
        table = self._streams.get(flow.transport)
        if table is not None:
            table.alias(flow, host, port)

    def has_led(self, asked: Flow, source: Flow, since: float) -> bool:
        """Whether what was sent to a flow, since then, went to the host of another one, or over its
        very connection; both are of one transport."""
        streams = self._streams.get(asked.transport)
        if streams is not None:
            return streams.has_carried(asked, source)
        last = self._led.get((asked.host, source.host))
        return last is not None and last >= since

    def is_connected(self, flow: Flow) -> bool:
        """Whether a flow leads to somebody: over a WebSocket only while its host has opened one."""
        table = self._streams.get(flow.transport)
        if not isinstance(table, WebSocketTable):
            return True
        return table.has_way(flow, self._stream_listener(flow))

    # What sockets tell us (face.SocketOwner).

    def datagram_received(self, data: bytes, flow: Flow, now: float) -> None:
        """Feed the core; the flush comes with `batch_received`."""
        self._stack.receive_datagram(data, flow, now=now)

    def batch_received(self) -> None:
        """Send the answers to a batch."""
        self.flush()

    def stream_received(self, data: bytes, flow: Flow) -> None:
        """Feed the core, send the answers, and close what it cannot read any further."""
        try:
            self._stack.receive_stream(data, flow, now=self._loop.time())
        finally:
            self.flush()
        self._close_broken()

    def is_stranger(self, host: str) -> bool:
        """Ask the core."""
        return self._stack.is_stranger(host)

    def connection_closed(self, flow: Flow) -> None:
        """Tell the core that a connection is gone."""
        self._stack.flow_closed(flow, now=self._loop.time())
        self.flush()

    def sending_failed(self, flow: Flow, why: str) -> None:
        """Tell the core that a destination cannot be reached, by every name it has for it."""
        now = self._loop.time()
        for failed in {flow, *self._named.get((flow.host, flow.port), ())}:
            self._failures.note(failed, why, now)
            self._stack.send_failed(failed, now=now)
        self.flush_soon()

    def certificate_refused(self, host: str, why: str) -> None:
        """Tell who wants to know."""
        if self.on_certificate_refused is not None:
            self.on_certificate_refused(host, why)

    @property
    def _stack(self) -> StackFace[Any]:
        assert self._pump is not None, "sockets speak only after start"
        return self._pump.stack

    def _close_broken(self) -> None:
        for broken in self._stack.flows_to_close():
            self.counters["tcp_unreadable"] += 1
            self._streams[broken.transport].close_connection(broken)

    def _flush_now(self) -> None:
        self._flush_handle = None
        self.flush()

    # Sending.

    def _send(self, data: bytes, flow: Flow) -> None:
        route = self._routes.get(flow)
        if route is not None:
            route[0].send(data, route[1], flow)
        elif not 0 < flow.port < 65536:
            # A peer may write any number into its Contact.
            self._fail("bad_port", flow, "no such port")
        elif flow.transport in self._streams:
            self._streams[flow.transport].send(data, flow, self._stream_listener(flow))
        elif flow.transport != "udp":
            self._fail("unknown_transport", flow, f"nothing is configured for {flow.transport}")
        elif is_address(flow.host):
            self._send_to_address(data, flow, flow.host)
        else:
            self._send_to_name(data, flow)

    def _send_to_address(self, data: bytes, flow: Flow, host: str) -> None:
        udp = self._udp_socket(flow.listener, host)
        if udp is None:
            self._fail("udp_no_listener", flow, "no socket is of the kind of its address")
            return
        address = (host, flow.port)
        if host == flow.host:
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            self._routes[flow] = (udp, address)
        self._remember_name(flow, str(ipaddress.ip_address(host)))
        udp.send(data, address, flow)

    def _send_to_name(self, data: bytes, flow: Flow) -> None:
        addresses = self._resolver.known(flow.host)
        if addresses is not None:
            self._send_to_one_of(data, flow, addresses)
            return
        waiting = self._waiting.get(flow.host)
        if waiting is None:
            self._waiting[flow.host] = waiting = []
            self._begin(self._resolve(flow.host))
        if len(waiting) >= MAX_WAITING_FOR_NAME:
            self.counters["udp_send_queue_full"] += 1
            return
        waiting.append((data, flow))

    async def _resolve(self, host: str) -> None:
        addresses: tuple[str, ...] = ()
        try:
            addresses = await self._resolver.resolve(host)
        except NameNotResolved:
            self.counters["name_not_resolved"] += 1
        finally:
            waiting = self._waiting.pop(host)
        for data, flow in waiting:
            self._send_to_one_of(data, flow, addresses)

    def _send_to_one_of(self, data: bytes, flow: Flow, addresses: Sequence[str]) -> None:
        preferred = self._udp.get(flow.listener)
        sockets = [preferred] if preferred is not None else []
        for udp in (*sockets, *self._udp.values()):
            for host in filter(udp.reaches, addresses):
                self._send_to_address(data, flow, host)
                return
        why = "no socket is of the kind of its addresses"
        if not addresses:
            why = reason_of(self._resolver.failure(flow.host))
        self._fail("udp_no_address", flow, why)

    def _udp_socket(self, listener: int, host: str) -> UdpSocket | None:
        """The socket a flow names, if it can reach the host; else the first that can."""
        preferred = self._udp.get(listener)
        if preferred is not None and preferred.reaches(host):
            return preferred
        return next((udp for udp in self._udp.values() if udp.reaches(host)), None)

    def _stream_listener(self, flow: Flow) -> int:
        """The listener whose address a new connection starts from."""
        usable = [
            n for n, endpoint in enumerate(self.endpoints) if endpoint.transport == flow.transport
        ]
        if flow.listener in usable or not usable:
            return flow.listener
        return next((n for n in usable if self._is_of_its_kind(n, flow.host)), usable[0])

    def _is_of_its_kind(self, listener: int, host: str) -> bool:
        """Whether a listener's address is of the kind that a host is; a name may be of either."""
        mine = self.endpoints[listener].host
        return not (is_address(mine) and is_address(host)) or (":" in mine) == (":" in host)

    def _remember_name(self, flow: Flow, host: str) -> None:
        if host == flow.host:
            return
        if len(self._named) >= MAX_ROUTES:
            self._named.clear()
        self._named.setdefault((host, flow.port), set()).add(flow)
        # The latest stands last: what goes when there are too many is what is over longest.
        self._led.pop((flow.host, host), None)
        if len(self._led) >= MAX_ROUTES:
            del self._led[next(iter(self._led))]
        self._led[flow.host, host] = self._loop.time()

    def _fail(self, reason: str, flow: Flow, why: str) -> None:
        self.counters[reason] += 1
        self.sending_failed(flow, why)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _streams(
    bound: Collection[str], tls: Tls | None
) -> Iterator[tuple[str, type[TcpTable], Tls | None]]:
    """The tables there are: those of WebSockets only where somebody listens for them, because they
    open no connections."""
    yield "tcp", TcpTable, None
    if tls is not None:
        yield "tls", TcpTable, tls
    if "ws" in bound:
        yield "ws", WebSocketTable, None
    if "wss" in bound and tls is not None:
        yield "wss", WebSocketTable, tls
