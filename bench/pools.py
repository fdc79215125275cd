"""Allocations a second: clients of one node ask pools for numbers, on the embedded server.

Each client asks again as soon as it is answered. The mix says how many of the requests are for
values that have a number already (a page loaded again); the others are new visitors, who replace
somebody. Server, service and clients share the machine: the service and its clients one process,
the server its own.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench.figures import figure
from bench.processes import Refused
from config.model import Campaign, Configuration, Number, Pool, Stock, StockNumber, Switch
from ringpool.live import LiveBindings
from ringpool.rules import holdings_of
from ringpool.service import AllocationRequest, PoolService
from softswitch.store.bindings import PostgresBindings
from softswitch.store.postgres.database import EMBEDDED, Database

POOLS = 20
CLIENTS = 200
OWN_NUMBERS = 50
"""Numbers of each pool when it starts."""
MAX_SIZE = 100
"""Numbers of each pool when it is full."""
LIFETIME = 0.1
"""Minimum lifetime of a binding: short, so that new visitors replace old ones all the time."""
KNOWN_SHARES = (0.7, 0.0, 1.0)
"""Pages loaded again among the requests: a mix, only new visitors, only known ones."""
WANTED_RATE = 1500
WANTED_P99_MS = 150
"""What a node has to reach with new and known visitors mixed."""
MOST_OVERFLOWS = 0.02
"""Overflow numbers are given without writing much: a run with more measures something else."""
READY_SECONDS = 60.0


@dataclass
class PoolRun:
    """What one run measured."""

    seconds: float
    clients: int
    pools: int
    known_share: float
    allocations: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    """Of the service and the clients."""
    machine_seconds: float = 0.0
    """CPU seconds of the whole machine: with the server's, and whatever else runs."""
    commits: int = 0
    """Transactions that wrote."""

    @property
    def rate(self) -> float:
        """Allocations a second."""
        return self.allocations / self.seconds

    def as_dict(self) -> dict[str, Any]:
        """For the results' file."""
        return {
            "known_share": self.known_share,
            "seconds": self.seconds,
            "rate": self.rate,
            "p50_ms": self.percentile(0.5),
            "p99_ms": self.percentile(0.99),
            "steps": dict(self.steps),
            "commits": self.commits,
            "cpu_seconds": self.cpu_seconds,
            "machine_seconds": self.machine_seconds,
        }

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the answers took at most."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


TITLE = (
    f"Pools: {CLIENTS} clients ask {POOLS} pools of {MAX_SIZE} numbers, embedded server; "
    "median (least-most)"
)
HEAD = ["known", "a second", "p50 ms", "p99 ms", "ms CPU of ours", "cores busy", "a commit"]


def row(runs: Sequence[PoolRun]) -> list[str]:
    """A line of the table, under HEAD."""
    return [
        f"{runs[0].known_share:.0%}",
        str(figure([run.rate for run in runs])),
        str(figure([run.percentile(0.5) for run in runs])),
        str(figure([run.percentile(0.99) for run in runs])),
        str(figure([run.cpu_seconds / run.allocations * 1000 for run in runs])),
        str(figure([run.machine_seconds / run.seconds for run in runs])),
        str(figure([run.allocations / max(1, run.commits) for run in runs])),
    ]


def verdict(runs: Sequence[PoolRun]) -> str:
    """Whether what is wanted was reached in the median."""
    rate = figure([run.rate for run in runs]).median
    p99 = figure([run.percentile(0.99) for run in runs]).median
    good = rate >= WANTED_RATE and p99 < WANTED_P99_MS
    return (
        f"{WANTED_RATE} a second with p99 under {WANTED_P99_MS} ms, {runs[0].known_share:.0%} of "
        f"the visitors known: {'reached' if good else 'NOT reached'}"
    )


