"""Where the switch listens: binds sockets of datagrams and of streams before anything else is made.

Binding comes first, because a port may be given as 0 and everything above must know the real one.
It knows no event loop.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

# Datagrams wait here while the loop is busy: 4 MB hold some 2,000 INVITEs, a second of heavy load.
# The kernel may grant less (net.core.rmem_max).
RECEIVE_BUFFER_BYTES = 4 << 20
SEND_BUFFER_BYTES = 1 << 20

# With port 0, UDP and TCP share the number that the kernel gave the first; another program may
# hold it for the second.
MAX_BIND_TRIES = 20

# Connections that the kernel holds until they are accepted: those of a second in which the loop
# is busy, from carriers that all come back at once.
MAX_PENDING_ACCEPTS = 512


class BindError(OSError):
    """A socket cannot be bound; the text names the address and says why."""

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A transport and the local address it listens at; port 0 lets the kernel choose."""

    transport: Literal["udp", "tcp", "tls", "ws", "wss"]
    host: str
    port: int
    origins: tuple[str, ...] = ()
    """Of a WebSocket: whose pages may connect, `*` all."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


def is_address(host: str) -> bool:
    """Whether a host is an IP address (IPv6 without brackets), not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_wildcard(host: str) -> bool:
    """Whether a listener at this host takes what comes to any local address."""
    return is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_unspecified


def bind_all(endpoints: Sequence[Endpoint]) -> list[tuple[Endpoint, socket.socket]]:
    """Bind a socket for each endpoint, in order, and tell the ports they got.

    Endpoints of one host with port 0 get one and the same port. Raises BindError, and then leaves
    no socket behind.
    """
    for _ in range(MAX_BIND_TRIES):
        bound = _try_to_bind(endpoints)
        if bound is not None:
            return bound
    raise BindError(None, f"found no free port for {', '.join(map(str, endpoints))}")


def _try_to_bind(endpoints: Sequence[Endpoint]) -> list[tuple[Endpoint, socket.socket]] | None:
    """One try; None when a port that the kernel chose for one transport is taken for another."""
    bound: list[tuple[Endpoint, socket.socket]] = []
    shared_ports: dict[str, int] = {}
    for endpoint in endpoints:
        # Other streams than TCP have ports of their own.
        shares = endpoint.transport in ("udp", "tcp")
        shared = shared_ports.get(endpoint.host, 0) if shares else 0
        try:
            opened = _bind(replace(endpoint, port=endpoint.port or shared))
        except BindError:
            for _, earlier in bound:
                earlier.close()
            if endpoint.port == 0 and shared != 0:
                return None
            raise
        actual = replace(endpoint, port=opened.getsockname()[1])
        bound.append((actual, opened))
        if endpoint.port == 0 and shares:
            shared_ports[endpoint.host] = actual.port
    return bound


def _bind(endpoint: Endpoint) -> socket.socket:
    opened: socket.socket | None = None
    try:
        family, address = _local_address(endpoint)
        kind = socket.SOCK_DGRAM if endpoint.transport == "udp" else socket.SOCK_STREAM
        opened = socket.socket(family, kind)
        _configure(opened)
        opened.bind(address)
        if endpoint.transport != "udp":
            opened.listen(MAX_PENDING_ACCEPTS)
    except (OSError, UnicodeError) as error:
        # UnicodeError: a name with a label that is empty or too long.
        if opened is not None:
            opened.close()
        reason = getattr(error, "strerror", None) or "not a host name"
        number = getattr(error, "errno", None)
        raise BindError(number, f"cannot listen at {endpoint}: {reason}") from error
    return opened


def _local_address(endpoint: Endpoint) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = found[0]
    return family, address


def _configure(opened: socket.socket) -> None:
    opened.setblocking(False)
    if opened.family == socket.AF_INET6:
        # An IPv4 peer would appear as ::ffff:a.b.c.d and match no trunk.
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if opened.type == socket.SOCK_STREAM:
        # A restarted switch must not wait for the connections of the one before.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
