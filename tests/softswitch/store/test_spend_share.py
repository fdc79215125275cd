"""What a campaign spends on one node counts on all, through restarts and without the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from softswitch.campaign.spend import SpendBook
from softswitch.store import spend_share
from softswitch.store.postgres.database import Database
from softswitch.store.spend_share import SpendShare
from tests.support.credit_desks import until
from tests.support.database import OwnServer

CENT = Decimal("0.01")


class Node:
    """A node with a clock of its own, which began at another time than those of others."""

    def __init__(self, dsn: str, folder: Path, began: float) -> None:
        self.now = began
        self.book = SpendBook()
        self.book.is_watching = True
        self.database = Database(dsn, folder)
        self.share = SpendShare(self.database, self.book, now=lambda: self.now, every=0.05)

    async def start(self) -> Node:
        await self.database.start()
        assert self.database.up, self.database.reason
        return self

    def pay(self, amount: Decimal, campaign: str = "sale") -> None:
        self.book.pay(campaign, amount, self.now)

    def spent(self, campaign: str = "sale") -> Decimal:
        return self.book.spent(campaign, self.now)

    async def close(self) -> None:
        await self.share.close()
        await self.database.close()


@pytest.fixture
async def two(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    nodes = [await Node(dsn, tmp_path / name, at).start() for name, at in (("a", 7.0), ("b", 9e6))]
    yield nodes[0], nodes[1]
    for node in nodes:
        await node.close()


async def test_what_one_node_spends_counts_on_the_other(two: tuple[Node, Node]) -> None:
    first, second = two
    first.pay(3 * CENT)
    second.pay(4 * CENT)
    second.pay(CENT, "other")
    for node in (first, second, first):
        assert await node.share.share()
    assert first.spent() == second.spent() == 7 * CENT
    assert first.spent("other") == CENT


async def test_a_minute_that_goes_on_is_told_anew_and_counts_once(two: tuple[Node, Node]) -> None:
    first, second = two
    for _ in range(3):
        first.pay(CENT)
        assert await first.share.share()
        assert await first.share.share()
    assert await second.share.share()
    assert second.spent() == 3 * CENT


async def test_what_others_spent_an_hour_ago_counts_no_more(
    two: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    first.pay(CENT)
    first.now += 3500.0
    first.pay(5 * CENT)
    assert await first.share.share()
    assert await second.share.share()
    assert second.spent() == 6 * CENT
    # The minute was begun 3500 seconds ago and more.
    monkeypatch.setattr(spend_share, "HOUR", 3490.0)
    assert await second.share.share()
    assert second.spent() == 5 * CENT
    monkeypatch.setattr(spend_share, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(spend_share, "HOUR", 1700.0)
    await second.share._sweep()
    monkeypatch.undo()
    assert await second.share.share()
    assert second.spent() == 5 * CENT


async def test_a_node_that_was_restarted_knows_what_it_had_spent(dsn: str, tmp_path: Path) -> None:
    before = await Node(dsn, tmp_path / "a", 100.0).start()
    before.share.start()
    before.pay(2 * CENT)
    await before.close()
    after = await Node(dsn, tmp_path / "a", 50.0).start()
    assert await after.share.share()
    assert after.spent() == 2 * CENT
    await after.close()


async def test_the_task_tells_and_hears_by_itself(two: tuple[Node, Node]) -> None:
    first, second = two
    first.share.start()
    second.share.start()
    first.pay(CENT)
    await until(lambda: second.spent() == CENT)


async def test_nothing_is_asked_while_no_campaign_has_a_limit(two: tuple[Node, Node]) -> None:
    first, second = two
    first.pay(CENT)
    second.book.is_watching = False
    first.share.start()
    second.share.start()
    await until(lambda: not first.book.news(first.now, most=1))
    assert second.spent() == 0


async def test_a_node_goes_by_its_own_sums_while_the_database_is_away(tmp_path: Path) -> None:
    server = OwnServer()
    server.start()
    try:
        dsn = server.dsn()
        first = await Node(dsn, tmp_path / "a", 0.0).start()
        second = await Node(dsn, tmp_path / "b", 0.0).start()
        first.pay(CENT)
        assert await first.share.share()
        assert await second.share.share()
        server.stop()
        first.pay(CENT)
        second.pay(5 * CENT)
        await until(lambda: not first.database.up and not second.database.up)
        assert not await first.share.share()
        assert not await second.share.share()
        assert second.spent() == 6 * CENT
        server.start()
        await until(lambda: first.database.up and second.database.up, within=30.0)
        assert await first.share.share()
        assert await second.share.share()
        assert second.spent() == 7 * CENT
        await first.close()
        await second.close()
    finally:
        server.close()
