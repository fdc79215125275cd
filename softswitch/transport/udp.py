"""One UDP socket on the event loop: drains many datagrams a wake-up, never blocks, hears ICMP.

RFC 3261 section 18.4: "Host, network, port or protocol unreachable errors, or parameter problem
errors SHOULD cause the transport layer to inform the transport user of a failure in sending.
Source quench and TTL exceeded ICMP errors SHOULD be ignored."

It knows addresses and flows, no SIP and no names.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import Counter, deque
from typing import Any

from softswitch.sip.flow import Flow
from softswitch.transport._datagrams import MOST_AT_ONCE, Datagrams
from softswitch.transport.face import SocketOwner
from softswitch.transport.failures import reason_of

Address = tuple[str, int] | tuple[str, int, int, int]

# A wake-up takes at most this many, so that timers and other sockets have their turn in a flood.
MAX_BATCH = 64
# What the kernel does not take at once waits here. More than this is a second of heavy load that
# nobody waits for any longer: SIP sends again by itself.
MAX_QUEUED_DATAGRAMS = 512
# One look at the error queue takes at most this many.
MAX_ERRORS = 32

# linux/in.h and linux/in6.h: not named by Python's socket module before 3.14.
IP_RECVERR = 11
IPV6_RECVERR = 25
# linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC and _RCVBUF are the first two of nine numbers, _DROPS the
# last.
SO_MEMINFO = 55
MEMORY = struct.Struct("=9I")
# struct sock_extended_err: errno, origin, type, code, pad, info, data.
EXTENDED_ERROR = struct.Struct("=IBBBBII")
ORIGIN_ICMP = 2
ORIGIN_ICMP6 = 3
UNREACHABLE = frozenset(
    (
        errno.ECONNREFUSED,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENOPROTOOPT,
        errno.EPROTO,
        errno.EACCES,
    )
)
# ICMP time exceeded becomes EHOSTUNREACH too; its type tells (RFC 792 type 11, RFC 4443 type 3).
TIME_EXCEEDED = frozenset(((ORIGIN_ICMP, 11), (ORIGIN_ICMP6, 3)))


class UdpSocket:
    """A bound UDP socket that belongs to a transport's listener number `listener`."""

    def __init__(
        self, bound: socket.socket, *, listener: int, owner: SocketOwner, counters: Counter[str]
    ) -> None:
        self.family = bound.family
        self._socket = bound
        self._listener = listener
        self._owner = owner
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._datagrams = Datagrams(bound.fileno(), self._flow_of)
        self._queue: deque[tuple[bytes, Address, Flow]] = deque()
        self._closed = False
        self._ask_for_errors()
        self._loop.add_reader(bound, self._on_readable)

    def reaches(self, host: str) -> bool:
        """Whether an address is of this socket's family."""
        return (":" in host) == (self.family == socket.AF_INET6)

    def send(self, data: bytes, address: Address, flow: Flow) -> None:
        """Send a datagram now, or as soon as the kernel takes it. `flow` names it in a failure."""
        if self._closed:
            return
        if self._queue:
            self._enqueue(data, address, flow)
            return
        try:
            self._socket.sendto(data, address)
        except BlockingIOError:
            self._enqueue(data, address, flow)
        except OSError as error:
            self._send_again(data, address, flow, error)

    def backlog(self) -> tuple[float, int]:
        """Which share of the room for datagrams that wait to be read is full, and how many have
        been lost for want of it."""
        if self._closed:
            return 0.0, 0
        told = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMORY.size)
        held, room, *_, lost = MEMORY.unpack(told)
        return held / max(room, 1), lost

    def close(self) -> None:
        """Close the socket; what still waits is tried once more."""
        if self._closed:
            return
        self._drain_queue()
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._queue.clear()
        self._socket.close()

    # Receiving.

    def _on_readable(self) -> None:
        """Take what waits, in one go: what comes meanwhile wakes us again."""
        now = self._loop.time()
        left = MAX_BATCH
        try:
            while left > 0 and not self._closed:
                wanted = min(left, MOST_AT_ONCE)
                try:
                    batch = self._datagrams.read(wanted)
                except OSError:
                    self._take_errors()
                    left -= 1
                    continue
                self._deliver(batch, now)
                taken = len(batch) // 2
                if taken < wanted:
                    if left == MAX_BATCH and not taken:
                        # Woken for an error that a sending has met already.
                        self._take_errors()
                    return
                left -= taken
        finally:
            self._owner.batch_received()

    def _deliver(self, batch: list[Any], now: float) -> None:
        parts = iter(batch)
        for data in parts:
            flow = next(parts)
            if flow is None:
                continue
            try:
                self._owner.datagram_received(data, flow, now)
            except Exception as error:  # noqa: BLE001 - told, and the datagrams behind it are heard
                self._loop.call_exception_handler(
                    {"message": f"a datagram from {flow.host}:{flow.port}", "exception": error}
                )

    def _flow_of(self, host: str, port: int) -> Flow | None:
        if port == 0:
            # Nothing can be sent back there.
            self._counters["udp_port_zero"] += 1
            return None
        return Flow("udp", host, port, self._listener)

    # Sending what had to wait.

    def _enqueue(self, data: bytes, address: Address, flow: Flow) -> None:
        if len(self._queue) >= MAX_QUEUED_DATAGRAMS:
            self._counters["udp_send_queue_full"] += 1
            return
        if not self._queue:
            self._loop.add_writer(self._socket, self._drain_queue)
        self._queue.append((data, address, flow))

    def _drain_queue(self) -> None:
        queue = self._queue
        while queue:
            data, address, flow = queue[0]
            try:
                self._socket.sendto(data, address)
            except BlockingIOError:
                return
            except OSError as error:
                self._send_again(data, address, flow, error)
            queue.popleft()
        self._loop.remove_writer(self._socket)

    # Failures.

    def _ask_for_errors(self) -> None:
        if self.family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)

    def _send_again(self, data: bytes, address: Address, flow: Flow, error: OSError) -> None:
        """Tell an error of this datagram from one that an earlier datagram left behind."""
        if self._take_errors():
            try:
                self._socket.sendto(data, address)
            except OSError as second:
                error = second
            else:
                return
        self._counters[f"udp_send_{errno.errorcode.get(error.errno or 0, 'error')}"] += 1
        self._owner.sending_failed(flow, reason_of(error))

    def _take_errors(self) -> bool:
        """Read the socket's error queue, and report each destination that cannot be reached."""
        taken = 0
        for taken in range(MAX_ERRORS):  # noqa: B007 - the count is what is wanted
            try:
                _, ancillary, _, address = self._socket.recvmsg(1, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            self._on_error(ancillary, address)
        # libuv stops to watch a socket that had an error.
        if not self._closed:
            self._loop.remove_reader(self._socket)
            self._loop.add_reader(self._socket, self._on_readable)
        return taken > 0

    def _on_error(self, ancillary: list[tuple[int, int, bytes]], address: Address) -> None:
        for _, _, data in ancillary:
            if len(data) < EXTENDED_ERROR.size:
                continue
            number, origin, kind, *_ = EXTENDED_ERROR.unpack_from(data)
            if number in UNREACHABLE and (origin, kind) not in TIME_EXCEEDED:
                self._counters["udp_unreachable"] += 1
                flow = Flow("udp", address[0], address[1], self._listener)
                self._owner.sending_failed(flow, reason_of(OSError(number, "")))
