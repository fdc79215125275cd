"""A database that is up, away, back again."""

from __future__ import annotations

from softswitch.store.postgres.database import Connection, Database


async def test_work_runs_in_a_transaction(database: Database) -> None:
    async def work(connection: Connection) -> int:
        return int(await connection.fetchval("SELECT count(*) FROM calls"))

    assert await database.run(work, within=5.0) == 0


async def test_a_second_database_is_fresh_too(database: Database) -> None:
    assert database.node.epoch == 1
