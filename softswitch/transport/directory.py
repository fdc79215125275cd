"""What stands behind a name: servers (NAPTR and SRV records, RFC 3263) and addresses (A, AAAA),
asked on the loop with a deadline.

It knows no SIP but the names of its services. What it finds, and for how long that holds, is all it
tells; who keeps it and who is called is not its business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import dns.asyncresolver
import dns.exception
import dns.message
import dns.nameserver
import dns.rdatatype
import dns.resolver

from softswitch.transport.names import Addresses, NoAnswer

__all__ = ["Directory", "Found", "Record"]

DEADLINE_SECONDS = 4.0
"""For one question with its repetitions."""
AGAIN_SECONDS = 0.8
"""After which a question without an answer is asked again, while the first goes on: a packet may be
lost, and a server may be slow."""
MAX_ASKED = 3
"""Times that one question is asked; the last time leaves an answer the time that calls wait for a
name."""
MAX_RECORDS = 32
"""A carrier has a handful; more are somebody else's joke."""
NEGATIVE_SECONDS = 30.0
"""How long "there is none" holds where the answer does not say (RFC 2308 section 5)."""

_SERVICES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
_NAPTR_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
"""RFC 3263 section 4.1; what is not here (SCTP, WebSocket) is nothing that we call by."""
PRIORITIES = 65536
"""Of SRV records: those of the next NAPTR record come behind them all."""


class Record(NamedTuple):
    """One SRV record."""

    host: str
    port: int
    priority: int
    weight: int
    transport: str = ""
    """Empty: that which was asked for."""


class Found(NamedTuple):
    """The records of a name; none, where it has none."""

    records: tuple[Record, ...]
    seconds: float
    """How long the answer holds."""


class _Answer(NamedTuple):
    """What was answered to one question; no records, where there are none."""

    records: tuple[Any, ...]
    """As dnspython has them, whose fields are those of their kind."""
    seconds: float


