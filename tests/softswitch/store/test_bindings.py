"""Ring pools in a real PostgreSQL: kept, shared between nodes, followed, synchronised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import softswitch.store.binding_follower as follower_module
from config.model import Configuration, Number, Pool, StockNumber
from ringpool.plans import PoolPlans
from ringpool.protocols import StoreAway
from ringpool.rules import holdings_of
from ringpool.service import AllocationRequest, RequestRefused
from softswitch.store.postgres.database import Database
from tests.support.database import OwnServer
from tests.support.pools import Clock, PoolNode, changed, configuration, numbers_from

OVERFLOW = "+18001234444"
POOL = Pool(
    "ads",
    ("a",),
    campaign="sale",
    overflow=OVERFLOW,
    stock="s",
    maximum_size=3,
    cooldown_seconds=60,
)
OWN, SPARES = ["+18888695345"], ["+18001238888", "+18001239999", "+16025550000"]
MINUTE = 60.0

Start = Callable[..., Awaitable[PoolNode]]


@pytest.fixture
async def start(dsn: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts nodes on one database, and ends them."""
    nodes: list[PoolNode] = []

    async def begin(config: Configuration | None = None, clock: Clock | None = None) -> PoolNode:
        folder = tmp_path / f"node {len(nodes)}"
        folder.mkdir()
        node = PoolNode(config or ads(), Database(dsn, folder), clock)
        nodes.append(node)
        await node.start()
        return node

    yield begin
    for node in nodes:
        await node.close()


def ads(pool: Pool = POOL, **more: Any) -> Configuration:
    return configuration([pool], **{"own": {"ads": OWN}, "stocks": {"s": SPARES}, **more})


async def rows(node: PoolNode, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    found = await node.database.run(lambda one: one.fetch(sql, *arguments), within=5)
    return [tuple(row.values()) for row in found]


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.01)


def live_binding(node: PoolNode, number: str) -> str | None:
    found = node.live.find(number)
    return None if found is None or found.binding is None else found.binding.values[0]


# Kept.


async def test_bindings_outlive_the_node_that_made_them(start: Start) -> None:
    first = await start()
    numbers = [await first.number("ads", value) for value in "xyz"]
    assert numbers == [*OWN, *SPARES[:2]]
    await first.close()
    second = await start()
    assert [await second.number("ads", value) for value in "zyx"] == numbers[::-1]


async def test_values_are_kept_as_they_are(start: Start) -> None:
    first, second = await start(), await start()
    for value in ("'; DROP TABLE ring_numbers; --", '"\\', "\u2028\U0001f600 \u00e9", "", "null"):
        number = await first.number("ads", value)
        assert await second.number("ads", value) == number
        assert await first.service.release("ads", str(number))
        [(kept,)] = await rows(
            first, 'SELECT "values"->>0 FROM ring_bindings ORDER BY version DESC LIMIT 1'
        )
        assert kept == value


async def test_two_nodes_answer_alike_and_see_each_others_calls(start: Start) -> None:
    clock = Clock()
    first, second = await start(clock=clock), await start(clock=clock)
    numbers = [await first.number("ads", value) for value in "xyz"]
    assert [await second.number("ads", value) for value in "xyz"] == numbers
    for node, number, calls in ((first, numbers[0], 2), (second, numbers[0], 1)):
        found = node.live.find(str(number))
        await until(lambda: live_binding(second, str(numbers[0])))
        found = node.live.find(str(number))
        assert found is not None
        assert found.binding is not None
        for _ in range(calls):
            node.service.called("ads", str(number), found.binding.binding_id, clock.now)
        await node.service.flush()
    assert await rows(first, "SELECT calls FROM ring_numbers WHERE number = $1", numbers[0]) == [
        (3,)
    ]
    # The least active of those old enough, whoever counted.
    clock.now += 11 * MINUTE
    assert await second.number("ads", "new") != numbers[0]


async def test_running_out_is_told_by_one_node_once(start: Start) -> None:
    first, second = await start(), await start()
    for value in "uvwxyz":
        await first.number("ads", value)
        await second.number("ads", value + "2")
    assert first.exhausted + second.exhausted == [("ads", OVERFLOW)]


