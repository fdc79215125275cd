"""Records imported: once, again, in place of what is there, while the switch writes them too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from softswitch.store.calls import CallWriter
from softswitch.store.calls_import import import_records
from softswitch.store.calls_table import add_version
from softswitch.store.postgres.database import Connection, Database
from tests.support.records import append, line


async def query(database: Database, statement: str) -> list[Any]:
    async def work(connection: Connection) -> list[Any]:
        return list(await connection.fetch(statement))

    return await database.run(work, within=10.0)


async def test_a_file_is_imported_once_however_often(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    append(path, *(line(n) for n in range(10)), b"broken\n", line(3))
    done = await import_records(database, path, node="n")
    assert (done.calls, done.skipped, done.lines) == (10, 1, 12)
    again = await import_records(database, path, node="n")
    assert (again.calls, again.skipped) == (0, 1)


async def test_a_rebuild_heals_rows_and_keeps_corrections(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl"
    append(path, *(line(n) for n in range(3)), line(1))
    await import_records(database, path, node="n")
    await add_version(database, "call-00001", {"payout": {"amount": "1.25"}})
    await add_version(database, "call-00001", {"results": {"sale": True}})
    await query(database, "UPDATE calls SET campaign = 'wrong', amount = 0, record = '{}'")
    await query(database, "DELETE FROM calls WHERE call_id = 'call-00002' RETURNING 1")

    done = await import_records(database, path, node="n", replace=True)

    assert done.calls == 3
    rows = await query(
        database,
        "SELECT version, campaign, amount::text, record -> 'results' ->> 'sale' AS sale "
        "FROM calls ORDER BY call_id",
    )
    assert [tuple(row) for row in rows] == [
        (1, "2011 Sale", "15.00", None),
        (3, "2011 Sale", "1.25", "true"),
        (1, "2011 Sale", "15.00", None),
    ]


async def test_calls_that_are_not_in_the_file_stay(database: Database, tmp_path: Path) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    append(old, line(0))
    append(new, line(1))
    await import_records(database, old, node="n")
    await import_records(database, new, node="n", replace=True)
    rows = await query(database, "SELECT call_id FROM calls ORDER BY 1")
    assert [row["call_id"] for row in rows] == ["call-00000", "call-00001"]


async def test_the_switch_may_write_the_same_records_meanwhile(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl"
    append(path, *(line(n) for n in range(3000)))
    writer = CallWriter(database, path)
    writer.start()
    await asyncio.gather(
        import_records(database, path, node="n", replace=True),
        import_records(database, path, node="n"),
    )
    await writer.close()
    (row,) = await query(database, "SELECT count(*) AS n, count(DISTINCT call_id) AS d FROM calls")
    assert (row["n"], row["d"]) == (3000, 3000)
