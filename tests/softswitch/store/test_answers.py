"""Answers remembered for callers: at once in memory, soon in the database, then on other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from softswitch.store import answers, behind
from softswitch.store.answers import AnswerStore
from softswitch.store.postgres.database import Database
from tests.support.database import OwnServer

CALLER = "+16025550100"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(behind, "PAUSE_SECONDS", 0.05)


def store(dsn: str, folder: object) -> tuple[Database, AnswerStore]:
    database = Database(dsn, folder, node=False)  # type: ignore[arg-type]
    return database, AnswerStore(database, lambda: 1_700_000_000.0)


async def test_an_answer_is_known_at_once_without_a_database(tmp_path: object) -> None:
    _, kept = store("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    kept.keep(CALLER, "loyalty", "4711")
    assert kept.find(CALLER, "loyalty") == "4711"
    assert kept.find(CALLER, "zip") is None
    assert kept.find("+16025550199", "loyalty") is None
    await kept.close()
    assert kept.behind.waiting == 1


async def test_the_last_answer_is_there_after_a_restart(dsn: str, tmp_path: object) -> None:
    database, kept = store(dsn, tmp_path)
    await database.start()
    kept.keep(CALLER, "loyalty", "4711")
    kept.keep(CALLER, "loyalty", "4712")
    await kept.close()
    await database.close()
    database, again = store(dsn, tmp_path)
    await database.start()
    await until(lambda: again.find(CALLER, "loyalty") == "4712")
    await database.close()


async def test_another_node_hears_of_an_answer(dsn: str, tmp_path: object) -> None:
    one, here = store(dsn, tmp_path)
    other, there = store(dsn, tmp_path)
    await one.start()
    await other.start()
    here.keep(CALLER, "loyalty", "4711")
    await until(lambda: there.find(CALLER, "loyalty") == "4711")
    await here.close()
    await one.close()
    await other.close()


async def test_what_waited_while_the_database_was_away_is_written_later(tmp_path: object) -> None:
    server = await asyncio.to_thread(OwnServer)
    await asyncio.to_thread(server.start)
    dsn = await asyncio.to_thread(server.dsn)
    await asyncio.to_thread(server.stop)
    database, kept = store(dsn, tmp_path)
    await database.start(wait=0.1)
    kept.keep(CALLER, "loyalty", "4711")
    await asyncio.sleep(0.2)
    assert kept.behind.waiting == 1
    await asyncio.to_thread(server.start)
    await until(lambda: kept.behind.waiting == 0)
    await kept.close()
    await database.close()
    await asyncio.to_thread(server.close)


async def test_memory_is_bounded(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_ANSWERS", 2)
    _, kept = store("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    for number in ("1", "2"):
        kept.keep(number, "loyalty", number)
    assert kept.find("1", "loyalty") == "1"
    kept.keep("3", "loyalty", "3")
    assert kept.find("2", "loyalty") is None
    assert kept.find("1", "loyalty") == "1"
    await kept.close()


async def test_a_notification_by_somebody_else_does_no_harm(tmp_path: object) -> None:
    _, kept = store("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    for payload in ("", "{}", "[1]", '["a","b","c","d"]'):
        kept._heard(payload)
    assert kept.find("a", "b") is None
