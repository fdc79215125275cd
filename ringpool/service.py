"""Allocates numbers: gathers requests for a pool, has the core run for all of them, answers each.

Each pool has a lane. What arrives for it is gathered for up to GATHER_SECONDS, or for as long as
the batch before takes, and goes to the store together: one transaction, however many visitors.
Calls that were counted and releases go the same way, so that a pool is never worked on twice at
once.

With the store away, or not quick enough, everybody gets the overflow number and is told why; calls
that were counted are kept and written later. Bounds: MAX_WAITING requests and MAX_COUNTS counts
wait on a node.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from config.errors import did_you_mean
from config.model import Configuration, Pool
from ringpool.answer import Allocation, allocation_of
from ringpool.core import CallCount, allocate, count_calls, fixed_answer, release, wanted
from ringpool.plans import PoolPlan, PoolPlans
from ringpool.protocols import BindingStore, StoreAway
from ringpool.request import (
    AllocationRequest,
    RequestRefused,
    checked_attributes,
    checked_values,
)
from ringpool.state import PoolState
from ringpool.sweep import sweep
from ringpool.values import Answer, EndedWhy, PoolRules, Request, Spare, Wanted

logger = logging.getLogger(__name__)

__all__ = ["AllocationRequest", "PoolService", "RequestRefused"]

GATHER_SECONDS = 0.002
"""How long the first request for an idle pool waits for company."""

ANSWER_SECONDS = 1.0
"""A web page waits no longer: then it shows the overflow number."""

WRITE_SECONDS = 10.0
"""How long counts and sweeps may take, which nobody waits for."""

MAX_BATCH = 256
"""Requests of one transaction: some 10 ms."""

MAX_BULK = 1000
"""Requests of one bulk allocation."""

MAX_WAITING = 20_000
"""Requests that wait on this node; more are answered with the overflow number at once."""

COUNT_SECONDS = 1.0
"""How long calls may wait to be counted: a storm of calls is one write a pool and second."""

MAX_COUNTS = 100_000
"""Bindings with calls not counted yet, while the store is away; further ones are not counted."""

SWEEP_SECONDS = 30.0
"""Between looks for what time has ended; allocations look themselves."""


@dataclass(slots=True)
class _Waiting:
    """Somebody who asked, or something to be done."""

    request: Request | None
    release: tuple[str, EndedWhy] | None
    future: asyncio.Future[Answer | None]
    deadline: float
    """By the monotonic clock."""


@dataclass(slots=True)
class _Counts:
    calls: int = 0
    at: float = 0.0


@dataclass(slots=True)
class _Lane:
    """What waits for one pool."""

    plan: PoolPlan
    waiting: list[_Waiting] = field(default_factory=list)
    counts: dict[tuple[str, str | None], _Counts] = field(default_factory=dict)
    sweep: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def rules(self) -> PoolRules:
        return self.plan.rules


class _Batch:
    """What is done to a pool in one transaction."""

    def __init__(self, waiting: Sequence[_Waiting], counts: Sequence[CallCount]) -> None:
        self._waiting = waiting
        self._counts = counts
        self._requests = [one.request for one in waiting if one.request is not None]

    def prepare(self, state: PoolState, now: float) -> Sequence[Wanted]:
        # Calls first: they are use, and what is used does not end.
        count_calls(state, self._counts)
        sweep(state, now=now)
        return wanted(state, self._requests, now=now)

    def run(self, state: PoolState, spares: list[Spare], now: float) -> Sequence[Answer | None]:
        answers: list[Answer | None] = []
        for one in self._waiting:
            if one.request is not None:
                answers.append(allocate(state, one.request, spares, now=now))
            elif one.release is not None:
                what, why = one.release
                answers.append(release(state, what, why=why, now=now))
        return answers


class PoolService:
    """The pools of one node."""

    def __init__(
        self,
        configuration: Configuration,
        store: BindingStore,
        *,
        on_exhausted: Callable[[str, str | None], None] | None = None,
    ) -> None:
        """`on_exhausted`: told pool and overflow number when a pool runs out; once for all nodes,
        and again when it has had a number meanwhile."""
        self.store = store
        self._on_exhausted = on_exhausted
        self._lanes: dict[str, _Lane] = {}
        self._waiting = 0
        self._counted = 0
        self._keeper: asyncio.Task[None] | None = None
        self.use(PoolPlans.of(configuration))

    def use(self, plans: PoolPlans) -> None:
        """Allocate by other rules from now on. What waits for a pool that is gone is answered as
        if it were there; calls that were counted for it are forgotten."""
        self.country = plans.country
        self._publishers = plans.publishers
        before, self._lanes = self._lanes, {}
        for name, plan in plans.pools.items():
            lane = self._lanes[name] = before.pop(name) if name in before else _Lane(plan)
            lane.plan = plan
        for lane in before.values():
            self._counted -= len(lane.counts)
            lane.counts.clear()

    @property
    def pools(self) -> Mapping[str, Pool]:
        """The pools there are."""
        return {name: lane.plan.pool for name, lane in self._lanes.items()}

    @property
    def counts_waiting(self) -> int:
        """Bindings with calls that were not written yet."""
        return self._counted

    def start(self) -> None:
        """Begin to write counted calls, and to look for what time has ended."""
        self._keeper = asyncio.create_task(self._keep(), name="ring pool service")

    async def close(self) -> None:
        """Write what was counted, answer whoever waits."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        self._nudge_all(sweep_too=False)
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=ANSWER_SECONDS)
        for task in tasks:
            task.cancel()

    # Requests.

    async def allocate(
        self, request: AllocationRequest, *, within: float = ANSWER_SECONDS
    ) -> Allocation:
        """A number for values; raises RequestRefused. The overflow number at the latest in time."""
        lane, core = self._checked(request)
        return self._told(request, lane, await self._answer(lane, core, within))

    async def allocate_many(
        self, requests: Sequence[AllocationRequest], *, within: float = ANSWER_SECONDS
    ) -> list[Allocation]:
        """Numbers for many values, in their order; raises RequestRefused if any is refused."""
        if len(requests) > MAX_BULK:
            raise RequestRefused(f"at most {MAX_BULK} requests at once")
        checked = [self._checked(request) for request in requests]
        answers = await asyncio.gather(
            *(self._answer(lane, core, within) for lane, core in checked)
        )
        return [
            self._told(request, lane, answer)
            for request, (lane, _), answer in zip(requests, checked, answers, strict=True)
        ]

    async def release(
        self, pool: str, what: str, *, spam: bool = False, within: float = WRITE_SECONDS
    ) -> bool:
        """End the binding with this id, or on this number in E.164; whether there was one.

        `spam`: calls that come late are nobody's. Raises RequestRefused, StoreAway.
        """
        lane = self._lane(pool)
        if not self.store.up:
            raise StoreAway("the database is away")
        why: EndedWhy = "spam" if spam else "released"
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._queue(lane, _Waiting(None, (what, why), future, time.monotonic() + within))
        try:
            async with asyncio.timeout(within):
                answer = await future
        except TimeoutError:
            raise StoreAway("no answer in time") from None
        if answer is not None and answer.overflow:
            raise StoreAway("the database is away")
        return answer is not None

    def called(
        self, pool: str, number: str, binding_id: str | None, at: float | None = None
    ) -> None:
        """Count a call: the activity of the binding it belongs to. Never waits.

        `at`: its receipt, in seconds since the epoch.
        """
        lane = self._lanes.get(pool)
        if lane is None:
            return
        counts = lane.counts.get((number, binding_id))
        if counts is None:
            if self._counted >= MAX_COUNTS:
                return
            self._counted += 1
            counts = lane.counts[number, binding_id] = _Counts()
        counts.calls += 1
        counts.at = max(counts.at, time.time() if at is None else at)

    async def flush(self) -> None:
        """Write what was counted and let go what is over, now."""
        self._nudge_all(sweep_too=True)
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=WRITE_SECONDS)

    # Between a request and its answer.

    def _lane(self, pool: str) -> _Lane:
        lane = self._lanes.get(pool)
        if lane is None:
            hint = did_you_mean(pool, self._lanes)
            raise RequestRefused(f'there is no pool "{pool[:100]}"' + (f", {hint}" if hint else ""))
        return lane

    def _checked(self, request: AllocationRequest) -> tuple[_Lane, Request]:
        lane = self._lane(request.pool)
        values = checked_values(request, lane.plan.pool)
        attributes = checked_attributes(request.attributes)
        draw = random.random() if lane.rules.policy == "weighted" else 0.0
        core = Request(request.owner, values, _new_id(), request.publisher, attributes, draw)
        return lane, core

    def _told(self, request: AllocationRequest, lane: _Lane, answer: Answer) -> Allocation:
        publisher = lane.plan.publisher
        if answer.kind in ("fixed", "overflow"):
            publisher = self._publishers.get(answer.number or "", publisher)
        return allocation_of(
            request, lane.plan.pool, answer, publisher=publisher, country=self.country
        )

    async def _answer(self, lane: _Lane, request: Request, within: float) -> Answer:
        rules = lane.rules
        fixed = fixed_answer(rules, request)
        if fixed is not None and (rules.ends_at is None or time.time() < rules.ends_at):
            return fixed
        if not self.store.up:
            return _away(rules, "database away")
        if self._waiting >= MAX_WAITING:
            return _away(rules, "busy")
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._queue(lane, _Waiting(request, None, future, time.monotonic() + within))
        self._waiting += 1
        try:
            async with asyncio.timeout(within):
                answer = await future
        except TimeoutError:
            return _away(rules, "database away")
        finally:
            self._waiting -= 1
        return answer if answer is not None else _away(rules, "database away")

    def _queue(self, lane: _Lane, waiting: _Waiting) -> None:
        lane.waiting.append(waiting)
        self._nudge(lane)

    def _nudge(self, lane: _Lane) -> None:
        if lane.task is None:
            lane.task = asyncio.create_task(self._serve(lane), name="ring pool lane")

    async def _serve(self, lane: _Lane) -> None:
        try:
            await asyncio.sleep(GATHER_SECONDS)
            while lane.waiting or lane.sweep:
                await self._serve_batch(lane)
        finally:
            lane.task = None
            for waiting in lane.waiting:
                if not waiting.future.done():
                    waiting.future.set_result(_away(lane.rules, "stopped"))
            lane.waiting.clear()

    async def _serve_batch(self, lane: _Lane) -> None:
        # Whoever has given up by now needs no number.
        batch = [one for one in lane.waiting[:MAX_BATCH] if not one.future.done()]
        del lane.waiting[:MAX_BATCH]
        lane.sweep = False
        counts, lane.counts = lane.counts, {}
        self._counted -= len(counts)
        calls = [CallCount(*key, one.calls, one.at) for key, one in counts.items()]
        # As long as somebody waits; what nobody waits for has its own time.
        deadline = max((one.deadline for one in batch), default=time.monotonic() + WRITE_SECONDS)
        within = max(0.0, deadline - time.monotonic())
        answers: Sequence[Answer | None]
        exhausted = False
        try:
            answers, exhausted = await self.store.work(
                lane.rules, _Batch(batch, calls), within=within
            )
        except StoreAway as away:
            logger.debug("pool %s: %s", lane.rules.name, away)
            answers = [_away(lane.rules, "database away")] * len(batch)
            self._keep_counts(lane, counts)
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(answer)
        if exhausted and self._on_exhausted is not None:
            self._on_exhausted(lane.rules.name, lane.rules.overflow)

    def _keep_counts(self, lane: _Lane, counts: Mapping[tuple[str, str | None], _Counts]) -> None:
        """Count again later what could not be written."""
        if self._lanes.get(lane.rules.name) is not lane:
            return  # the pool is gone
        for key, one in counts.items():
            kept = lane.counts.get(key)
            if kept is None:
                lane.counts[key] = one
                self._counted += 1
            else:
                kept.calls += one.calls
                kept.at = max(kept.at, one.at)

    # Now and then.

    async def _keep(self) -> None:
        # Nodes that start together need not sweep together.
        sweep_at = time.monotonic() + SWEEP_SECONDS * random.random()
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            due = time.monotonic() >= sweep_at
            if due:
                sweep_at = time.monotonic() + SWEEP_SECONDS
            if self.store.up:
                self._nudge_all(sweep_too=due)

    def _nudge_all(self, *, sweep_too: bool) -> None:
        for lane in self._lanes.values():
            if lane.counts or (sweep_too and _ends_by_time(lane.rules)):
                lane.sweep = True
                self._nudge(lane)


def _new_id() -> str:
    """Of a binding. In the order of time, near enough: an index of them grows at its end."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(5)}"


def _ends_by_time(rules: PoolRules) -> bool:
    return rules.ends_at is not None or rules.idle is not None or rules.period is not None


def _away(rules: PoolRules, why: str) -> Answer:
    return Answer("overflow", rules.overflow, why=why)
