"""Keeps what stands behind the names of trunks: looked up ahead of calls, again when it is too old,
kept while the name service is away.

No call waits for a look-up: a trunk whose servers are not known yet is called by its name alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from config.model import Configuration
from softswitch.call.services import Services
from softswitch.sip.servers import Server
from softswitch.transport.names import NoAnswer

if TYPE_CHECKING:
    from softswitch.transport.directory import Directory

__all__ = ["TrunkServers"]

logger = logging.getLogger(__name__)

SHORTEST_SECONDS = 30.0
LONGEST_SECONDS = 3600.0
"""Between these an answer holds, whatever it says: a second would be a flood, a day too long after
a carrier has moved."""
LONGEST_NEGATIVE_SECONDS = 300.0
"""The same for an answer that there are none: a carrier may have some soon."""
RETRY_SECONDS = 10.0
"""After a question without an answer."""


class TrunkServers:
    """Follows the configuration; owns a task a name."""

    def __init__(
        self,
        services: Services,
        make_directory: Callable[[], Directory],
        transports: Collection[str] = ("udp", "tcp"),
    ) -> None:
        """`transports` are those that the switch can call by."""
        self._services = services
        self._transports = transports
        self._make_directory = make_directory
        self._directory: Directory | None = None
        """Made when the first name is to be looked up: most switches have none."""
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.on_looked: Callable[[str, str], None] = lambda name, transport: None
        """Told of each look-up that is over, with or without an answer."""

    async def prepare(self, configuration: Configuration) -> None:
        """Nothing has to be ready: calls go by the name alone meanwhile."""

    def use(self, configuration: Configuration) -> None:
        """Look up the names of these trunks from now on."""
        wanted = {trunk.service for trunk in configuration.trunks.values() if trunk.by_name}
        for key in set(self._tasks) - wanted:
            self._tasks.pop(key).cancel()
            self._services.servers.pop(key, None)
        for key in wanted - set(self._tasks):
            task = asyncio.create_task(self._keep(*key), name=f"servers of {key[0]}")
            self._tasks[key] = task

    async def close(self) -> None:
        """Look up nothing more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, name: str, transport: str) -> None:
        while True:
            seconds = await self._look_up(name, transport)
            self.on_looked(name, transport)
            await asyncio.sleep(seconds)

    async def _look_up(self, name: str, transport: str) -> float:
        """Look once; how long until the next time."""
        if self._directory is None:
            self._directory = self._make_directory()
        try:
            if transport:
                found = await self._directory.find(name, transport)
            else:
                found = await self._directory.find_any(name, self._transports)
        except NoAnswer as error:
            logger.warning("servers of %s: %s; what was known holds on", name, error)
            return RETRY_SECONDS
        self._services.servers[name, transport] = tuple(
            Server(one.host, one.port, one.priority, one.weight, one.transport)
            for one in found.records
        )
        longest = LONGEST_SECONDS if found.records else LONGEST_NEGATIVE_SECONDS
        holds = min(max(found.seconds, SHORTEST_SECONDS), longest)
        return holds * random.uniform(0.9, 1.0)
