"""Records come into the table of calls exactly once, whatever crashes when."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from softswitch.store import calls as calls_module
from softswitch.store.calls import CallWriter
from softswitch.store.calls_table import UnknownCall, add_version
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway
from tests.support.database import OwnServer
from tests.support.records import FIRST_CALL_AT, append, line, record

T = TypeVar("T")
DEADLINE = 30.0


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for company."""
    monkeypatch.setattr(calls_module, "GATHER_SECONDS", 0.001)
    monkeypatch.setattr(calls_module, "LOOK_SECONDS", 0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """records.jsonl"""
    return tmp_path / "records.jsonl"


@asynccontextmanager
async def writing(database: Database, path: Path) -> AsyncIterator[CallWriter]:
    writer = CallWriter(database, path)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close()


async def query(database: Database, statement: str, *arguments: object) -> list[Any]:
    async def work(connection: Connection) -> list[Any]:
        return list(await connection.fetch(statement, *arguments))

    return await database.run(work, within=10.0)


async def call_ids(database: Database) -> list[str]:
    rows = await query(database, "SELECT call_id FROM calls ORDER BY received_at")
    return [row["call_id"] for row in rows]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.02)


def names(count: int) -> list[str]:
    return [f"call-{n:05}" for n in range(count)]


async def test_a_record_becomes_a_row_with_all_its_columns(database: Database, path: Path) -> None:
    append(path, line(1))
    async with writing(database, path):
        pass
    (row,) = await query(database, "SELECT * FROM calls")
    kept = dict(row)
    assert json.loads(kept.pop("record")) == record(1)
    assert json.loads(kept.pop("parameters")) == {"location": "footer", "path": "home"}
    assert kept.pop("inserted_at") > kept["received_at"]
    assert kept == {
        "call_id": "call-00001",
        "version": 1,
        "node": database.node.id,
        "campaign": "2011 Sale",
        "publisher": "p1",
        "number": "+18888695345",
        "called": "8888695345",
        "caller": "+12135550001",
        "pool": "Ad Placement",
        "received_at": datetime.fromtimestamp(FIRST_CALL_AT + 1, UTC),
        "answered_at": datetime.fromtimestamp(FIRST_CALL_AT + 1.5, UTC),
        "ended_at": datetime.fromtimestamp(FIRST_CALL_AT + 131.5, UTC),
        "ivr_seconds": 4.5,
        "ring_seconds": 5.0,
        "talk_seconds": 120.5,
        "total_seconds": 130.5,
        "ended_by": "calling",
        "cause": "normal",
        "rating": "high",
        "amount": Decimal("15.00"),
        "currency": "USD",
    }


async def test_a_bare_record_is_a_row_too(database: Database, path: Path) -> None:
    bare = {"call_id": "bare", "version": 1, "received_at": "2026-01-01T00:00:00.000Z"}
    nothing = dict.fromkeys(("binding", "rating", "payout", "publisher", "talk_seconds"))
    append(path, json.dumps({**nothing, **bare}).encode() + b"\n")
    async with writing(database, path) as writer:
        pass
    assert writer.skipped == 0
    assert await call_ids(database) == ["bare"]


async def test_what_is_appended_while_it_runs_follows(database: Database, path: Path) -> None:
    async with writing(database, path) as writer:
        for number in range(5):
            append(path, line(number))
            writer.wake()
            count = number + 1

            async def there() -> bool:
                return len(await call_ids(database)) == count  # noqa: B023 - awaited at once

            await until(there)
    assert await call_ids(database) == names(5)


async def test_a_line_half_written_waits_for_its_end(database: Database, path: Path) -> None:
    append(path, line(0), line(1)[:100])
    async with writing(database, path):
        pass
    assert await call_ids(database) == names(1)
    append(path, line(1)[100:])
    async with writing(database, path):
        pass
    assert await call_ids(database) == names(2)


