"""Which trunk a message comes from, and the flow that leads to a trunk.

A trunk is known by its host: calls may come from any port of it (carriers send from many). Where
its servers are looked up, it is known by them, too. Names are resolved by whoever owns a resolver:
`names_to_resolve` says which, and `Known` brings what they resolved to, then and later. Knows no
sockets and resolves nothing.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.model import Configuration, Trunk
from softswitch.sip.addresses import canonical_host, ip_address
from softswitch.sip.flow import Flow

__all__ = ["Known", "TrunkTable", "names_to_resolve"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def names_to_resolve(configuration: Configuration) -> frozenset[str]:
    """Hosts of trunks that are names, not addresses."""
    hosts = (host for trunk in configuration.trunks.values() for host in _hosts(trunk))
    return frozenset(host for host in hosts if "/" not in host and ip_address(host) is None)


@dataclass(frozen=True, slots=True)
class Known:
    """What names stand for now."""

    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each name of `names_to_resolve`, as far as it has any."""
    servers: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Addresses of the servers that a name and transport lead to."""


class Hosts:
    """Trunks by the hosts and networks of theirs."""

    def __init__(self) -> None:
        self._by_host: dict[str, list[Trunk]] = {}
        self._networks: list[tuple[_Network, Trunk]] = []

    def add(self, trunk: Trunk, host: str, addresses: frozenset[str]) -> None:
        """Know a host, the addresses it resolved to, or a network."""
        if "/" in host:
            self._networks.append((ipaddress.ip_network(host, strict=False), trunk))
            return
        for known in {canonical_host(host), *map(canonical_host, addresses)}:
            trunks = self._by_host.setdefault(known, [])
            if trunk not in trunks:
                trunks.append(trunk)

    def all(self, host: str) -> list[Trunk]:
        """The trunks of a host and of its networks."""
        address = ip_address(host) if self._networks else None
        named = self._by_host.get(host) or self._by_host.get(canonical_host(host)) or []
        networks = (one for one in self._networks if address is not None and address in one[0])
        return [*named, *(trunk for _, trunk in networks)]

    def find(self, host: str) -> list[Trunk]:
        """The trunks of a host; those that name it before those that name its network."""
        found = self._by_host.get(host) or self._by_host.get(canonical_host(host))
        if found is not None or not self._networks:
            return found or []
        address = ip_address(host)
        if address is None:
            return []
        return [trunk for network, trunk in self._networks if address in network]


class TrunkTable:
    """The trunks of one configuration, found by where a message came from."""

    def __init__(self, configuration: Configuration, known: Known | None = None) -> None:
        self._trunks = tuple(configuration.trunks.values())
        self._hosts: Hosts
        self.behind: Hosts
        """Those whose calls come through a proxy, by the hosts before it."""
        self.proxies: Hosts
        """The same, by the proxies."""
        self.known: Known
        """What it knows of names."""
        self.learn(known or Known())

    def learn(self, known: Known) -> None:
        """Know the trunks by what their names stand for now, and by nothing that was before."""
        hosts, behind, proxies = Hosts(), Hosts(), Hosts()
        none: frozenset[str] = frozenset()
        for trunk in self._trunks:
            table = hosts if trunk.behind is None else behind
            for host in (trunk.host, *trunk.sources):
                table.add(trunk, host, known.addresses.get(host, none))
            if trunk.by_name:
                servers = known.servers.get(trunk.service, none)
                table.add(trunk, trunk.host, servers)
            for host in () if trunk.behind is None else trunk.behind.proxies:
                proxies.add(trunk, host, known.addresses.get(host, none))
        self._hosts, self.behind, self.proxies = hosts, behind, proxies
        self.known = known

    def identify(self, host: str, transport: str = "udp", port: int | None = None) -> Trunk | None:
        """The trunk this source belongs to, or None.

        Where several trunks have the host, the one with the source's own port and transport is
        taken, then one with its transport, then the first. A host goes before a network.
        """
        found = self._hosts.find(host)
        if len(found) <= 1:
            return found[0] if found else None
        return max(found, key=lambda it: (it.transport == transport) * (1 + (it.port == port)))

    def names_at(self, host: str) -> set[str]:
        """The names of all trunks that may send from a host, through proxies too."""
        tables = (self._hosts, self.behind, self.proxies)
        return {trunk.name for table in tables for trunk in table.all(host)}

    def flow(self, trunk: Trunk) -> Flow:
        """The way to a trunk."""
        return Flow(trunk.transport, trunk.host, trunk.port, trunk.listener)


def _hosts(trunk: Trunk) -> tuple[str, ...]:
    proxies = () if trunk.behind is None else trunk.behind.proxies
    return (trunk.host, *trunk.sources, *proxies)
