"""Makes of a configuration what the switchboard takes calls with: names of trunks are resolved,
tables are built beside the loop. Part of the composition root."""

from __future__ import annotations

import asyncio

from config.model import Configuration
from ringpool.activated import ActivatedNumbers
from ringpool.live import LiveBindings
from ringpool.lookup import NumberTable
from softswitch.routing.trunks import Known, TrunkTable
from softswitch.switchboard.switchboard import Snapshot
from softswitch.switchboard.trunk_addresses import TrunkAddresses

__all__ = ["SnapshotMaker"]


class SnapshotMaker:
    """One for the process."""

    def __init__(
        self, addresses: TrunkAddresses, live: LiveBindings, activated: ActivatedNumbers
    ) -> None:
        self._addresses = addresses
        self._live = live
        self._activated = activated

    async def make(self, configuration: Configuration) -> Snapshot:
        """The snapshot of a configuration; a trunk whose name is unknown just has no calls."""
        known = await self._addresses.find(configuration)
        return await asyncio.to_thread(self._build, configuration, known)

    def _build(self, configuration: Configuration, known: Known) -> Snapshot:
        snapshot = Snapshot(
            configuration,
            NumberTable(configuration, self._live, self._activated),
            TrunkTable(configuration, known),
        )
        # Both are made when they are first asked for: not by a call.
        snapshot.tables  # noqa: B018
        snapshot.passed_fields  # noqa: B018
        return snapshot
