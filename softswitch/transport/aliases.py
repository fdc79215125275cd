"""Connections that peers have opened and that lead back to them, too (RFC 5923).

"Because the connection is essentially aliased for requests going in the backwards direction, reuse
is predicated upon both the communicating endpoints authenticating themselves using X.509
certificates": so a connection is one of a trunk only where TLS has shown a certificate of the
trunk's name, and only where the operator has said so. It knows no messages: that a Via asks for it
is told by who reads them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from softswitch.sip.addresses import canonical_host
from softswitch.sip.flow import Flow

if TYPE_CHECKING:
    from softswitch.transport.connection import Connection

__all__ = ["Aliases", "identities_of"]

logger = logging.getLogger(__name__)

MAX_EACH = 16
"""Connections of one name and port: the servers of a carrier, each with one or two."""

MAX_IDENTITIES = 64
"""Names of one certificate that are looked at; a carrier's has a handful."""

MAX_SHOWN = 5
"""Of these, told in a line of the log."""

Key = tuple[int, str, int]  # listener, whose certificate, port that it is called at


class Aliases:
    """Finds connections by whom a certificate has proven them to be of."""

    def __init__(self) -> None:
        self.believed: frozenset[str] = frozenset()
        """Hosts of trunks whose connections are used in both directions."""
        self._ways: dict[Key, dict[Connection, str]] = {}
        """With each connection the host that its peer calls itself."""
        self._refused: set[Connection] = set()
        """Those that a line of the log was written of."""

    def note(
        self, connection: Connection, certificate: Mapping[str, Any] | None, host: str, port: int
    ) -> bool:
        """A peer asks to be called over a connection of its own, under this host and port; whether
        it is of somebody whose word on that is taken."""
        names = identities_of(certificate)
        host = canonical_host(host)
        # Who says it is somebody else is not believed at all.
        is_itself = host in names or host == canonical_host(connection.flow.host)
        proven = names & self.believed if is_itself else frozenset()
        if not proven:
            self._tell_refused(connection, host, names)
        for name in proven:
            ways = self._ways.setdefault((connection.flow.listener, name, port), {})
            if connection not in ways and len(ways) >= MAX_EACH:
                del ways[next(iter(ways))]
            ways[connection] = host
        return bool(proven)

    def _tell_refused(self, connection: Connection, host: str, names: frozenset[str]) -> None:
        """Say that a connection is not used both ways: once, and not of strangers."""
        if connection.strange or connection in self._refused:
            return
        self._refused.add(connection)
        whose = ", ".join(sorted(names)[:MAX_SHOWN]) or "nobody"
        logger.warning(
            "the connection of %s:%d is not used for calls to %.80s: its certificate is of %s",
            connection.flow.host, connection.flow.port, host, whose,
        )  # fmt: skip

    def find(self, flow: Flow, listener: int) -> Connection | None:
        """A connection that leads where a flow does, the last one first; each server of a name
        (SRV) has its own."""
        name = canonical_host(flow.name or flow.host)
        if name not in self.believed:
            return None
        target = canonical_host(flow.host)
        for connection, host in reversed(self._ways.get((listener, name, flow.port), {}).items()):
            if target in (name, host, canonical_host(connection.flow.host)):
                return connection
        return None

    def forget(self, connection: Connection) -> None:
        """A connection carries no new message any more."""
        self._refused.discard(connection)
        for key in [key for key, ways in self._ways.items() if connection in ways]:
            del self._ways[key][connection]
            if not self._ways[key]:
                del self._ways[key]


def identities_of(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Whose a certificate is (`ssl.SSLSocket.getpeercert`, which has nothing of one that was not
    verified): its alternative names, those of SIP URIs by their hosts.

    RFC 5922 section 7.2: names are compared whole, wildcards are not.
    """
    found = set()
    for kind, value in (certificate or {}).get("subjectAltName", ())[:MAX_IDENTITIES]:
        if kind in ("DNS", "IP Address"):
            found.add(canonical_host(value))
        elif kind == "URI" and value.lower().startswith(("sip:", "sips:")):
            # 7.1: a URI with a user is a person's, not a domain's.
            host = value.partition(":")[2].partition(";")[0]
            if "@" not in host:
                found.add(canonical_host(host))
    return frozenset(found)