async def test_pools_share_a_stock_without_giving_a_number_twice(start: Start) -> None:
    pools = [changed(POOL, name=f"p{n}", maximum_size=20) for n in range(4)]
    config = configuration(pools, stocks={"s": numbers_from(16025550000, 30)})
    nodes = [await start(config), await start(config)]
    asked = [
        nodes[n % 2].service.allocate(AllocationRequest(f"p{n % 4}", {"a": str(n)}), within=10)
        for n in range(60)
    ]
    answers = await asyncio.gather(*asked)
    given = [answer.number for answer in answers if not answer.overflow]
    assert len(given) == len(set(given)) == 30


async def test_calls_of_an_earlier_binding_count_for_it(start: Start) -> None:
    clock = Clock()
    node = await start(ads(changed(POOL, maximum_size=1)), clock)
    first = await node.service.allocate(AllocationRequest("ads", {"a": "x"}), within=10)
    clock.now += 11 * MINUTE
    second = await node.service.allocate(AllocationRequest("ads", {"a": "y"}), within=10)
    assert (second.number, second.step) == (first.number, "rebound")
    node.service.called("ads", str(first.number), first.binding, clock.now)
    await node.service.flush()
    assert await rows(node, "SELECT binding_id, calls FROM ring_bindings") == [(first.binding, 1)]
    assert await rows(node, "SELECT sum(calls) FROM ring_numbers") == [(0,)]


async def test_time_never_goes_back_in_a_pool(start: Start) -> None:
    early, late = Clock(), Clock()
    late.now += 700
    first, second = await start(clock=late), await start(clock=early)
    answers = [await node.number("ads", value) for node, value in ((first, "x"), (second, "y"))]
    assert None not in answers
    bound = await rows(first, "SELECT DISTINCT bound_at FROM ring_numbers WHERE bound_at > 0")
    assert bound == [(late.now,)]


async def test_an_idle_number_goes_back_to_the_stock_for_all_nodes(start: Start) -> None:
    clock = Clock()
    config = ads(changed(POOL, idle_seconds=3600.0))
    first, second = await start(config, clock), await start(config, clock)
    assert [await first.number("ads", value) for value in "xy"] == [OWN[0], SPARES[0]]
    await until(lambda: live_binding(second, SPARES[0]) == "y")
    clock.now += 3601
    await second.service.flush()
    assert await rows(first, "SELECT pool FROM ring_numbers WHERE number = $1", SPARES[0]) == [
        (None,)
    ]
    await until(lambda: first.live.find(SPARES[0]) is None)
    assert second.live.find(SPARES[0]) is None
    # Until it has cooled down it is left alone.
    assert await first.number("ads", "w") == SPARES[1]
    clock.now += 60
    assert await first.number("ads", "z") == SPARES[0]


async def test_measured_use(start: Start) -> None:
    clock = Clock()
    node = await start(clock=clock)
    for value in "uvwxy":
        await node.number("ads", value)
    use = await node.store.use("ads", within=5)
    assert (use.asked, use.overflowed, use.size, use.in_use, use.busiest) == (5, 2, 3, 3, 5)


# Followed.


async def test_a_node_hears_of_what_another_gave_out(start: Start) -> None:
    first, second = await start(), await start()
    number = str(await first.number("ads", "x"))
    assert live_binding(first, number) == "x"
    await until(lambda: live_binding(second, number) == "x")
    await first.service.release("ads", number)
    await until(lambda: live_binding(second, number) is None)
    found = second.live.find(number, at=time.time())
    assert found is not None
    assert found.late


async def test_what_this_node_wrote_is_not_loaded_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await start()
    await until(lambda: node.live.versions.get("ads"))
    loads: list[object] = []
    original = follower_module.BindingFollower._load

    async def load(*arguments: Any) -> None:
        loads.append(arguments)
        await original(*arguments)

    monkeypatch.setattr(follower_module.BindingFollower, "_load", load)
    calm = False
    while not calm:  # what its own start has set off
        loads.clear()
        await asyncio.sleep(1.0)
        calm = not loads
    for value in "xyz":
        await node.number("ads", value)
    await asyncio.sleep(0.2)
    assert loads == []


async def test_a_node_that_gives_again_what_another_gave_knows_it_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await start(), await start()
    await until(lambda: second.live.versions.get("ads"))

    async def hear_nothing(*arguments: object) -> None:
        """The notification is on its way still."""

    monkeypatch.setattr(follower_module.BindingFollower, "_load", hear_nothing)
    number = str(await first.number("ads", "x"))
    assert await second.number("ads", "x") == number
    assert live_binding(second, number) == "x"


