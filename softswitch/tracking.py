"""Call tracking of one switch: the database, and all that is kept there for calls, in memory.

Part of the composition root: builds what the switchboard and the treatments are given, starts it
before calls come and closes it behind them. A database that is away stops nobody; with `database:
off` there is none, and what needs one does without.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from config.model import Campaign, Configuration
from ivr.lookups import LookupClient
from ivr.services import NodeServices
from ringpool.live import LiveBindings
from ringpool.plans import PoolPlans
from ringpool.protocols import StoreAway
from ringpool.rules import holdings_of
from ringpool.service import PoolService
from softswitch.call.events import CallEvent, CallRecorded, PoolExhausted
from softswitch.call.stream import EventStream
from softswitch.campaign.fraud import FraudList
from softswitch.store.answers import AnswerStore
from softswitch.store.bindings import PostgresBindings
from softswitch.store.caller_ids import CallerIdStore
from softswitch.store.calls import CallWriter
from softswitch.store.calls_history import MemoryHistory, longest_period
from softswitch.store.calls_news import HistoryKeeper
from softswitch.store.credit import CreditStore
from softswitch.store.fraud import FraudStore
from softswitch.store.pause_file import PauseFile
from softswitch.store.postgres.database import FIRST_TRY_SECONDS, Database
from softswitch.store.postgres.errors import DatabaseAway
from softswitch.store.spending import SpendingFile
from softswitch.switchboard.credit import CreditDesk
from softswitch.switchboard.heeding import Heeding
from softswitch.switchboard.means import Means
from softswitch.switchboard.money import Money

logger = logging.getLogger(__name__)

__all__ = ["Tracking"]

OFF = "off"

CREDIT_SECONDS = 5.0
"""How long another configuration waits for the first credit of its caps."""

LOADED_SECONDS = 30.0
"""How long the first call waits for the bindings of pools, with the database up."""


class Tracking:
    """Everything that calls are attributed, counted and paid by."""

    def __init__(
        self, configuration: Configuration, events: EventStream, *, now: Callable[[], float]
    ) -> None:
        """Raises DatabaseUnusable, OSError, ValueError."""
        self.configuration = configuration
        self.events = events
        self.live = LiveBindings(_cooldowns(configuration))
        self.history = MemoryHistory(longest_period(configuration))
        self.fraud = FraudList()
        self.lookups = LookupClient(now=now, wall_clock=time.time)
        self.paused = PauseFile(configuration.switch.data)
        self.nodes = NodeServices(fraud=self.fraud, lookups=self.lookups, pauses=self.paused.pauses)
        self.database: Database | None = None
        self.pools: PoolService | None = None
        self.credit: CreditDesk | None = None
        self._bans: FraudStore | None = None
        self._keeper: HistoryKeeper | None = None
        self._means: Means | None = None
        self._plans = PoolPlans({}, "", {})
        """Of the configuration that is in force next."""
        self._resources = AsyncExitStack()
        self._resources.push_async_callback(self.lookups.close)
        if configuration.switch.database != OFF:
            self._build(configuration.switch.data)
        else:
            self.nodes.caller_ids = CallerIdStore(None, time.time)
        self.heeding = Heeding(events)
        self.money: Money | None = None
        self._use_money(configuration)

    def _build(self, folder: Path) -> None:
        configuration = self.configuration
        self.database = database = Database(configuration.switch.database, folder)
        bindings = PostgresBindings(database, holdings_of(configuration), self.live)
        self.pools = PoolService(configuration, bindings, on_exhausted=self._on_exhausted)
        spending = SpendingFile(folder)
        self._resources.callback(spending.close)
        self.credit = CreditDesk(CreditStore(database), spending, configuration)
        self.nodes.credit = self.credit
        self._answers = self.nodes.answers = AnswerStore(database, time.time)
        self._caller_ids = self.nodes.caller_ids = CallerIdStore(database, time.time)
        self._bans = FraudStore(database, self.fraud)
        self._keeper = HistoryKeeper(self.history, database, self.events)
        self._bindings = bindings
        self._writer = CallWriter(database, folder / "records.jsonl")

    async def start(self) -> None:
        """Have the database up, if it is there, before calls come; raises DatabaseUnusable."""
        if self.database is None or self.pools is None or self.credit is None or self._bans is None:
            return
        self._resources.push_async_callback(self.database.close)
        await self.database.start(
            wait=FIRST_TRY_SECONDS if needs_database(self.configuration) else 0.0
        )
        self._resources.push_async_callback(self._bindings.close)
        if self.configuration.pools and self.database.up:
            try:
                await self._bindings.loaded(within=LOADED_SECONDS)
            except StoreAway as away:
                logger.warning("calls to pooled numbers are not attributed yet: %s", away)
        self.pools.start()
        self._resources.push_async_callback(self.pools.close)
        self.credit.start()
        self._resources.push_async_callback(self.credit.close)
        if self.database.up and not await self.credit.loaded(within=LOADED_SECONDS):
            logger.warning("calls of capped campaigns have no credit yet")
        self._resources.push_async_callback(self._answers.close)
        self._resources.push_async_callback(self._caller_ids.close)
        self._bans.start()
        self._resources.push_async_callback(self._bans.close)
        self._writer.start()
        self._resources.push_async_callback(self._writer.close)
        self.events.subscribe(self._receive, kinds=(CallRecorded,))

    def means(self) -> Means:
        """What the switchboard is given."""
        self._means = Means(
            nodes=self.nodes,
            history=self.history,
            money=self.money,
            heeding=self.heeding,
            count_call=self._count_call,
        )
        return self._means

    def _use_money(self, configuration: Configuration) -> None:
        """Rate, pay and count calls once a campaign wants that."""
        if self.money is None and any(map(has_money, configuration.campaigns.values())):
            self.money = Money(self.events, credit=self.credit, fraud=self.fraud, bans=self._bans)
            if self._means is not None:
                self._means.money = self.money

    # Another configuration.

    async def take_over(self, configuration: Configuration) -> None:
        """Have the database ready for what is in force next: its numbers, earlier calls as far
        back as it asks. A database that is away gets them when it is back."""
        self._plans = await asyncio.to_thread(PoolPlans.of, configuration)
        if self._keeper is None:
            return
        holdings = await asyncio.to_thread(holdings_of, configuration)
        if self.credit is not None:
            await self.credit.prepare(configuration, within=CREDIT_SECONDS)
        try:
            await self._keeper.ask_back(longest_period(configuration))
            await self._bindings.take_over(holdings, within=LOADED_SECONDS)
        except (DatabaseAway, StoreAway) as away:
            logger.warning("the database has not taken over the configuration yet: %s", away)

    def use(self, configuration: Configuration) -> None:
        """It is in force from now on."""
        self.configuration = configuration
        self.live.cooldowns = _cooldowns(configuration)
        self._use_money(configuration)
        if self.pools is not None:
            self.pools.use(self._plans)
        if self.credit is not None:
            self.credit.use(configuration)

    def queues(self) -> dict[str, int]:
        """What waits for the database."""
        if self.database is None or self.pools is None:
            return {}
        return {"database_bytes": self._writer.behind, "pool_counts": self.pools.counts_waiting}

    def _count_call(self, pool: str, number: str, binding: str | None, at: float) -> None:
        if self.pools is not None:
            self.pools.called(pool, number, binding, at=at)

    async def close(self) -> None:
        """Write what is to be written, and let go of everything."""
        await self._resources.aclose()

    def _receive(self, _record: CallEvent) -> None:
        self._writer.wake()

    def _on_exhausted(self, pool: str, overflow: str | None) -> None:
        logger.warning("pool %s has run out: its overflow number is %s", pool, overflow or "none")
        self.events.tell(
            PoolExhausted,
            at=time.time(),
            clock=time.monotonic(),
            pool=pool,
            overflow=overflow,
        )


def _cooldowns(configuration: Configuration) -> dict[str, float]:
    return {pool.name: pool.cooldown_seconds for pool in configuration.pools.values()}


def has_money(campaign: Campaign) -> bool:
    """Whether a call of the campaign is rated, paid, counted or judged, or asks about its end."""
    return bool(
        campaign.rating
        or campaign.payout
        or campaign.conversion
        or campaign.caps
        or campaign.fraud
        or campaign.sms
    )


def needs_database(configuration: Configuration) -> bool:
    """Whether the first calls would miss what stands in the database: bindings, credit, history."""
    return (
        bool(configuration.pools)
        or any(campaign.caps or campaign.fraud for campaign in configuration.campaigns.values())
        or longest_period(configuration) > 0
    )
