"""Credit desks of one and several nodes on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from config.model import Campaign, Cap, Connect, Destination, Number, Treatment
from softswitch.store.credit import charge
from softswitch.store.postgres.database import Database
from softswitch.switchboard.credit import CapExceeded, Credit
from tests.support.credit_desks import DeskNode, capped, configuration_of, until
from tests.support.database import OwnServer

Begin = Callable[..., Awaitable[DeskNode]]
DAILY = Cap("daily cap", "daily", Decimal(10))
AT_ONCE = Cap("at once", "concurrent", Decimal(10))


@pytest.fixture
async def begin(dsn: str, tmp_path: Path) -> AsyncIterator[Begin]:
    """Starts nodes on one database, by folder; closes those that are left."""
    nodes: list[DeskNode] = []

    async def begin(folder: str, *campaigns: Campaign, free: int = 1) -> DeskNode:
        node = await DeskNode(dsn, tmp_path / folder, *campaigns).start()
        nodes.append(node)
        await until(lambda: node.free >= free)
        return node

    yield begin
    for node in nodes:
        await node.close()


async def used(dsn: str) -> Decimal:
    connection = await asyncpg.connect(dsn)
    try:
        return Decimal(await connection.fetchval("SELECT coalesce(sum(used), 0) FROM cap_counts"))
    finally:
        await connection.close()


async def held(dsn: str) -> Decimal:
    connection = await asyncpg.connect(dsn)
    try:
        return Decimal(
            await connection.fetchval(
                "SELECT coalesce(sum(granted - counted - returned), 0) FROM cap_leases"
            )
        )
    finally:
        await connection.close()


def kept(credit: Credit) -> None:
    credit.keep(connected=True, converted=lambda cap: True)


async def test_a_node_that_is_alone_takes_a_cap_to_its_last_unit_at_once(begin: Begin) -> None:
    node = await begin("a", capped(DAILY), free=10)
    outcomes = [node.take(f"call {number}") for number in range(11)]
    assert all(isinstance(one, Credit) for one in outcomes[:10])
    assert outcomes[10] == CapExceeded("daily cap", "sale", "sale", "10", None)


async def test_credit_is_refilled_ahead_of_calls_that_come_one_after_the_other(
    begin: Begin,
) -> None:
    node = await begin("a", capped(Cap("daily cap", "daily", Decimal(300))), free=30)
    refused = 0
    for number in range(300):
        refused += isinstance(node.take(f"call {number}"), CapExceeded)
        await asyncio.sleep(0.004)
    assert refused == 0
    assert isinstance(node.take("one more"), CapExceeded)


async def test_a_call_that_was_not_connected_gives_its_place_to_the_next(begin: Begin) -> None:
    node = await begin("a", capped(DAILY), free=10)
    credits = [node.take(f"call {number}") for number in range(10)]
    assert isinstance(credits[0], Credit)
    credits[0].give_back()
    credits[0].give_back()
    assert isinstance(node.take(), Credit)
    assert isinstance(node.take(), CapExceeded)


async def test_legs_that_ring_together_count_once_for_the_campaign(begin: Begin) -> None:
    campaign = capped(
        Cap("at once", "concurrent", Decimal(1)),
        Cap("each agent", "concurrent", Decimal(1), scope="destination"),
    )
    node = await begin("a", campaign)
    node.take("earlier", destination="+16025551234")
    node.take("earlier", destination="+16026661234")
    await until(lambda: node.free >= 3)
    first = node.take("call", destination="+16025551234")
    assert isinstance(first, Credit)
    beside = node.desk.take(
        campaign, publisher=None, destination="+16026661234", call_id="call", beside=first
    )
    assert isinstance(beside, Credit)
    first.give_back()
    assert node.desk.holds("call", "sale")
    other = node.take("other", destination="+16025551234")
    assert isinstance(other, CapExceeded)
    assert other.cap == "at once"
    beside.give_back()
    assert isinstance(node.take("other", destination="+16025551234"), Credit)


async def test_a_cap_on_conversion_counts_conversions_alone(begin: Begin, dsn: str) -> None:
    node = await begin("a", capped(Cap("sales", "monthly", Decimal(3), counts="conversion")))
    await until(lambda: node.free == 3)
    for number in range(10):
        assert isinstance(node.take(f"call {number}"), Credit)
        answer = number in (4, 9)

        def converted(_name: str, _cap: Cap, answer: bool = answer) -> bool:
            return answer

        node.desk.settle(f"call {number}", connected=True, converted=converted, amounts={})
    await node.close()
    assert await used(dsn) == 2
    assert await held(dsn) == 0


async def test_a_budget_reserves_the_highest_payout_and_keeps_what_was_earned(
    begin: Begin, dsn: str
) -> None:
    node = await begin("a", capped(Cap("budget", "budget", Decimal(12), period="day")), free=12)
    assert isinstance(node.take("one"), Credit)
    assert isinstance(node.take("two"), Credit)
    third = node.take("three")
    assert isinstance(third, CapExceeded)
    assert third.limit == "12"
    node.desk.settle(
        "one", connected=True, converted=lambda *_: True, amounts={"sale": Decimal("1.50")}
    )
    assert isinstance(node.take("three"), Credit)
    await node.close()
    assert await used(dsn) == Decimal("1.50")


async def test_two_nodes_share_a_cap_and_use_all_of_it(begin: Begin, dsn: str) -> None:
    campaign = capped(Cap("daily cap", "daily", Decimal(50)))
    first, second = await begin("a", campaign), await begin("b", campaign)
    taken = await asyncio.gather(first.taken(), second.taken())
    assert sum(map(len, taken)) == 50
    assert min(map(len, taken)) > 5
    for credit in (*taken[0], *taken[1]):
        kept(credit)
    await first.close()
    await second.close()
    assert [await used(dsn), await held(dsn)] == [Decimal(50), Decimal(0)]


async def test_an_idle_node_hands_over_what_another_needs(begin: Begin) -> None:
    campaign = capped(DAILY)
    idle = await begin("a", campaign, free=10)
    busy = await DeskNode(
        idle.database._dsn, idle.journal._path.parent.parent / "b", campaign
    ).start()
    try:
        block = next(iter(idle.desk.ledger.blocks.values()))
        block.touched_at -= 60
        assert len(await busy.taken()) == 10
    finally:
        await busy.close()


async def test_credit_is_given_back_when_a_node_stops(begin: Begin, dsn: str) -> None:
    node = await begin("a", capped(DAILY), free=10)
    credit = node.take()
    assert isinstance(credit, Credit)
    kept(credit)
    await node.close()
    assert [await used(dsn), await held(dsn)] == [Decimal(1), Decimal(0)]


async def test_after_a_crash_what_calls_took_stays_counted_and_the_rest_returns(
    begin: Begin, dsn: str
) -> None:
    node = await begin("a", capped(DAILY, AT_ONCE), free=20)
    kept(node.take("ended"))  # type: ignore[arg-type]
    for number in range(3):
        assert isinstance(node.take(f"call {number}"), Credit)
    await node.die()
    assert await held(dsn) == 20
    again = await begin("a", capped(DAILY, AT_ONCE), free=16)
    assert await used(dsn) == 4
    assert len(await again.taken()) == 6


async def test_without_its_journal_all_that_a_dead_process_held_counts_as_used(
    begin: Begin, dsn: str
) -> None:
    node = await begin("a", capped(DAILY), free=10)
    await node.die()
    (node.journal._path).unlink()
    await begin("a", capped(DAILY), free=0)
    await until(lambda: node.database is not None)
    for _ in range(100):
        if await used(dsn) == 10:
            break
        await asyncio.sleep(0.05)
    assert await used(dsn) == 10


async def test_a_limit_that_is_lowered_takes_free_credit_back(begin: Begin, dsn: str) -> None:
    node = await begin("a", capped(DAILY), free=10)
    node.take("one")
    node.campaign = capped(Cap("daily cap", "daily", Decimal(4)))
    node.desk.use(configuration_of(node.campaign))
    node.take("two")
    block = next(iter(node.desk.ledger.blocks.values()))
    block.told_at = block.retry_at = float("-inf")
    await until(lambda: block.granted - block.returned <= 4)
    assert isinstance(node.take("three"), Credit)
    assert isinstance(node.take("four"), Credit)
    assert isinstance(node.take("five"), CapExceeded)


async def test_with_the_database_away_the_credit_held_is_used_and_then_calls_are_over_the_cap(
    tmp_path: Path,
) -> None:
    server = OwnServer()
    server.start()
    campaign = capped(Cap("daily cap", "daily", Decimal(100)))
    node = await DeskNode(server.dsn(), tmp_path / "a", campaign).start()
    try:
        await until(lambda: node.free >= 32)
        await asyncio.to_thread(server.stop)
        await until(lambda: not node.database.up)
        held_then = int(node.free)
        outcomes = [node.take(f"call {number}") for number in range(held_then + 1)]
        assert all(isinstance(one, Credit) for one in outcomes[:-1])
        assert isinstance(outcomes[-1], CapExceeded)
        assert outcomes[-1].why == "database away"
        kept(outcomes[0])  # type: ignore[arg-type]
        await asyncio.to_thread(server.start)
        await until(lambda: node.free > 0, within=20)
        assert len(await node.taken()) == 100 - held_then
    finally:
        await node.close()
        await asyncio.to_thread(server.close)


async def test_a_cap_without_a_database_yet_lets_nobody_through(tmp_path: Path) -> None:
    node = await DeskNode("postgresql://nobody@127.0.0.1:1/none", tmp_path, capped(DAILY)).start()
    outcome = node.take()
    assert isinstance(outcome, CapExceeded)
    assert outcome.why == "database away"
    await node.close()


async def test_a_call_whose_credit_cannot_be_written_down_is_over_the_cap(begin: Begin) -> None:
    node = await begin("a", capped(DAILY), free=10)
    node.journal.close()
    outcome = node.take()
    assert isinstance(outcome, CapExceeded)
    assert outcome.why == "the journal cannot be written"
    assert node.free == 10


async def test_the_first_calls_find_credit_when_the_switch_waited_for_it(
    dsn: str, tmp_path: Path
) -> None:
    node = await DeskNode(dsn, tmp_path, capped(DAILY)).start()
    assert await node.desk.loaded(within=5)
    assert isinstance(node.take(), Credit)
    await node.close()


async def test_the_first_call_to_each_publisher_and_destination_finds_credit(
    dsn: str, tmp_path: Path
) -> None:
    campaign = capped(
        Cap("each agent", "concurrent", Decimal(1), scope="destination"),
        Cap("each publisher", "daily", Decimal(1), scope="publisher"),
    )
    agents = tuple(Destination("number", f"+1602555123{number}") for number in range(3))
    configuration = replace(
        configuration_of(campaign),
        numbers=(Number("+18666831950", "exact", "sale", publisher="p7"),),
        treatments={"t": Treatment("t", (Connect("agents", agents),))},
    )
    node = DeskNode(dsn, tmp_path, campaign)
    node.desk.use(configuration)
    await node.start()
    assert await node.desk.loaded(within=5)
    taken = [
        node.desk.take(campaign, publisher=publisher, destination=agent.number, call_id="call")
        for publisher, agent in zip((None, "p7"), agents, strict=False)
    ]
    assert all(isinstance(one, Credit) for one in taken)
    await node.close()


async def test_a_desk_without_a_database_does_not_make_the_switch_wait_long(
    tmp_path: Path,
) -> None:
    node = await DeskNode("postgresql://x@127.0.0.1:1/x", tmp_path, capped(DAILY)).start()
    assert not await node.desk.loaded(within=0.05)
    await node.close()


async def test_what_an_earlier_process_says_late_is_not_heard(begin: Begin, dsn: str) -> None:
    node = await begin("a", capped(DAILY), free=10)
    store = node.desk._store
    await begin("a", capped(DAILY), free=10)
    reports = node.desk.ledger.close(node.desk._now())
    assert await store.sync(reports) is None


async def test_a_charge_for_later_results_finds_what_a_node_holds_without_need(
    begin: Begin, dsn: str, tmp_path: Path
) -> None:
    budget = Cap("spend", "budget", Decimal(50), period="month")
    campaign = capped(budget)
    await begin("a", campaign)
    database = Database(dsn, tmp_path / "other", node=False)
    await database.start()
    try:
        assert await held(dsn) > 0
        charged = await charge(
            database, campaign, publisher=None, destination=None, amount=Decimal(40)
        )
    finally:
        await database.close()
    assert charged == 40