async def test_a_notification_that_was_missed_is_found_by_its_version(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "RESYNC_SECONDS", 0.2)
    first, second = await start(), await start()
    await until(lambda: second.live.versions.get("ads"))
    second.database._heard.clear()
    monkeypatch.setattr(follower_module.BindingFollower, "_heard", lambda *_: None)
    number = str(await first.number("ads", "x"))
    await until(lambda: live_binding(second, number) == "x")


async def test_a_node_that_starts_knows_the_bindings_of_the_cooldown(start: Start) -> None:
    config = ads(changed(POOL, maximum_size=1, minimum_lifetime_seconds=None))
    first = await start(config)
    number = str(await first.number("ads", "x"))
    await first.number("ads", "y")
    second = await start(config)
    await until(lambda: live_binding(second, number) == "y")
    found = second.live.find(number, at=time.time())
    assert found is not None
    assert found.binding is not None
    assert (found.binding.values, found.late) == (("x",), True)


# Synchronised.


async def stock_and_pools(node: PoolNode) -> dict[str, tuple[str | None, str | None]]:
    found = await rows(node, "SELECT number, stock, pool FROM ring_numbers")
    return {number: (stock, pool) for number, stock, pool in found}


async def test_two_nodes_with_one_file_agree(start: Start) -> None:
    first = await start()
    await first.number("ads", "x")
    before = await rows(first, "SELECT version, reloaded FROM ring_pools")
    second = await start()
    assert await rows(second, "SELECT version, reloaded FROM ring_pools") == before


async def test_what_is_new_in_the_file_comes_and_nothing_else_changes(start: Start) -> None:
    first = await start()
    numbers = [await first.number("ads", value) for value in "xy"]
    more = ads(own={"ads": [*OWN, "+16025559999"]}, stocks={"s": [*SPARES, "+16025558888"]})
    second = await start(more)
    assert [await second.number("ads", value) for value in "xy"] == numbers
    assert await second.number("ads", "z") == "+16025559999"
    assert (await stock_and_pools(second))["+16025558888"] == ("s", None)


async def test_numbers_that_left_the_file_leave_the_pool(start: Start) -> None:
    first = await start()
    for value in "xyz":
        await first.number("ads", value)
    fewer = ads(own={}, stocks={"s": SPARES[1:]})
    second = await start(fewer)
    assert await stock_and_pools(second) == {
        SPARES[1]: ("s", "ads"),
        SPARES[2]: ("s", None),
    }
    ended = await rows(second, "SELECT number, why FROM ring_bindings ORDER BY number")
    assert ended == [(SPARES[0], "withdrawn"), (OWN[0], "withdrawn")]
    # A node that was running hears it.
    await until(lambda: first.live.find(OWN[0]) is None and first.live.find(SPARES[0]) is None)
    assert live_binding(first, SPARES[1]) == "z"
    assert await first.number("ads", "x") == SPARES[2]


async def take_over(node: PoolNode, config: Configuration) -> None:
    """What a running node does with another configuration."""
    await node.store.take_over(holdings_of(config), within=20)
    node.service.use(PoolPlans.of(config))


async def test_a_running_node_takes_other_pools_and_numbers(start: Start) -> None:
    node = await start()
    assert await node.number("ads", "x") == OWN[0]
    more = Pool("more", ("b",), campaign="sale", publisher="paper")
    both = configuration(
        [changed(POOL, overflow="+18001235555"), more],
        own={"ads": ["+16025559999"], "more": ["+16025551111"]},
    )
    await take_over(node, both)
    assert node.live.find(OWN[0]) is None
    assert await node.number("ads", "y") == "+16025559999"
    assert await node.number("ads", "z") == "+18001235555"
    answer = await node.service.allocate(AllocationRequest("more", {"b": "1"}), within=10)
    assert (answer.number, answer.publisher) == ("+16025551111", "paper")
    assert live_binding(node, "+16025551111") == "1"
    await take_over(node, ads())
    with pytest.raises(RequestRefused):
        await node.number("more", "2")
    assert await node.number("ads", "y") == OWN[0]


