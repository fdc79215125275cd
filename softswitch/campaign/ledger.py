"""A node's own book of the credit it holds: taken and settled in memory, reported behind.

A `Block` is the node's lease of one count in one period. `take` never waits: units that are free
are taken, or the call is over the cap. `reports` says what the database should hear of now: what
was counted, what is given back, what is wanted on top, and that the node is alive; `answered`
takes in what it said. Credit may be used until the lease ends by the node's own monotonic clock,
counted from the moment before the report was sent, less a margin.

How much a node wants to have free (`Block.desired`): when it is alone, enough for any burst; when
it shares the count with others, twice what its calls took in a busy second, and a little when it is
idle, because what a silent node holds is lost to the others (see `softswitch.campaign.caps`). What
is beyond is given back; more when others are in need (`lend`).

Knows no database, no task and no calls. `now` is the monotonic clock in seconds, `at` is UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from softswitch.campaign.caps import CountKey, Grant, Lease, Need, Report, following

__all__ = ["LEASE_SECONDS", "MARGIN_SECONDS", "MAX_BLOCKS", "Block", "CapLedger"]

LEASE_SECONDS = 300.0
"""How long credit may be used when nobody can be told: outages of a few minutes pass unnoticed."""

MARGIN_SECONDS = 15.0
"""How much earlier a node stops than the database counts: clocks that run unequally, a process that
was stopped between looking at the clock and the INVITE."""

RENEW_SECONDS = 30.0
"""How often a lease is renewed while nothing else is to be told."""

COUNT_SECONDS = 1.0
"""How long what was counted may wait for company."""

RETRY_SECONDS = 0.5
"""How long to wait when no credit was left before asking again: a cap that is reached would be
asked for with every call."""

AGAIN_SECONDS = 0.05
"""The same when there is some left, but not all for one node."""

AHEAD_SECONDS = 60.0
"""How long before a period begins its first credit is asked for."""

ACTIVE_SECONDS = 10.0
"""How long after its last call a count is not idle."""

EXPECTED_SECONDS = 60.0
"""How long calls that were presented are expected to take their credit; many never do."""

LENDING_SECONDS = 2.0
"""How long after another node was in need this one asks only for what its calls need."""

ALONE_UNITS = 32
SHARED_UNITS = 8
IDLE_UNITS = 2
"""Units that a node wants free: alone, with others, and with others while no calls come."""

SCANNED = 2000
"""Blocks looked at in one turn beside those that something happened to: a few ms."""

MAX_BLOCKS = 100_000
"""Counts a node knows at once: publishers and destinations come from the configuration, so only a
configuration that is larger than this gets there. Calls beyond it count as over their cap."""

NONE = Decimal(0)
LONG_AGO = float("-inf")


class Block:
    """The node's credit of one count: totals that only grow, and what its calls hold now."""

    __slots__ = (
        "acknowledged", "busiest", "counted", "ended", "expected_at", "giving", "granted",
        "handed", "lent_at", "need", "refused", "reported", "retry_at", "returned", "room",
        "second", "taken", "this_second", "told_at", "touched_at", "used", "valid_until", "waiting",
    )  # fmt: skip

    def __init__(self, need: Need, now: float) -> None:
        self.need = need
        self.granted = self.counted = self.returned = NONE
        self.acknowledged = self.handed = NONE
        """What of `counted` and of `returned` the database is known to have."""
        self.taken = NONE
        """Held by calls in progress."""
        self.giving = NONE
        """To be given back with the next report."""
        self.waiting = NONE
        """Expected by calls that were presented and have not taken it yet."""
        self.used = self.room = NONE
        """What all nodes had used for good, and what none held, when it was last told."""
        self.this_second = self.busiest = NONE
        self.second = self.expected_at = self.touched_at = now
        self.valid_until = self.told_at = self.lent_at = self.retry_at = LONG_AGO
        self.refused = False
        """Whether a call found nothing; until one finds something."""
        self.reported = False
        """Whether the database may have heard of it."""
        self.ended = False
        """Whether its period is over: nothing is asked for any more."""

    @property
    def free(self) -> Decimal:
        """What can be taken; below zero when a lease was lost under calls in progress."""
        return self.granted - self.counted - self.returned - self.giving - self.taken

    @property
    def total(self) -> Decimal:
        """Everything its calls took for good, or may yet: what a journal has to know."""
        return self.counted + self.taken

    @property
    def held(self) -> Decimal:
        """What the database holds for this node, as far as it is known."""
        return self.granted - self.acknowledged - self.returned

    @property
    def settled(self) -> bool:
        """Whether the database is known to hold nothing for this node, and to have counted all."""
        counted = self.counted == self.acknowledged and self.returned == self.handed
        return counted and self.granted > 0 and self.held == 0

    def expect(self, now: float) -> None:
        """A call was presented that may take a unit soon."""
        if now - self.expected_at > EXPECTED_SECONDS:
            self.waiting, self.expected_at = NONE, now
        self.touched_at = now
        self.waiting = min(self.waiting + self.need.units, self.need.cap.limit)

    def take(self, units: Decimal, now: float) -> None:
        """A call takes units; there are enough."""
        self.taken += units
        self.refused = False
        self.waiting = max(NONE, self.waiting - units)
        self.touched_at = now
        if now - self.second >= 1.0:
            # A busy second is remembered for a few, so that a lull does not give all away.
            self.busiest = max(self.this_second, self.busiest / 2)
            self.this_second, self.second = NONE, now
        self.this_second += units

    def idle(self, now: float) -> bool:
        """Whether no call came for a while."""
        return now - self.touched_at > ACTIVE_SECONDS

    def desired(self, now: float, *, alone: bool) -> Decimal:
        """What it wants to have free."""
        unit = self.need.units
        if now - self.lent_at < LENDING_SECONDS:
            return self.waiting + (unit if self.refused else NONE)
        if self.idle(now):
            return unit * (ALONE_UNITS if alone else IDLE_UNITS)
        least = unit * (ALONE_UNITS if alone else SHARED_UNITS)
        return max(least, 2 * self.this_second, 2 * self.busiest) + self.waiting

    def wanted(self, now: float, *, alone: bool) -> Decimal:
        """What to ask for: nothing while half of what is desired is there."""
        if self.ended:
            return NONE
        desired = self.desired(now, alone=alone)
        refused = self.refused and self.free < self.need.units
        if self.free * 2 >= desired and not refused:
            return NONE
        # More than the limit can nobody have.
        possible = self.need.cap.limit - (self.granted - self.returned - self.giving)
        return max(NONE, min(desired - self.free, possible))

    def excess(self, now: float, *, alone: bool) -> Decimal:
        """What is free beyond need."""
        if alone:
            return NONE
        desired = self.desired(now, alone=False)
        plenty = desired if self.idle(now) else 2 * desired + self.need.units
        return self.free - desired if self.free > plenty else NONE

    def limited(self, limit: Decimal) -> None:
        """The limit is another: what is free beyond it is given back at once, and what others hold
        is asked for soon."""
        held = self.granted - self.returned - self.giving
        self.giving += max(NONE, min(self.free, held - limit))
        self.told_at = LONG_AGO

    def awaits(self, since: float, *, alone: bool) -> bool:
        """Whether it wants something, and nothing was heard of it since a moment."""
        return self.told_at < since and self.wanted(since, alone=alone) > 0

    def lend(self, now: float) -> None:
        """Make ready to give: all that is free when no calls come, else half of it."""
        self.lent_at = now
        unit, free = self.need.units, self.free - self.waiting
        if self.idle(now) or free < unit:
            self.giving += max(NONE, self.free if free < unit else free)
        else:
            self.giving += free // (2 * unit) * unit


