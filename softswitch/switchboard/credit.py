"""Credit of capped campaigns: calls take it from memory, one task keeps the database informed.

`take` answers at once from the node's `CapLedger`. Whatever it does is noted in the spending
journal before the call goes on, so that the next process of this node knows after a crash what was
used. The task reports soon after something happened, and every second what time has brought; with
the database away the credit held is used as long as its lease lasts, then calls count as over their
cap. Knows neither SQL nor files.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from config.model import Campaign, Cap, Configuration
from softswitch.campaign.caps import CapExceeded, CountKey, Need, Report, needs
from softswitch.campaign.ledger import Block, CapLedger
from softswitch.switchboard.credit_foresight import foreseen
from softswitch.switchboard.credit_protocols import CreditStore, SpendingJournal

logger = logging.getLogger(__name__)

__all__ = ["CapExceeded", "Credit", "CreditDesk"]

TICK_SECONDS = 1.0
"""How often is looked at what only time brings: leases to renew, periods that begin."""

AWAY_SECONDS = 0.05
"""Pause after a report that was not heard, and between looks at what is awaited."""

MAX_REPORTS = 500
"""Counts in one transaction; they are locked together."""

CLOSE_SECONDS = 6.0
"""How long a stopping node tries to give its credit back."""

SET_UP_SECONDS = 900.0
"""How long a call may hold credit beyond the longest call, which is counted from its answer:
destinations that ring one after the other, clearing at the end."""

AWAY = "database away"
FULL = "too many counts"
UNWRITTEN = "the journal cannot be written"

NONE = Decimal(0)
ONE = Decimal(1)


class Holding:
    """Units of one count that a call holds, once however many legs ring for it."""

    __slots__ = ("credits", "need")

    def __init__(self, need: Need) -> None:
        self.need = need
        self.credits = 1
        """Credits that share it; 0: it is settled."""


class Credit:
    """A call's place under every cap of one campaign that it counts for."""

    __slots__ = ("_desk", "_open", "call_id", "campaign", "holdings")

    def __init__(
        self, desk: CreditDesk, call_id: str, campaign: str, holdings: tuple[Holding, ...]
    ) -> None:
        self._desk = desk
        self._open = True
        self.call_id = call_id
        self.campaign = campaign
        self.holdings = holdings

    def give_back(self) -> None:
        """The leg did not come about; twice is once."""
        if self._open:
            self._open = False
            self._desk.release(self)

    def keep(
        self, *, connected: bool, converted: Callable[[Cap], bool], amount: Decimal = NONE
    ) -> None:
        """The call has ended: count what its caps count, give back the rest."""

        def kept(cap: Cap) -> Decimal:
            if cap.kind == "budget":
                return amount
            counts = connected if cap.counts == "connection" else converted(cap)
            return ONE if counts else NONE

        if self._open:
            self._open = False
            self._desk.release(self, kept)


