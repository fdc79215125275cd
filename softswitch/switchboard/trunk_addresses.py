"""Keeps whom trunks are known by: the addresses of their names and of the servers behind these,
asked again when the answers are too old, so that a carrier may move while the switch runs.

What the name service does not answer stays as it was last; what it says is gone, is gone. Knows no
SIP, and asks for no servers: that is `trunk_servers`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from config.model import Configuration
from softswitch.routing.trunks import Known, names_to_resolve
from softswitch.sip.addresses import ip_address
from softswitch.sip.servers import Server
from softswitch.transport.resolver import NameNotResolved, NameUnknown, Resolver

__all__ = ["TrunkAddresses"]

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often names are looked at: the shortest time that an answer holds. Who asks is the resolver,
when one holds no longer."""

MAX_AT_ONCE = 16
"""Questions under way together: a configuration may have thousands of names."""

MAX_NAMED = 5
"""Trunks of one name that a line of the log tells."""

Servers = Mapping[tuple[str, str], tuple[Server, ...]]


class TrunkAddresses:
    """Follows the configuration; owns the task that looks again."""

    def __init__(
        self, resolver: Resolver, servers: Servers, on_changed: Callable[[Known], None]
    ) -> None:
        """`servers` has what stands behind names, by name and transport; `on_changed` is told what
        differs from what `find` gave last."""
        self._resolver = resolver
        self._servers = servers
        self._on_changed = on_changed
        self._configuration: Configuration | None = None
        self._addresses: dict[str, frozenset[str]] = {}
        """Of names, as they were found last."""
        self._told = Known()
        self._silent: set[str] = set()
        """Names that a warning was written of."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def find(self, configuration: Configuration) -> Known:
        """What the names of a configuration stand for."""
        servers = {
            trunk.service: self._servers.get(trunk.service, ())
            for trunk in configuration.trunks.values()
            if trunk.by_name
        }
        targets = {server.host for found in servers.values() for server in found}
        names = names_to_resolve(configuration)
        named = names | {host for host in targets if ip_address(host) is None}
        found = await self._resolve(named, partial(_trunks_of, configuration, self._servers))
        return Known(
            {name: found[name] for name in names},
            {
                key: frozenset().union(
                    # A target may be written as an address.
                    *(found.get(server.host, {server.host}) for server in behind)
                )
                for key, behind in servers.items()
            },
        )

    async def _resolve(
        self, names: Iterable[str], whose: Callable[[str], str]
    ) -> dict[str, frozenset[str]]:
        gate = asyncio.Semaphore(MAX_AT_ONCE)

        async def one(name: str) -> tuple[str, frozenset[str]]:
            async with gate:
                return name, await self._resolve_one(name, whose)

        return dict(await asyncio.gather(*map(one, names)))

    async def _resolve_one(self, name: str, whose: Callable[[str], str]) -> frozenset[str]:
        """What a name stands for, or did when its name service spoke last."""
        try:
            found = frozenset(await self._resolver.resolve(name))
            self._silent.discard(name)
        except NameNotResolved as error:
            gone = isinstance(error, NameUnknown)
            found = frozenset() if gone else self._addresses.get(name, frozenset())
            if name not in self._silent:
                self._silent.add(name)
                meanwhile = "what was known holds on" if found else "its calls are not known"
                logger.warning("%s: %s; %s", whose(name), error, meanwhile)
        self._addresses[name] = found
        return found

    # Following.

    def use(self, configuration: Configuration, told: Known) -> None:
        """Look again for these trunks from now on; `told` is what they are known by already."""
        self._configuration, self._told = configuration, told
        if self._task is None:
            self._task = asyncio.create_task(self._look_again(), name="addresses of trunks")

    def look_soon(self) -> None:
        """Something is known that was not."""
        self._wake.set()

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _look_again(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._look()

    async def _look(self) -> None:
        """Look once, and tell what is different; another configuration may come meanwhile."""
        configuration = self._configuration
        if configuration is None:
            return
        known = await self.find(configuration)
        if configuration is self._configuration and known != self._told:
            self._told = known
            self._on_changed(known)
            self._forget(configuration)

    def _forget(self, configuration: Configuration) -> None:
        """Names that no trunk has any more."""
        used = set(names_to_resolve(configuration))
        used |= {server.host for found in self._servers.values() for server in found}
        for name in self._addresses.keys() - used:
            del self._addresses[name]
        self._silent &= used


def _trunks_of(configuration: Configuration, servers: Servers, name: str) -> str:
    """Whose a name is, for people: `trunk "a"`."""
    whose = []
    for trunk in configuration.trunks.values():
        behind = () if trunk.behind is None else trunk.behind.proxies
        targets = servers.get(trunk.service, ()) if trunk.by_name else ()
        if name in (trunk.host, *trunk.sources, *behind, *(one.host for one in targets)):
            whose.append(f'"{trunk.name}"')
    more = "" if len(whose) <= MAX_NAMED else f" and {len(whose) - MAX_NAMED} more"
    word = "trunks" if len(whose) > 1 else "trunk"
    return f"{word} {', '.join(whose[:MAX_NAMED])}{more}"
