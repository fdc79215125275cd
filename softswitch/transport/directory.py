"""Which servers stand behind a name: SRV records (RFC 3263), asked on the loop with a deadline.

It knows no SIP but the names of its services. What it finds, and for how long that holds, is all it
tells; who keeps it and who is called is not its business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import dns.asyncresolver
import dns.exception
import dns.resolver

from softswitch.transport.names import NoAnswer

__all__ = ["Directory", "Found", "Record"]

DEADLINE_SECONDS = 4.0
"""For one question with its repetitions."""
MAX_RECORDS = 32
"""A carrier has a handful; more are somebody else's joke."""

_SERVICES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}


class Record(NamedTuple):
    """One SRV record."""

    host: str
    port: int
    priority: int
    weight: int


class Found(NamedTuple):
    """The records of a name; none, where it has none."""

    records: tuple[Record, ...]
    seconds: float
    """How long the answer holds."""


class Directory:
    """Asks the system's name servers, or those it is given (host, port)."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [host for host, _ in servers]
            self._resolver.nameserver_ports = dict(servers)
        self._resolver.lifetime = DEADLINE_SECONDS

    async def find(self, name: str, transport: str) -> Found:
        """The servers of a name for a transport; raises NoAnswer."""
        question = f"{_SERVICES[transport]}.{name.rstrip('.')}."
        try:
            async with asyncio.timeout(DEADLINE_SECONDS + 1.0):
                answer = await self._resolver.resolve(question, "SRV", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Found((), 0.0)
        except (dns.exception.DNSException, OSError, TimeoutError) as error:
            raise NoAnswer(f"{question}: {str(error) or 'no answer'}") from None
        records = tuple(
            Record(str(one.target).rstrip("."), int(one.port), int(one.priority), int(one.weight))
            for one in list(answer)[:MAX_RECORDS]
        )
        # RFC 2782: "A Target of "." means that the service is decidedly not available".
        seconds = 0.0 if answer.rrset is None else float(answer.rrset.ttl)
        return Found(tuple(one for one in records if one.host), seconds)