class CapLedger:
    """All blocks of a node."""

    def __init__(self) -> None:
        self.blocks: dict[CountKey, Block] = {}
        self.nodes = 1
        """Nodes that share the database, as it was last told."""
        self._dirty: dict[CountKey, None] = {}
        """Blocks that something happened to since they were last reported."""
        self._round: list[CountKey] = []
        """Blocks that the present round over all of them has not come to."""

    @property
    def alone(self) -> bool:
        """Whether no other node is known."""
        return self.nodes <= 1

    def block(self, need: Need, now: float) -> Block | None:
        """The block of a count, made when it is new; None when there are too many."""
        block = self.blocks.get(need.key)
        if block is None:
            if len(self.blocks) >= MAX_BLOCKS:
                return None
            block = self.blocks[need.key] = Block(need, now)
            self._dirty[need.key] = None
        elif block.need.cap is not need.cap:
            if block.need.cap.limit != need.cap.limit:
                block.limited(need.cap.limit)
                self._dirty[need.key] = None
            block.need = need
        return block

    # Calls.

    def expect(self, needs: Iterable[Need], now: float) -> None:
        """A call was presented that may take these soon."""
        for need in needs:
            block = self.block(need, now)
            if block is not None:
                block.expect(now)
                self._dirty[need.key] = None

    def take(self, needs: Sequence[Need], now: float) -> Need | None:
        """Take all of these, or nothing and say which one is lacking."""
        lacking = None
        for need in needs:
            block = self.block(need, now)
            if block is None:
                lacking = lacking or need
            elif now >= block.valid_until or block.free < need.units:
                lacking = lacking or need
                block.refused = True
                block.touched_at = now
                self._dirty[need.key] = None
        if lacking is not None:
            return lacking
        for need in needs:
            self.blocks[need.key].take(need.units, now)
            self._dirty[need.key] = None
        return None

    def settle(self, need: Need, kept: Decimal) -> None:
        """End what a call took: what it keeps is counted, if its cap counts, the rest is free."""
        block = self.blocks.get(need.key)
        if block is not None:
            block.taken -= need.units
            if need.lasting:
                block.counted += max(NONE, min(kept, need.units))
            self._dirty[need.key] = None

    # The database.

    def lend(self, key: CountKey, now: float) -> None:
        """Another node is in need of credit of this count."""
        block = self.blocks.get(key)
        if block is not None and block.free > 0:
            block.lend(now)
            self._dirty[key] = None

    def freed(self, key: CountKey) -> None:
        """Another node gave credit of this count back."""
        block = self.blocks.get(key)
        if block is not None and (block.refused or block.waiting):
            block.retry_at = LONG_AGO
            self._dirty[key] = None

    @property
    def stirred(self) -> bool:
        """Whether something happened that may have to be reported."""
        return bool(self._dirty)

    def reports(self, now: float, at: float, *, most: int, scan: bool = True) -> list[Report]:
        """What the database should hear of now; with `scan` also what only time has brought.

        What cannot be told is told later, as long as somebody scans.
        """
        found: list[Report] = []
        for key in dict.fromkeys([*self._dirty, *(self._scanned() if scan else ())]):
            if len(found) == most:
                break
            self._dirty.pop(key, None)
            block = self.blocks.get(key)
            if block is not None and not self._over(block, now, at) and self._due(block, now):
                found.append(self._report(block, now))
        return found

    def _scanned(self) -> list[CountKey]:
        """The next part of all blocks, round and round."""
        if not self._round:
            self._round = list(self.blocks)
        part, self._round = self._round[:SCANNED], self._round[SCANNED:]
        return part

    def _over(self, block: Block, now: float, at: float) -> bool:
        """Begin the period that comes; forget the block when its own is over and settled."""
        ends = block.need.ends
        if ends is None or ends - at > AHEAD_SECONDS:
            return False
        if ends > at:
            self.block(following(block.need, ends), now)
            return False
        # What is free of a period that is over is nobody's any more.
        block.ended = True
        done = not block.taken and block.counted == block.acknowledged
        if done:
            del self.blocks[block.need.key]
        return done

    def _due(self, block: Block, now: float) -> bool:
        since = now - block.told_at
        if block.counted > block.acknowledged and since >= COUNT_SECONDS:
            return True
        if now >= block.retry_at and block.wanted(now, alone=self.alone) > 0:
            return True
        if block.returned > block.handed or block.giving > 0:
            return True
        if block.excess(now, alone=self.alone) > 0:
            return True
        return since >= RENEW_SECONDS and block.held > 0

    def _report(self, block: Block, now: float) -> Report:
        need = block.need
        block.reported = True
        block.giving += max(NONE, block.excess(now, alone=self.alone))
        block.returned += min(block.giving, max(NONE, block.free + block.giving))
        block.giving = NONE
        return Report(
            key=need.key,
            limit=need.cap.limit,
            lasting=need.lasting,
            ends=need.ends,
            longest=need.longest,
            unit=need.units,
            lease=Lease(block.granted, block.counted, block.returned),
            acknowledged=block.acknowledged,
            wanted=block.wanted(now, alone=self.alone),
        )

    def answered(self, report: Report, grant: Grant, *, sent: float, now: float) -> None:
        """Take in what the database holds after a report."""
        block = self.blocks.get(report.key)
        if block is None:
            return
        block.granted = grant.lease.granted
        block.acknowledged = grant.lease.counted
        block.handed = grant.lease.returned
        block.used, block.room = grant.used, grant.room
        block.valid_until = sent + LEASE_SECONDS - MARGIN_SECONDS
        block.told_at = now
        pause = RETRY_SECONDS if grant.room <= 0 else AGAIN_SECONDS
        block.retry_at = now + pause if grant.short else LONG_AGO
        if grant.short and grant.room > 0:
            self._dirty[report.key] = None
        if grant.room < 0:
            # The limit was lowered beneath what is out.
            block.giving = max(NONE, min(block.free, -grant.room))

    def close(self, now: float) -> list[Report]:
        """The last reports of a node that stops: everything that is free is given back.

        To be asked again when they were answered, for what was granted by answers never heard.
        """
        left = [one for one in self.blocks.values() if one.reported]
        for block in left:
            block.giving += max(NONE, block.free)
            block.ended = True
        return [self._report(block, now) for block in left if block.giving or not block.settled]
