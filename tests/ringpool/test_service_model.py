"""Two services on one PostgreSQL against the naive model: whoever is asked, the answer is right."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from config.model import Pool, Reserve, StockNumber
from ringpool.rules import rules_of
from ringpool.service import AllocationRequest
from softswitch.store.postgres.database import Database
from tests.support.database import fresh_dsn
from tests.support.naive_pool import NaiveNumber, NaivePool
from tests.support.pools import Clock, PoolNode, configuration

T = TypeVar("T")
AREAS = ("602", "800")

pools = st.builds(
    Pool,
    name=st.just("p"),
    parameters=st.just(("a",)),
    campaign=st.just("sale"),
    kind=st.sampled_from(("custom", "exclusive")),
    policy=st.sampled_from(("least_active", "most_active", "round_robin", "oldest", "newest")),
    minimum_lifetime_seconds=st.sampled_from((None, 60.0, 600.0)),
    maximum_size=st.sampled_from((None, 3, 5)),
    stock=st.sampled_from((None, "s", "s")),
    overflow=st.just("+18001234444"),
    cooldown_seconds=st.sampled_from((0.0, 300.0)),
    period_seconds=st.sampled_from((None, 200.0)),
    idle_seconds=st.sampled_from((None, 700.0)),
    reserve=st.sampled_from((None, Reserve(300_000.0, 2))),
    attributes=st.sampled_from(({}, {"area_code": "602"})),
)
visitors = st.sampled_from([f"v{n}" for n in range(6)])
asked = st.sampled_from(({}, {}, {"area_code": "602"}, {"area_code": "800"}))
nodes = st.integers(0, 1)


def number(n: int) -> str:
    return f"+1{AREAS[n % 2]}555{n:04d}"


class ServiceMachine(RuleBasedStateMachine):
    """Every step is done by one of two nodes, which share nothing but the database."""

    dsn = ""

    @initialize(pool=pools, own=st.integers(0, 3), spare=st.integers(0, 4))
    def begin(self, pool: Pool, own: int, spare: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        config = configuration(
            [pool],
            own={"p": [number(n) for n in range(own)]},
            stocks={"s": [StockNumber(number(n)) for n in range(10, 10 + spare)]},
        )
        self.naive = NaivePool(
            rules_of(config)["p"],
            [NaiveNumber(number(n), n, {"area_code": AREAS[n % 2]}) for n in range(own)],
            [NaiveNumber(number(n), n, {"area_code": AREAS[n % 2]}) for n in range(10, 10 + spare)],
        )
        for one in self.naive.numbers:
            one.joined_at = self.clock.now
        self.run(self.empty())
        self.nodes = [
            PoolNode(config, Database(self.dsn, Path(tempfile.mkdtemp())), self.clock)
            for _ in range(2)
        ]
        for node in self.nodes:
            # What time ends is looked for when the model looks, not when real seconds have passed.
            self.run(node.start(keeps_house=False))

    async def empty(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        tables = "ring_pools, ring_stocks, ring_numbers, ring_bindings, ring_hours, ring_source"
        if await connection.fetchval("SELECT to_regclass('ring_pools')") is not None:
            await connection.execute(f"TRUNCATE {tables}")
        await connection.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    def teardown(self) -> None:
        if not hasattr(self, "nodes"):
            return
        for node in self.nodes:
            self.run(node.close())
        self.loop.close()

    @rule(seconds=st.sampled_from((0.5, 1.0, 60.0, 599.0, 700.0)))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(n=nodes, visitor=visitors, wishes=asked)
    def ask(self, n: int, visitor: str, wishes: dict[str, str]) -> None:
        request = AllocationRequest("p", {"a": visitor}, "acme", None, wishes)
        found = self.run(self.nodes[n].service.allocate(request, within=10))
        expected = self.naive.allocate("acme", (visitor,), wishes, draw=0, now=self.clock.now)
        assert (found.step, found.number) == expected
        if found.binding is not None and found.number is not None:
            # A call that comes at once to the node that answered knows the binding.
            live = self.nodes[n].live.find(found.number)
            assert live is not None
            assert live.binding is not None
            assert live.binding.binding_id == found.binding

    @rule(n=nodes, many=st.lists(visitors, min_size=2, max_size=4, unique=True))
    def ask_together(self, n: int, many: list[str]) -> None:
        requests = [AllocationRequest("p", {"a": visitor}, "bulk") for visitor in many]
        found = self.run(self.nodes[n].service.allocate_many(requests, within=10))
        expected = [
            self.naive.allocate("bulk", (visitor,), {}, draw=0, now=self.clock.now)
            for visitor in many
        ]
        assert [(one.step, one.number) for one in found] == expected

    @rule(n=nodes, which=st.integers(0, 13))
    def release(self, n: int, which: int) -> None:
        done = self.run(self.nodes[n].service.release("p", number(which)))
        assert done == self.naive.release(number(which), now=self.clock.now)

    @rule(n=nodes, which=st.integers(0, 13), calls=st.integers(1, 2))
    def call(self, n: int, which: int, calls: int) -> None:
        bindings = {one.number: one for one in self.naive.numbers if one.binding is not None}
        if number(which) not in bindings:
            return
        row = self.run(self.row(number(which)))
        for _ in range(calls):
            self.nodes[n].service.called("p", number(which), row, at=self.clock.now)
            self.naive.call(number(which), now=self.clock.now)
        self.run(self.nodes[n].service.flush())
        self.naive.pass_time(self.clock.now)

    async def row(self, which: str) -> str | None:
        found: str | None = await self.nodes[0].database.run(
            lambda one: one.fetchval(
                "SELECT binding_id FROM ring_numbers WHERE number = $1", which
            ),
            within=5,
        )
        return found

    @invariant()
    def the_tables_say_what_the_model_says(self) -> None:
        if not hasattr(self, "nodes"):
            return
        rows = self.run(
            self.nodes[0].database.run(
                lambda one: one.fetch(
                    'SELECT number, owner, "values"->>0 AS visitor, calls FROM ring_numbers '
                    "WHERE pool = 'p'"
                ),
                within=5,
            )
        )
        ours = {row["number"]: (row["owner"], row["visitor"], row["calls"]) for row in rows}
        theirs = {
            one.number: (None, None, 0)
            if one.binding is None
            else (one.binding.owner, one.binding.values[0], one.binding.calls)
            for one in self.naive.numbers
        }
        assert ours == theirs


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_services_agree_with_the_naive_model() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    class Machine(ServiceMachine):
        dsn = fresh_dsn()

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