async def test_with_the_database_away_a_node_says_at_once_that_it_has_not_taken_them(
    start: Start,
) -> None:
    node = await start()
    await node.database.close()
    began = time.monotonic()
    with pytest.raises(StoreAway):
        await take_over(node, ads(own={}))
    assert time.monotonic() - began < 10


async def test_calls_counted_for_a_pool_that_is_gone_are_forgotten(start: Start) -> None:
    node = await start()
    node.service.called("ads", OWN[0], None)
    assert node.service.counts_waiting == 1
    node.service.use(PoolPlans.of(configuration([])))
    assert node.service.counts_waiting == 0
    node.service.called("ads", OWN[0], None)
    assert node.service.counts_waiting == 0


async def test_a_pool_without_its_stock_gives_its_numbers_back(start: Start) -> None:
    first = await start()
    await first.number("ads", "x")
    assert await first.number("ads", "y") == SPARES[0]
    alone = ads(changed(POOL, stock=None, maximum_size=None))
    second = await start(alone)
    assert (await stock_and_pools(second))[SPARES[0]] == ("s", None)


async def test_attributes_can_be_asked_for(start: Start) -> None:
    spares = [StockNumber("+16025550000"), StockNumber("+18005550001", {"vanity": "FLOWERS"})]
    node = await start(ads(own={}, stocks={"s": spares}))

    async def ask(value: str, **attributes: str) -> tuple[str | None, str]:
        request = AllocationRequest("ads", {"a": value}, attributes=attributes)
        answer = await node.service.allocate(request, within=10)
        return answer.number, answer.step

    assert await ask("x", toll_free="yes", vanity="flowers") == ("+18005550001", "grown")
    assert await ask("y", area_code="303") == (OVERFLOW, "overflow")
    assert await ask("y", area_code="602") == ("+16025550000", "grown")


async def test_numbers_with_values_of_their_own_and_overflow_numbers_are_not_allocated(
    start: Start,
) -> None:
    fixed = Number("+16025551111", "exact", "sale", None, "ads", {"a": "home"})
    node = await start(ads(numbers=[fixed], stocks={"s": [*SPARES, OVERFLOW, "+16025551111"]}))
    assert set(await stock_and_pools(node)) == {*OWN, *SPARES}
    assert await node.number("ads", "home") == "+16025551111"


# Away.


@pytest.mark.slow
async def test_a_database_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    server = OwnServer()
    server.start()
    node = PoolNode(ads(), Database(server.dsn(), tmp_path))
    try:
        await node.start()
        number = await node.number("ads", "x")
        await asyncio.to_thread(server.stop)
        began = time.monotonic()
        answer = await node.service.allocate(AllocationRequest("ads", {"a": "x"}))
        assert (answer.number, answer.why) == (OVERFLOW, "database away")
        assert time.monotonic() - began < 1.5
        # Calls know the binding all the same, and are counted later.
        found = node.live.find(str(number))
        assert found is not None
        assert found.binding is not None
        node.service.called("ads", str(number), found.binding.binding_id)
        await asyncio.to_thread(server.start)
        await until(lambda: node.store.up, 20)
        assert await node.number("ads", "x") == number
        await node.service.flush()
        assert await rows(node, "SELECT sum(calls) FROM ring_numbers") == [(1,)]
    finally:
        await node.close()
        await asyncio.to_thread(server.close)


async def test_a_row_that_was_spoilt_by_hand_is_an_overflow_and_a_log_line(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    node = await start()
    await node.number("ads", "x")
    await rows(node, "ALTER TABLE ring_hours ADD CONSTRAINT full_up CHECK (bound < 2)")
    answer = await node.service.allocate(AllocationRequest("ads", {"a": "y"}))
    assert (answer.overflow, answer.why) == (True, "database away")
    assert "the database refuses" in caplog.text
    await rows(node, "ALTER TABLE ring_hours DROP CONSTRAINT full_up")
    assert await node.number("ads", "y") == SPARES[0]


async def test_a_pool_row_that_is_not_there_is_an_overflow(start: Start) -> None:
    node = await start()
    await rows(node, "DELETE FROM ring_pools")
    assert await node.number("ads", "x") == OVERFLOW


async def test_one_number_cannot_have_two_rows(start: Start) -> None:
    node = await start()
    with pytest.raises(asyncpg.UniqueViolationError):
        await rows(node, "INSERT INTO ring_numbers (number, position) VALUES ($1, 0)", OWN[0])