def configuration() -> Configuration:
    """Pools with numbers of their own and a stock that all of them grow from."""
    pools = {
        f"pool {n}": Pool(
            f"pool {n}",
            ("keyword", "engine"),
            campaign="sale",
            kind="search",
            minimum_lifetime_seconds=LIFETIME,
            maximum_size=MAX_SIZE,
            stock="stock",
            overflow=f"+1800555{n:04d}",
        )
        for n in range(POOLS)
    }
    own = [
        Number(f"+1602{1_000_000 + n * 1000 + i}", "exact", "sale", None, f"pool {n}", dynamic=True)
        for n in range(POOLS)
        for i in range(OWN_NUMBERS)
    ]
    spares = [StockNumber(f"+1866{2_000_000 + i}") for i in range(POOLS * MAX_SIZE)]
    return Configuration(
        switch=Switch(),
        trunks={},
        numbers=tuple(own),
        pools=pools,
        campaigns={"sale": Campaign("sale", "t")},
        treatments={},
        stocks={"stock": Stock("stock", tuple(spares))},
    )


def measure(directory: Path, *, seconds: float, known_share: float) -> PoolRun:
    """One run on a fresh embedded server in `directory`; raises Refused."""
    directory.mkdir(exist_ok=True)
    # The loop that the switch runs on.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(directory, seconds, known_share))


async def _measure(directory: Path, seconds: float, known_share: float) -> PoolRun:
    config = configuration()
    database = Database(EMBEDDED, directory)
    live = LiveBindings({})
    store = PostgresBindings(database, holdings_of(config), live)
    exhausted: list[str] = []
    service = PoolService(config, store, on_exhausted=lambda pool, _: exhausted.append(pool))
    await database.start()
    try:
        await store.ready(within=READY_SECONDS)
        service.start()
        run = PoolRun(seconds, CLIENTS, POOLS, known_share)
        await _warm_up(service)
        await _clients(service, database, run)
    finally:
        await service.close()
        await store.close()
        await database.close()
    if run.steps["overflow"] > run.allocations * MOST_OVERFLOWS:
        raise Refused(f"{run.steps['overflow']} of {run.allocations} got the overflow number")
    return run


async def _warm_up(service: PoolService) -> None:
    """Fill the pools: growing them is not what is measured."""
    for n in range(POOLS):
        await service.allocate_many(
            [_request(n, f"known {i}") for i in range(MAX_SIZE)], within=READY_SECONDS
        )
    await asyncio.sleep(LIFETIME)


def _request(pool: int, keyword: str) -> AllocationRequest:
    return AllocationRequest(f"pool {pool}", {"keyword": keyword, "engine": "Google"}, "owner")


async def _clients(service: PoolService, database: Database, run: PoolRun) -> None:
    commits = await _commits(database)
    cpu, machine = time.process_time(), _machine_seconds()
    began = time.perf_counter()
    until = began + run.seconds
    await asyncio.gather(*(_client(service, n, until, run) for n in range(run.clients)))
    run.seconds = time.perf_counter() - began
    run.cpu_seconds = time.process_time() - cpu
    run.machine_seconds = _machine_seconds() - machine
    run.commits = await _commits(database) - commits


async def _client(service: PoolService, client: int, until: float, run: PoolRun) -> None:
    chance = random.Random(client)
    # What this client was given lately: pages that are loaded again.
    mine = [f"known {chance.randrange(MAX_SIZE)}"]
    pool = client % run.pools
    while (asked := time.perf_counter()) < until:
        known = chance.random() < run.known_share
        keyword = chance.choice(mine) if known else f"visitor {client} {run.allocations}"
        answer = await service.allocate(_request(pool, keyword))
        run.latencies_ms.append((time.perf_counter() - asked) * 1000)
        run.allocations += 1
        run.steps[answer.step] += 1
        if not known and not answer.overflow:
            mine = [*mine[-4:], keyword]


async def _commits(database: Database) -> int:
    # Statistics of other sessions come late; the transaction counter does not.
    return await database.run(
        lambda one: one.fetchval("SELECT pg_current_xact_id()::text::bigint"), within=5
    )


def _machine_seconds() -> float:
    """CPU seconds that all processors have spent on anything but idling."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts[:2])) / os.sysconf("SC_CLK_TCK")
