"""Signatures of callers: reads the files of the section stir when the switch starts and when its
configuration is reloaded. Part of the composition root."""

from __future__ import annotations

import asyncio
import logging

from config.model import Configuration
from softswitch.call.services import Services
from softswitch.control.reloading import ConfigurationRefused
from softswitch.stir.errors import StirUnusable
from softswitch.stir.ready import Ready, made_ready
from softswitch.stir.replays import Replays
from softswitch.switchboard.switchboard import Switchboard
from softswitch.switchboard.vouching import Vouching
from softswitch.transport.certificate_fetch import CertificateFetcher

__all__ = ["Signatures"]

logger = logging.getLogger(__name__)


class Signatures:
    """One for the process; follows reloads."""

    def __init__(self, services: Services, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._replays = Replays()
        self._ready: Ready | None = None
        self._fetcher = CertificateFetcher(services.loop, services.wall_clock)
        self.vouching = Vouching(services, self._is_live, self._fetcher)
        services.vouching = switchboard.means.vouching = self.vouching

    async def open(self, configuration: Configuration) -> None:
        """Read what calls are verified and signed with; raises StirUnusable."""
        self.vouching.use(await asyncio.to_thread(made_ready, configuration, self._replays))

    async def close(self) -> None:
        """Fetch no certificates any more."""
        await self._fetcher.close()

    async def prepare(self, configuration: Configuration) -> None:
        """Read it as it is now; raises ConfigurationRefused."""
        try:
            self._ready = await asyncio.to_thread(made_ready, configuration, self._replays)
        except StirUnusable as error:
            raise ConfigurationRefused.because(str(error)) from None

    def use(self, _configuration: Configuration) -> None:
        """Verify and sign with what was read."""
        if self._ready is not None:
            self.vouching.use(self._ready)
            self._ready = None

    def _is_live(self, number: str) -> bool:
        board = self._switchboard
        return board.snapshot.numbers.find(number, at=board.services.wall_clock()) is not None
