"""Credit desks on a real database, as the composition root builds them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from config.model import (
    Campaign,
    Cap,
    Configuration,
    Constant,
    Expression,
    Payout,
    PriceRule,
    Switch,
)
from softswitch.store.credit import CreditStore
from softswitch.store.postgres.database import Database
from softswitch.store.spending import SpendingFile
from softswitch.switchboard.credit import CapExceeded, Credit, CreditDesk

FIVE = Expression("5.00", Constant(Decimal("5.00"), "number"))
PAYOUT = Payout("USD", (PriceRule("base-1", None, FIVE),))


def capped(*caps: Cap, name: str = "sale") -> Campaign:
    """A campaign with caps, whose calls earn 5.00."""
    return Campaign(name, "t", payout=PAYOUT, caps=caps)


def configuration_of(*campaigns: Campaign) -> Configuration:
    """A configuration of campaigns alone."""
    by_name = {campaign.name: campaign for campaign in campaigns}
    return Configuration(Switch(), {}, (), {}, by_name, {})


class DeskNode:
    """A node that has a credit desk and nothing else."""

    def __init__(self, dsn: str, folder: Path, *campaigns: Campaign) -> None:
        self.campaign = campaigns[0]
        self.database = Database(dsn, folder)
        self.journal = SpendingFile(folder)
        self.desk = CreditDesk(
            CreditStore(self.database), self.journal, configuration_of(*campaigns)
        )

    async def start(self) -> DeskNode:
        await self.database.start()
        self.desk.start()
        return self

    async def close(self) -> None:
        await self.desk.close()
        await self.database.close()
        self.journal.close()

    async def die(self) -> None:
        """What kill -9 leaves: nothing is given back, nobody is told."""
        task = self.desk._task
        assert task is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.desk._task = None
        keeper = self.database._keeper
        self.database._joins = False  # no good-bye
        await self.database.close()
        assert keeper is not None
        self.journal.close()

    def take(self, call_id: str = "call", destination: str | None = None) -> Credit | CapExceeded:
        return self.desk.take(
            self.campaign, publisher=None, destination=destination, call_id=call_id
        )

    async def taken(self) -> list[Credit]:
        """Every credit there is to be had by calls that come one after the other."""
        credits: list[Credit] = []
        refused = 0.0
        while not refused or time.monotonic() - refused < 1.5:
            self.desk.presented(self.campaign, None)
            credit = self.take(f"call {len(credits)}")
            if isinstance(credit, Credit):
                credits.append(credit)
                refused = 0.0
            else:
                refused = refused or time.monotonic()
            await asyncio.sleep(0.002)
        return credits

    @property
    def free(self) -> Decimal:
        return sum((block.free for block in self.desk.ledger.blocks.values()), Decimal(0))


async def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    """Wait for something another task does."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)
