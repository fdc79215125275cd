"""Numbers that each stand for one call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from config.caller_ids import UniqueKeys
from softswitch.store import behind
from softswitch.store.caller_ids import HOLD_SECONDS, WARN_SECONDS, CallerIdStore
from softswitch.store.postgres.database import Database

FIRST, LAST = "+16025550000", "+16025550004"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_each_call_has_a_number_of_its_own() -> None:
    store = CallerIdStore(None, Clock())
    numbers = [store.take(f"call-{i}", FIRST, LAST) for i in range(5)]
    assert sorted(map(str, numbers)) == [f"+1602555000{i}" for i in range(5)]
    assert store.call_of("+16025550003") == f"call-{numbers.index('+16025550003')}"


def test_the_legs_of_a_call_have_the_same_number() -> None:
    store = CallerIdStore(None, Clock())
    assert store.take("call", FIRST, LAST) == store.take("call", FIRST, LAST)


def test_there_is_none_when_all_are_in_use_and_again_when_they_have_rested() -> None:
    clock = Clock()
    store = CallerIdStore(None, clock)
    for i in range(5):
        store.take(f"call-{i}", FIRST, LAST)
    assert store.take("sixth", FIRST, LAST) is None
    clock.now += HOLD_SECONDS
    assert store.take("seventh", FIRST, LAST) is not None


def test_a_range_that_is_used_up_is_told_of_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    store = CallerIdStore(None, clock)

    def told(campaign: str = "sale") -> int:
        store.take(f"call-{clock.now}-{campaign}", FIRST, LAST, campaign=campaign)
        return caplog.text.count(f"campaign {campaign}: ")

    for _ in range(5):
        assert told() == 0
        clock.now += 1
    assert told() == 1
    assert f"all numbers of {FIRST} to {LAST} are in use (for 4 hours each)" in caplog.text
    assert told("other") == 1
    clock.now += WARN_SECONDS - 1
    assert told() == 1
    clock.now += 1
    assert told() == 2
    clock.now -= 1000
    assert told() == 3, "the clock was set back"


def test_how_long_a_number_rests_is_what_the_reference_says() -> None:
    assert HOLD_SECONDS == 4 * 3600
    assert "for four hours" in UniqueKeys.UNIQUE.about


def test_a_range_that_is_none_gives_nothing() -> None:
    assert CallerIdStore(None, Clock()).take("call", LAST, FIRST) is None


async def test_which_call_it_was_stands_in_the_database_and_holds_after_a_restart(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behind, "GATHER_SECONDS", 0.01)
    clock = Clock()
    database = Database(dsn, tmp_path, node=False)
    store = CallerIdStore(database, clock)
    await database.start()
    taken = {store.take(f"call-{i}", FIRST, LAST) for i in range(4)}
    await store.close()
    rows = await database.run(
        lambda connection: connection.fetch("SELECT number, call_id FROM caller_ids"), within=5
    )
    assert {row["number"] for row in rows} == taken
    await database.close()

    database = Database(dsn, tmp_path, node=False)
    again = CallerIdStore(database, clock)
    await database.start()
    async with asyncio.timeout(5):
        while again.call_of(str(next(iter(taken)))) is None:
            await asyncio.sleep(0.02)
    assert again.take("fresh", FIRST, LAST) not in taken
    await again.close()
    await database.close()