async def test_what_is_no_record_is_passed_over_told_and_counted(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [
        b"{\n",
        b"\xff\xfe\n",
        b"[1]\n",
        b"\n",
        b'{"call_id": null, "version": 1, "received_at": "2026-01-01T00:00:00Z"}\n',
        line(90, received_at="some day"),
        line(91, payout={"amount": "much", "currency": "USD"}),
        line(92, version="x"),
        b"[" * 100_000 + b"\n",
    ]
    mixed = [part for number, bad in enumerate(broken) for part in (line(number), bad)]
    append(path, *mixed, line(len(broken)))
    async with writing(database, path) as writer:
        pass
    assert await call_ids(database) == names(len(broken) + 1)
    assert writer.skipped == len(broken)
    assert f"the line at byte {len(line(0))} of the records" in caplog.text
    (row,) = await query(database, "SELECT position, skipped FROM record_files")
    assert (row["position"], row["skipped"]) == (path.stat().st_size, len(broken))


async def test_a_nul_of_a_peers_is_no_hindrance(database: Database, path: Path) -> None:
    append(path, line(0, signalling={"name": "a\0b", "x\0": ["\0"]}), line(1))
    async with writing(database, path) as writer:
        pass
    assert writer.skipped == 0
    rows = await query(database, "SELECT record ->> 'signalling' AS s FROM calls ORDER BY call_id")
    assert json.loads(rows[0]["s"]) == {"name": "a\ufffdb", "x\ufffd": ["\ufffd"]}


async def test_a_very_long_text_fits_all_the_same(database: Database, path: Path) -> None:
    append(path, line(0, caller="+" + "1" * 50_000, campaign="c" * 9000))
    async with writing(database, path) as writer:
        pass
    assert (writer.written, writer.skipped) == (1, 0)


# Exactly once.


class UnluckyDatabase:
    """A database whose answers get lost before, in the middle of, and after a transaction."""

    def __init__(self, database: Database, seed: int) -> None:
        self.node = database.node
        self.up = True
        self.losses = 0
        self._database = database
        self._random = random.Random(seed)

    def on_up(self, callback: Callable[[], Awaitable[None]]) -> None:
        pass

    async def run(self, work: Callable[[Connection], Awaitable[T]], *, within: float) -> T:
        fate = self._random.choice(("before", "within", "after", "well", "well"))
        self.losses += fate != "well"
        if fate == "before":
            raise DatabaseAway("lost before")

        async def unlucky(connection: Connection) -> T:
            result = await work(connection)
            if fate == "within":
                raise DatabaseAway("lost within")
            return result

        result = await self._database.run(unlucky, within=within)
        if fate == "after":
            raise DatabaseAway("lost after the commit")
        return result


@pytest.mark.parametrize("seed", range(4))
async def test_lost_answers_lose_and_double_nothing(
    database: Database, path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MAX_BATCH_LINES", 3)
    unlucky = UnluckyDatabase(database, seed)
    append(path, *(line(n) for n in range(40)))
    async with writing(unlucky, path):  # type: ignore[arg-type]

        async def all_there() -> bool:
            return await call_ids(database) == names(40)

        await until(all_there)
    assert unlucky.losses > 5
    (row,) = await query(database, "SELECT count(*) AS n FROM calls")
    assert row["n"] == 40


@pytest.mark.slow
async def test_a_switch_killed_again_and_again_loses_and_doubles_nothing(
    dsn: str, tmp_path: Path, path: Path
) -> None:
    """Whoever follows the file is killed at no chosen moment; the file grows meanwhile."""
    script = f"""
        import asyncio
        from pathlib import Path
        from softswitch.store import calls
        from softswitch.store.postgres.database import Database
        calls.MAX_BATCH_LINES = 5
        calls.GATHER_SECONDS = 0.001
        async def main():
            database = Database({dsn!r}, Path({str(tmp_path)!r}))
            writer = calls.CallWriter(database, Path({str(path)!r}))
            await database.start()
            print("up", flush=True)
            writer.start()
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    count = 0
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert child.stdout is not None
        child.stdout.readline()
        for _ in range(40):
            append(path, *(line(n) for n in range(count, count + 10)))
            count += 10
            await asyncio.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    database = Database(dsn, tmp_path)
    await database.start()
    before = len(await call_ids(database))
    assert before > 0
    async with writing(database, path):
        pass
    assert await call_ids(database) == names(count)
    await database.close()


@pytest.mark.slow
async def test_a_server_killed_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MAX_BATCH_LINES", 10)
    server = OwnServer()
    server.start()
    database = Database(server.dsn(), tmp_path)
    await database.start()
    async with writing(database, path) as writer:
        for start in range(0, 600, 200):
            append(path, *(line(n) for n in range(start, start + 200)))
            writer.wake()
            await asyncio.sleep(0.05)
            assert server.server.pid is not None
            os.kill(server.server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.start)

        async def all_there() -> bool:
            try:
                return len(await call_ids(database)) >= 600
            except DatabaseAway:
                return False

        await until(all_there)
    assert await call_ids(database) == names(600)
    await database.close()
    server.close()


async def test_records_wait_on_disk_while_the_database_is_away(tmp_path: Path, path: Path) -> None:
    server = OwnServer()
    server.start()
    database = Database(server.dsn(), tmp_path)
    await database.start()
    server.stop()
    async with writing(database, path) as writer:
        append(path, *(line(n) for n in range(50)))
        writer.wake()
        await asyncio.sleep(0.1)
        server.start()

        async def all_there() -> bool:
            return writer.written == 50

        await until(all_there)
    assert await call_ids(database) == names(50)
    await database.close()
    server.close()


# The file.


async def test_a_file_cut_while_it_is_followed_is_read_from_its_beginning(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    append(path, *(line(n) for n in range(3)))
    async with writing(database, path) as writer:

        async def count(expected: int) -> None:
            async def there() -> bool:
                return len(await call_ids(database)) == expected

            await until(there)

        await count(3)
        path.write_bytes(b"")
        append(path, *(line(n) for n in range(10, 12)))
        writer.wake()
        await count(5)
        path.write_bytes(b"")
        append(path, *(line(n) for n in range(20, 40)))  # longer than what was read
        writer.wake()
        await count(25)
    assert caplog.text.count("is not the file that was read up to byte") == 2


async def test_a_file_replaced_between_two_starts_is_read_from_its_beginning(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    append(path, *(line(n) for n in range(3)))
    async with writing(database, path):
        pass
    path.rename(path.with_suffix(".1"))
    append(path, *(line(n) for n in range(3, 9)))
    async with writing(database, path):
        pass
    assert await call_ids(database) == names(9)
    assert "softswitch records import" in caplog.text


async def test_a_file_moved_away_is_followed_where_it_went(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    append(path, line(0))
    async with writing(database, path) as writer:

        async def first() -> bool:
            return writer.written == 1

        await until(first)
        moved = path.with_suffix(".1")
        path.rename(moved)
        append(moved, line(1))
    assert await call_ids(database) == names(2)
    assert caplog.text.count("was moved away") == 1


async def test_a_missing_file_is_waited_for(database: Database, path: Path) -> None:
    async with writing(database, path) as writer:
        await asyncio.sleep(0.05)
        append(path, line(0))

        async def there() -> bool:
            return writer.written == 1

        await until(there)


async def test_a_loop_is_not_held_by_a_long_file(database: Database, path: Path) -> None:
    """What the loop handles in one turn is bounded by the batch, not by the file."""
    append(path, *(line(n) for n in range(1000)))
    async with writing(database, path) as writer:

        async def all_there() -> bool:
            return writer.written == 1000

        await until(all_there)
    (row,) = await query(database, "SELECT count(DISTINCT inserted_at) AS n FROM calls")
    assert row["n"] >= 1000 / calls_module.MAX_BATCH_LINES


# Corrections.


async def test_a_result_makes_a_new_version(database: Database, path: Path) -> None:
    append(path, line(0))
    async with writing(database, path):
        pass
    given = {
        "results": {"sale": True, "amount": Decimal("199.90")},
        "payout": {"amount": "34.99"},
        "rating": {"rating": "low"},
    }
    made = await add_version(database, "call-00000", given)
    assert made["version"] == 2
    assert made["payout"] == {"amount": "34.99", "currency": "USD", "rules": []}
    (row,) = await query(database, "SELECT version, amount, rating, record FROM calls")
    assert (row["version"], row["amount"], row["rating"]) == (2, Decimal("34.99"), "low")
    kept = json.loads(row["record"])
    assert kept["results"] == {"sale": True, "amount": "199.90"}
    assert kept["talk_seconds"] == 120.5
    again = await add_version(database, "call-00000", {"results": {"sale": False}})
    assert (again["version"], again["results"]) == (3, {"sale": False, "amount": "199.90"})


async def test_results_at_once_each_make_a_version(database: Database, path: Path) -> None:
    append(path, line(0))
    async with writing(database, path):
        pass

    def one_more(present: dict[str, Any]) -> dict[str, Any]:
        return {"count": present.get("count", 0) + 1}

    await asyncio.gather(*(add_version(database, "call-00000", one_more) for _ in range(8)))
    (row,) = await query(database, "SELECT version, record ->> 'count' AS count FROM calls")
    assert (row["version"], row["count"]) == (9, "8")
    rows = await query(database, "SELECT version FROM call_corrections ORDER BY version")
    assert [row["version"] for row in rows] == list(range(2, 10))


async def test_a_result_of_an_unknown_call_is_told(database: Database) -> None:
    with pytest.raises(UnknownCall):
        await add_version(database, "nobody", {"results": {}})