class CreditDesk:
    """Gives credit from what the node holds; never waits."""

    def __init__(
        self,
        store: CreditStore,
        journal: SpendingJournal,
        configuration: Configuration,
        *,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """To be made before the database is started; nothing is held until `start`."""
        self.ledger = CapLedger()
        self.heard = False
        """Whether the last report was answered."""
        self._store = store
        self._journal = journal
        self._now = now
        self._wall_clock = wall_clock
        self._offset: float | None = None
        """The database's clock less our monotonic one."""
        self._credits: dict[str, list[Credit]] = {}
        self._settled_dead = False
        self._wake = asyncio.Event()
        self._first = asyncio.Event()
        """Set when the database was asked for everything that the configuration names."""
        self._task: asyncio.Task[None] | None = None
        self._configuration = configuration
        store.on_up(self._wake.set)
        store.on_wanted(self._lend)
        store.on_freed(self._freed)

    @property
    def at(self) -> float:
        """UTC by the database's clock, as far as it was ever heard."""
        return self._wall_clock() if self._offset is None else self._now() + self._offset

    def use(self, configuration: Configuration) -> None:
        """Calls that come in from now on have this configuration; ask for its first credit."""
        self._configuration = configuration
        self._foresee(configuration)
        self._wake.set()

    async def prepare(self, configuration: Configuration, *, within: float) -> bool:
        """Have the first credit of a configuration that is not in force yet; False: it is late."""
        if self._task is None or not self._store.up:
            return False
        began, blocks = self._now(), self._foresee(configuration)
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while any(one.awaits(began, alone=self.ledger.alone) for one in blocks):  # noqa: ASYNC110
                    await asyncio.sleep(AWAY_SECONDS)
                return True
        return False

    def start(self) -> None:
        """Begin to keep credit."""
        self.use(self._configuration)
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="credit")

    async def loaded(self, *, within: float) -> bool:
        """Wait for the first credit, so that the first calls find it; False: it did not come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._first.wait()
        return self._first.is_set()

    async def close(self) -> None:
        """Give back what is held; to be called when the calls have ended, before the database is
        closed."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for _ in range(2):
                    reports = self.ledger.close(self._now())
                    for first in range(0, len(reports), MAX_REPORTS):
                        await self._sync(reports[first : first + MAX_REPORTS])

    # Calls.

    def presented(self, campaign: Campaign, publisher: str | None) -> None:
        """A call came in that may need credit soon: see that there is some."""
        if campaign.caps:
            self.ledger.expect(self._needs(campaign, publisher, None), self._now())
            self._stir()

    def take(
        self,
        campaign: Campaign,
        *,
        publisher: str | None,
        destination: str | None,
        call_id: str = "",
        beside: Credit | None = None,
        budgets_only: bool = False,
    ) -> Credit | CapExceeded:
        """Credit for one outbound leg, or the cap that it would exceed.

        `beside` is the call's credit for a leg that rings at the same time: what both count for is
        taken once. With `budgets_only`, for a call that earned something without such a leg.
        """
        wanted = self._needs(campaign, publisher, destination)
        if budgets_only:
            wanted = tuple(need for need in wanted if need.cap.kind == "budget")
        shared = [] if beside is None else _shared(beside, wanted)
        known = {holding.need.key for holding in shared}
        fresh = tuple(need for need in wanted if need.key not in known)
        exceeded = self._take(fresh) if fresh else None
        if exceeded is not None:
            return exceeded
        for holding in shared:
            holding.credits += 1
        holdings = (*shared, *map(Holding, fresh))
        credit = Credit(self, call_id, campaign.name, holdings)
        if holdings:
            self._credits.setdefault(call_id, []).append(credit)
        return credit

    def _take(self, fresh: tuple[Need, ...]) -> CapExceeded | None:
        lacking = self.ledger.take(fresh, self._now())
        self._stir()
        if lacking is not None:
            return self._exceeded(lacking)
        if not self._noted(fresh):
            for need in fresh:
                self.ledger.settle(need, NONE)
            return self._exceeded(fresh[0], UNWRITTEN)
        return None

    def holds(self, call_id: str, campaign: str) -> bool:
        """Whether a call has credit of a campaign."""
        return any(one.campaign == campaign for one in self._credits.get(call_id, ()))

    def settle(
        self,
        call_id: str,
        *,
        connected: bool,
        converted: Callable[[str, Cap], bool],
        amounts: Mapping[str, Decimal],
    ) -> None:
        """A call has ended: settle all credit it still holds. `converted` is asked with the name of
        the campaign; `amounts` is what the call earned, by campaign."""
        for credit in tuple(self._credits.get(call_id, ())):
            name = credit.campaign
            credit.keep(
                connected=connected,
                converted=lambda cap, name=name: converted(name, cap),  # type: ignore[misc]
                amount=amounts.get(name, NONE),
            )

    def release(self, credit: Credit, kept: Callable[[Cap], Decimal] | None = None) -> None:
        """End a credit; for `Credit` alone. Without `kept` what it shares stays with the others."""
        held = self._credits.get(credit.call_id)
        if held is not None:
            held.remove(credit)
            if not held:
                del self._credits[credit.call_id]
        ended = []
        for holding in credit.holdings:
            if holding.credits > 0:
                holding.credits = 0 if kept is not None else holding.credits - 1
                if holding.credits == 0:
                    need = holding.need
                    self.ledger.settle(need, NONE if kept is None else kept(need.cap))
                    ended.append(need)
        self._noted(ended)
        self._stir()

    def _needs(
        self, campaign: Campaign, publisher: str | None, destination: str | None
    ) -> tuple[Need, ...]:
        if not campaign.caps:
            return ()
        return tuple(
            needs(
                campaign,
                publisher=publisher,
                destination=destination,
                at=self.at,
                longest=self._longest(campaign),
            )
        )

    def _longest(self, campaign: Campaign) -> float:
        longest = self._configuration.switch.max_call_seconds
        if campaign.max_call_seconds is not None:
            longest = min(longest, campaign.max_call_seconds)
        return longest + SET_UP_SECONDS

    def _exceeded(self, need: Need, why: str | None = None) -> CapExceeded:
        if why is None:
            block = self.ledger.blocks.get(need.key)
            why = FULL if block is None else "" if self.heard and self._store.up else AWAY
        key = need.key
        return CapExceeded(
            key.cap,
            key.campaign,
            key.scope or key.campaign,
            f"{need.cap.limit:f}",
            need.cap.over,
            why,
        )

    def _noted(self, changed: Sequence[Need]) -> bool:
        """Write what was taken of counts that last; False when that cannot be."""
        try:
            for need in changed:
                block = self.ledger.blocks.get(need.key)
                if need.lasting and block is not None:
                    self._journal.note(need.key, block.total)
        except OSError as error:
            logger.error("the journal of credit cannot be written: %s", error)
            return False
        return True

    def _foresee(self, configuration: Configuration) -> list[Block]:
        """Have some credit of each publisher and destination that the configuration names."""
        now = self._now()
        needed = (need for scope in foreseen(configuration) for need in self._needs(*scope))
        found = (self.ledger.block(need, now) for need in needed)
        return [block for block in found if block is not None]

    # The task.

    def _stir(self) -> None:
        if self.ledger.stirred:
            self._wake.set()

    def _lend(self, key: CountKey) -> None:
        self.ledger.lend(key, self._now())
        self._stir()

    def _freed(self, key: CountKey) -> None:
        self.ledger.freed(key)
        self._stir()

    async def _keep(self) -> None:
        scanned = float("-inf")
        while True:
            self._wake.clear()
            scan = self._now() - scanned >= TICK_SECONDS
            scanned = self._now() if scan else scanned
            if not await self._report(scan=scan):
                await asyncio.sleep(AWAY_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()

    async def _report(self, *, scan: bool) -> bool:
        """Tell the database what there is to tell; False: it is away."""
        if not await self._ready():
            return False
        while True:
            reports = self.ledger.reports(self._now(), self.at, most=MAX_REPORTS, scan=scan)
            if reports and not await self._sync(reports):
                return False
            if len(reports) < MAX_REPORTS:
                self._first.set()
                return True

    async def _ready(self) -> bool:
        """Once: settle what earlier processes left, and begin our own journal."""
        if self._settled_dead:
            return True
        if not self._store.process or not await self._store.take_over(self._journal.spent):
            return False
        try:
            self._journal.begin(self._store.process, self.ledger.blocks)
        except OSError as error:
            logger.error("the journal of credit cannot be written: %s", error)
            return False
        self._settled_dead = True
        return True

    async def _sync(self, reports: Sequence[Report]) -> bool:
        sent = self._now()
        synced = await self._store.sync(reports)
        now = self._now()
        self.heard = synced is not None
        if synced is None:
            return False
        # The answer is at most as old as the question: a clock that is behind, never ahead.
        self._offset = synced.at - now
        self.ledger.nodes = synced.nodes
        for report in reports:
            self.ledger.answered(report, synced.grants[report.key], sent=sent, now=now)
        return True


def _shared(beside: Credit, wanted: Sequence[Need]) -> list[Holding]:
    """What a credit holds already of what another leg of its call needs."""
    keys = {need.key for need in wanted}
    return [one for one in beside.holdings if one.credits > 0 and one.need.key in keys]
