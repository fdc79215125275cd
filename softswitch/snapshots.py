"""Makes of a configuration what the switchboard takes calls with: names of trunks are resolved,
tables are built beside the loop. Part of the composition root."""

from __future__ import annotations

import asyncio
import logging

from config.model import Configuration
from ringpool.activated import ActivatedNumbers
from ringpool.live import LiveBindings
from ringpool.lookup import NumberTable
from softswitch.routing.trunks import TrunkTable, names_to_resolve
from softswitch.switchboard.switchboard import Snapshot
from softswitch.transport import NameNotResolved, Resolver

logger = logging.getLogger(__name__)

__all__ = ["SnapshotMaker"]


class SnapshotMaker:
    """One for the process."""

    def __init__(self, resolver: Resolver, live: LiveBindings, activated: ActivatedNumbers) -> None:
        self._resolver = resolver
        self._live = live
        self._activated = activated
        self._addresses: dict[str, frozenset[str]] = {}
        """Of names of trunks, as they were found last."""

    async def make(self, configuration: Configuration) -> Snapshot:
        """The snapshot of a configuration; a trunk whose name is unknown just has no calls."""
        names = names_to_resolve(configuration)
        found = dict(await asyncio.gather(*map(self._resolve, names)))
        self._addresses = {name: found[name] or self._addresses.get(name, found[name])
                           for name in names}  # fmt: skip
        return await asyncio.to_thread(self._build, configuration)

    async def _resolve(self, name: str) -> tuple[str, frozenset[str]]:
        try:
            return name, frozenset(await self._resolver.resolve(name))
        except NameNotResolved:
            logger.warning("trunk host %s cannot be resolved: its calls are not known", name)
            return name, frozenset()

    def _build(self, configuration: Configuration) -> Snapshot:
        snapshot = Snapshot(
            configuration,
            NumberTable(configuration, self._live, self._activated),
            TrunkTable(configuration, addresses=self._addresses),
        )
        # Both are made when they are first asked for: not by a call.
        snapshot.tables  # noqa: B018
        snapshot.passed_names  # noqa: B018
        return snapshot
