"""Where a message came from or goes to, and what we call ourselves there (RFC 3261 section 18).

It knows addresses only as text and numbers: sockets, names and connections belong to the transport.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from softswitch.sip.addresses import ip_address

# RFC 3261 section 19.1.2: the default port of UDP and TCP, and that of TLS.
DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061
# Transports that keep order and lose nothing: timers A, E, G and J do not run (17.1, 17.2).
RELIABLE_TRANSPORTS = frozenset(("tcp", "tls", "ws", "wss", "sctp"))
# RFC 7118: a connection that its client has opened, and that keeps messages apart by itself.
WEBSOCKET_TRANSPORTS = frozenset(("ws", "wss"))
# Transports that nobody on the way can read (26.2.1).
SECURE_TRANSPORTS = frozenset(("tls", "wss"))


class Flow(NamedTuple):
    """One way to a peer.

    `host` is bare (IPv6 without brackets) and may be a name on the way out, `listener` is the index
    of our socket, and connection 0 means that the transport reuses or opens one as it likes. `name`
    is whose certificate TLS asks for; empty: the host's. RFC 5922 section 4: it is the domain that
    was asked for, not what the name service has made of it.
    """

    transport: str
    host: str
    port: int
    listener: int = 0
    connection: int = 0
    name: str = ""

    @property
    def destination(self) -> tuple[str, str, int, str]:
        """Where it leads, by whatever socket or connection."""
        return self.transport, self.host, self.port, self.name

    @property
    def reliable(self) -> bool:
        """Whether the transport itself cares for loss and order."""
        return self.transport in RELIABLE_TRANSPORTS

    @property
    def secure(self) -> bool:
        """Whether nobody on the way can read it."""
        return self.transport in SECURE_TRANSPORTS


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket we are reachable at: what we write into Via and Contact."""

    transport: str
    advertised_host: str
    advertised_port: int
    host: str = ""
    """Where it listens; empty: somewhere."""

    def reaches(self, host: str) -> bool:
        """Whether what leaves it can get to a host, as far as their kinds of addresses say."""
        mine, other = ip_address(self.host), ip_address(host)
        return mine is None or other is None or mine.version == other.version
