"""Bans on a real PostgreSQL, shared by nodes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from softswitch.campaign.fraud import Ban, FraudList
from softswitch.store import fraud as fraud_module
from softswitch.store.fraud import FraudStore
from softswitch.store.postgres.database import Database
from tests.support.credit_desks import until
from tests.support.database import OwnServer

NOW = 1_780_000_000.0
BAN = Ban("Sale", "short calls", "caller", "+14155550100", NOW + 600)


class BanNode:
    def __init__(self, dsn: str, folder: Path) -> None:
        self.database = Database(dsn, folder)
        self.bans = FraudList()
        self.store = FraudStore(self.database, self.bans, wall_clock=lambda: NOW)

    async def start(self) -> "BanNode":
        await self.database.start()
        self.store.start()
        return self

    def ban(self, *bans: Ban) -> None:
        self.bans.put(bans)
        self.store.put(bans)

    async def close(self) -> None:
        await self.store.close()
        await self.database.close()


@pytest.fixture
async def two(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[BanNode, BanNode]]:
    nodes = [await BanNode(dsn, tmp_path / name).start() for name in "ab"]
    yield nodes[0], nodes[1]
    for node in nodes:
        await node.close()


async def test_a_ban_of_one_node_holds_on_the_other(two: tuple[BanNode, BanNode]) -> None:
    first, second = two
    first.ban(BAN)
    await until(lambda: list(second.bans.bans()) == [BAN])


async def test_a_node_that_starts_later_knows_the_bans_in_force(
    dsn: str, tmp_path: Path, two: tuple[BanNode, BanNode]
) -> None:
    over = Ban("Sale", "short calls", "caller", "+14155550199", NOW - 1)
    two[0].ban(BAN, over)
    await until(lambda: len(two[1].bans) == 2)
    third = await BanNode(dsn, tmp_path / "c").start()
    await until(lambda: list(third.bans.bans()) == [BAN])
    await third.close()


async def test_a_ban_is_lengthened_in_the_database_too(
    dsn: str, two: tuple[BanNode, BanNode]
) -> None:
    longer = Ban(BAN.campaign, BAN.rule, BAN.who, BAN.value, NOW + 900)
    two[0].ban(longer, BAN)
    await until(lambda: list(two[1].bans.bans()) == [longer])
    connection = await asyncpg.connect(dsn)
    assert [tuple(row) for row in await connection.fetch("SELECT until FROM fraud_bans")] == [
        (NOW + 900,)
    ]
    await connection.close()


async def test_more_bans_than_one_notification_holds_are_all_heard_of(
    two: tuple[BanNode, BanNode],
) -> None:
    bans = [Ban("Sale", "r" * 50, "caller", f"+1415555{n:04}", NOW + 60) for n in range(300)]
    two[0].ban(*bans)
    await until(lambda: len(two[1].bans) == 300)


async def test_bans_that_are_over_leave_the_database(
    dsn: str, two: tuple[BanNode, BanNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fraud_module, "SWEEP_SECONDS", 0.0)
    two[0].ban(Ban("Sale", "r", "caller", "x", NOW - 1))
    connection = await asyncpg.connect(dsn)
    await until(lambda: len(two[0].bans) == 0)
    for _ in range(200):
        if not await connection.fetchval("SELECT count(*) FROM fraud_bans"):
            break
        await asyncio.sleep(0.02)
    assert await connection.fetchval("SELECT count(*) FROM fraud_bans") == 0
    await connection.close()


async def test_with_the_database_away_a_ban_holds_here_and_is_told_later(tmp_path: Path) -> None:
    server = OwnServer()
    server.start()
    dsn = server.dsn()
    first, second = [await BanNode(dsn, tmp_path / name).start() for name in "ab"]
    try:
        await asyncio.to_thread(server.stop)
        await until(lambda: not first.database.up and not second.database.up)
        first.ban(BAN)
        assert list(first.bans.bans()) == [BAN]
        await asyncio.to_thread(server.start)
        await until(lambda: list(second.bans.bans()) == [BAN], within=20)
    finally:
        await first.close()
        await second.close()
        await asyncio.to_thread(server.close)