class Directory:
    """Asks the system's name servers, or those it is given (address, port)."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        known: list[str | dns.nameserver.Nameserver] = [
            dns.nameserver.Do53Nameserver(host, port) for host, port in servers
        ]
        known = known or list(dns.asyncresolver.Resolver().nameservers)
        self._resolvers = [_asking(known[n:] + known[:n]) for n in range(len(known))]
        """One for each server that may be asked first."""

    async def find(self, name: str, transport: str) -> Found:
        """The servers of a name for a transport; raises NoAnswer."""
        return await self._servers(f"{_SERVICES[transport]}.{name.rstrip('.')}.")

    async def find_any(self, name: str, transports: Collection[str]) -> Found:
        """The servers of a name by those of these transports that it has, the transports it likes
        best first; raises NoAnswer."""
        services, seconds = await self._services_of(name, transports)
        found: list[Record] = []
        for rank, (transport, question) in enumerate(services):
            servers = await self._servers(question)
            seconds = min(seconds, servers.seconds)
            found += [
                one._replace(transport=transport, priority=one.priority + rank * PRIORITIES)
                for one in servers.records
            ]
        if found:
            return Found(tuple(found[:MAX_RECORDS]), seconds)
        return await self._first_of(name, transports, seconds)

    async def _services_of(
        self, name: str, transports: Collection[str]
    ) -> tuple[list[tuple[str, str]], float]:
        """Transports and what to ask for the servers of each, in the order of the NAPTR records.

        Some name servers say nothing to what they do not know: then there are none.
        """
        try:
            answer = await self._ask(f"{name.rstrip('.')}.", "NAPTR")
        except NoAnswer:
            return [], NEGATIVE_SECONDS
        found = []
        for one in sorted(answer.records, key=lambda one: (one.order, one.preference)):
            transport = _NAPTR_SERVICES.get(one.service.decode("ascii", "replace").upper(), "")
            # RFC 3263 section 4.1: "the NAPTR processing as described in RFC 2915 will result in
            # the discovery of [...] the SRV record": flag s, and no expression.
            is_service = one.flags.lower() == b"s" and not one.regexp
            if transport in transports and is_service:
                found.append((transport, str(one.replacement)))
        return found[: len(_NAPTR_SERVICES)], answer.seconds

    async def _first_of(self, name: str, transports: Collection[str], seconds: float) -> Found:
        """RFC 3263 section 4.1: without NAPTR records "the client constructs SRV queries for those
        transport protocols it supports"; but not for TLS, which nobody asked for."""
        for transport in ("udp", "tcp"):
            if transport in transports:
                servers = await self.find(name, transport)
                seconds = min(seconds, servers.seconds)
                if servers.records:
                    records = (one._replace(transport=transport) for one in servers.records)
                    return Found(tuple(records), seconds)
        return Found((), seconds)

    async def _servers(self, question: str) -> Found:
        """The SRV records of a service; raises NoAnswer."""
        answer = await self._ask(question, "SRV")
        records = tuple(
            Record(str(one.target).rstrip("."), int(one.port), int(one.priority), int(one.weight))
            for one in answer.records
        )
        # RFC 2782: "A Target of "." means that the service is decidedly not available".
        return Found(tuple(one for one in records if one.host), answer.seconds)

    async def addresses(self, name: str) -> Addresses:
        """The addresses of a name, IPv4 first; raises NoAnswer when neither kind is answered."""
        question = f"{name.rstrip('.')}."
        both = await asyncio.gather(
            self._ask(question, "A"), self._ask(question, "AAAA"), return_exceptions=True
        )
        answers = [one for one in both if isinstance(one, _Answer)]
        found = tuple(str(record) for answer in answers for record in answer.records)
        for error in both:
            # One kind that is answered is enough, unless it says that there is none of it.
            if isinstance(error, BaseException) and not (isinstance(error, NoAnswer) and found):
                raise error
        seconds = (answer.seconds for answer in answers if answer.records or not found)
        return Addresses(found, min(seconds))

    async def _ask(self, question: str, kind: str) -> _Answer:
        """One question; raises NoAnswer."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS + 1.0):
                answer = await self._first_answer(question, kind)
        except dns.resolver.NXDOMAIN as error:
            responses = error.kwargs.get("responses", {}).values()
            return _Answer((), min(map(_negative_seconds, responses), default=NEGATIVE_SECONDS))
        except (dns.exception.DNSException, OSError, TimeoutError) as error:
            raise NoAnswer(f"{question} {kind}: {_told(error)}") from None
        if answer.rrset is None:
            return _Answer((), _negative_seconds(answer.response))
        return _Answer(tuple(answer)[:MAX_RECORDS], float(answer.rrset.ttl))

    async def _first_answer(self, question: str, kind: str) -> dns.resolver.Answer:
        """What is answered first to a question that is asked again while nothing is, another
        server first each time."""
        asked: set[asyncio.Task[dns.resolver.Answer]] = set()
        done: set[asyncio.Task[dns.resolver.Answer]] = set()
        try:
            while not done:
                resolver = self._resolvers[len(asked) % len(self._resolvers)]
                answer = resolver.resolve(question, kind, search=False, raise_on_no_answer=False)
                asked.add(asyncio.create_task(answer, name=f"ask for {question}"))
                patience = AGAIN_SECONDS if len(asked) < MAX_ASKED else None
                done, _ = await asyncio.wait(
                    asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
            return min(done, key=lambda one: one.exception() is not None).result()
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)


def _asking(servers: Sequence[str | dns.nameserver.Nameserver]) -> dns.asyncresolver.Resolver:
    """A resolver that asks these, the first first."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = servers
    resolver.lifetime = DEADLINE_SECONDS
    # One alone is waited for; behind one that says nothing others have their turn.
    resolver.timeout = DEADLINE_SECONDS / min(len(servers), 2)
    return resolver


def _told(error: Exception) -> str:
    """What went wrong, for people: the resolver's own words are its arguments."""
    if isinstance(error, dns.exception.Timeout | TimeoutError):
        return f"no answer within {DEADLINE_SECONDS:g} s"
    if isinstance(error, dns.resolver.NoNameservers):
        return "no name server has a usable answer"
    return str(error) or type(error).__name__


def _negative_seconds(response: dns.message.Message) -> float:
    """RFC 2308 section 5: "the TTL of this record is set from the minimum of the MINIMUM field of
    the SOA record and the TTL of the SOA itself"."""
    for found in response.authority:
        if found.rdtype == dns.rdatatype.SOA:
            return float(min(found.ttl, found[0].minimum))
    return NEGATIVE_SECONDS
