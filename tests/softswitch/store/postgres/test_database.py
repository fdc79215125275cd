"""A database that is up, away, back again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from softswitch.store.postgres import database as database_module
from softswitch.store.postgres import migrate as migrate_module
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway, DatabaseUnusable
from softswitch.store.postgres.migrate import Migration, migrate, migrations
from softswitch.store.postgres.node import Node
from tests.support.database import OwnServer

DEADLINE = 20.0


@pytest.fixture(scope="module")
def module_server() -> Iterator[OwnServer]:
    server = OwnServer()
    yield server
    server.close()


@pytest.fixture
def own_server(module_server: OwnServer) -> OwnServer:
    """A server that may be stopped and killed."""
    module_server.start()
    return module_server


@asynccontextmanager
async def started(dsn: str, folder: Path) -> AsyncIterator[Database]:
    database = Database(dsn, folder)
    await database.start()
    try:
        yield database
    finally:
        await database.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.01)


async def one(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT 1"))


async def sleeping(connection: Connection) -> None:
    await connection.execute("SELECT pg_sleep(30)")


# Work.


async def test_work_is_one_transaction(database: Database) -> None:
    async def half(connection: Connection) -> None:
        await connection.execute("CREATE TABLE half (number integer)")
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        await database.run(half, within=5.0)

    async def look(connection: Connection) -> object:
        return await connection.fetchval("SELECT to_regclass('half')")

    assert await database.run(look, within=5.0) is None


async def test_work_that_takes_too_long_is_given_up_and_its_locks_go(database: Database) -> None:
    async def lock(connection: Connection) -> None:
        await connection.execute("LOCK TABLE calls IN EXCLUSIVE MODE")
        await connection.execute("SELECT pg_sleep(30)")

    with pytest.raises(DatabaseAway, match="no answer in time"):
        await database.run(lock, within=0.3)

    async def lock_again(connection: Connection) -> str:
        return await connection.execute("LOCK TABLE calls IN EXCLUSIVE MODE")

    assert await database.run(lock_again, within=5.0) == "LOCK TABLE"


async def test_waiting_for_a_connection_has_the_same_deadline(dsn: str, tmp_path: Path) -> None:
    database = Database(dsn, tmp_path, max_connections=1)
    await database.start()
    busy = asyncio.create_task(database.run(sleeping, within=DEADLINE))
    await asyncio.sleep(0.1)
    with pytest.raises(DatabaseAway):
        await database.run(one, within=0.2)
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    assert await database.run(one, within=5.0) == 1
    await database.close()


async def test_those_who_wait_are_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MAX_WAITING", 2)
    busy = [asyncio.create_task(database.run(sleeping, within=1.0)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(DatabaseAway, match="2 transactions wait"):
        await database.run(one, within=5.0)
    for result in await asyncio.gather(*busy, return_exceptions=True):
        assert isinstance(result, DatabaseAway)


async def test_a_wrong_request_is_not_taken_for_an_outage(database: Database) -> None:
    async def wrong(connection: Connection) -> None:
        await connection.execute("SELECT * FROM no_such_table")

    async def wrong_arguments(connection: Connection) -> None:
        await connection.execute("SELECT $1::int", 1, 2)

    with pytest.raises(asyncpg.UndefinedTableError):
        await database.run(wrong, within=5.0)
    with pytest.raises(asyncpg.InterfaceError):
        await database.run(wrong_arguments, within=5.0)
    assert await database.run(one, within=5.0) == 1


async def test_transactions_that_got_in_each_others_way_are_tried_again(
    database: Database,
) -> None:
    tries = 0

    async def unlucky(connection: Connection) -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            await connection.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'by chance' USING ERRCODE = '40P01'; END $$"
            )
        return "done"

    assert await database.run(unlucky, within=5.0) == "done"
    tries = -3
    with pytest.raises(DatabaseAway, match="by chance"):
        await database.run(unlucky, within=5.0)


# Away and back.


async def test_a_database_that_was_never_there_is_waited_for(
    own_server: OwnServer, tmp_path: Path
) -> None:
    dsn = own_server.dsn()
    own_server.stop()
    database = Database(dsn, tmp_path)
    ups: list[int] = []

    async def came_up() -> None:
        ups.append(await database.run(one, within=5.0))

    database.on_up(came_up)
    await database.start()
    assert not database.up
    with pytest.raises(DatabaseAway, match="socket is not there"):
        await database.run(one, within=5.0)
    own_server.start()
    await until(lambda: ups == [1])
    await database.close()


async def test_a_restart_in_the_middle_is_told_and_got_over(
    own_server: OwnServer, tmp_path: Path
) -> None:
    heard: list[str] = []
    ups: list[int] = []
    database = Database(own_server.dsn(), tmp_path)
    database.listen("news", heard.append)

    async def came_up() -> None:
        ups.append(len(ups))

    database.on_up(came_up)
    await database.start()
    await until(lambda: ups == [0])
    busy = asyncio.create_task(database.run(sleeping, within=DEADLINE))
    await asyncio.sleep(0.1)

    own_server.stop()
    with pytest.raises(DatabaseAway):
        await busy
    await until(lambda: not database.up)
    epoch = database.node.epoch
    own_server.start()
    await until(lambda: ups == [0, 1])

    async def notify(connection: Connection) -> None:
        await connection.execute("NOTIFY news, 'here again'")

    await database.run(notify, within=5.0)
    await until(lambda: heard == ["here again"])
    assert database.node.epoch == epoch  # nobody can have taken us for dead
    await database.close()


async def test_a_server_that_hangs_is_found_out(
    own_server: OwnServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(database_module, "ANSWER_SECONDS", 0.3)
    async with started(own_server.dsn(), tmp_path) as database:
        assert await database.run(one, within=5.0) == 1
        running = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
        data = own_server.folder / "postgres" / "data"
        ours = [pid for pid in running if _lives_in(pid, data)]
        for pid in ours:
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(DatabaseAway):
                await database.run(one, within=0.2)
            assert time.monotonic() - began < 2.0
            await until(lambda: not database.up)
            with pytest.raises(DatabaseAway):
                await database.run(one, within=5.0)
        finally:
            for pid in ours:
                os.kill(pid, signal.SIGCONT)
        await until(lambda: database.up)
        assert await database.run(one, within=5.0) == 1


def _lives_in(pid: int, data: Path) -> bool:
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", data)
    except OSError:
        return False


async def test_a_listener_hears_only_its_channel_and_the_other_nodes(
    dsn: str, tmp_path: Path
) -> None:
    heard: list[str] = []
    first = Database(dsn, tmp_path / "one")
    first.listen("pools", heard.append)
    await first.start()
    async with started(dsn, tmp_path / "two") as second:

        async def notify(connection: Connection) -> None:
            await connection.execute("SELECT pg_notify('calls', 'no'), pg_notify('pools', 'yes')")

        await second.run(notify, within=5.0)
        await until(lambda: heard == ["yes"])
    await first.close()


async def test_who_comes_late_is_resynced_when_it_can_hear(database: Database) -> None:
    heard: list[str] = []

    async def notify(connection: Connection) -> None:
        await connection.execute("NOTIFY late, 'heard'")

    async def came_up() -> None:
        await database.run(notify, within=5.0)

    database.listen("late", heard.append)
    database.on_up(came_up)
    await until(lambda: heard == ["heard"])


async def test_who_comes_in_the_middle_of_a_beat_is_resynced_after_it_can_hear(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    beat, listen = database.node.beat, database._listen

    async def slow_listen(connection: Any, listening: set[str]) -> None:
        await asyncio.sleep(0.3)
        await listen(connection, listening)

    async def notify(connection: Connection) -> None:
        await connection.execute("NOTIFY late, 'heard'")

    async def came_up() -> None:
        await database.run(notify, within=5.0)

    async def slow_beat(connection: Any) -> bool:
        # Channels were looked at before this: the newcomer's is not one of them.
        monkeypatch.setattr(database.node, "beat", beat)
        database.listen("late", heard.append)
        database.on_up(came_up)
        return await beat(connection)

    monkeypatch.setattr(database, "_listen", slow_listen)
    monkeypatch.setattr(database.node, "beat", slow_beat)
    await until(lambda: heard == ["heard"])


async def test_the_embedded_server_comes_and_goes_with_the_database(tmp_path: Path) -> None:
    database = Database("embedded", tmp_path)
    await database.start()
    assert database.up, database.reason
    assert database.server is not None
    pid = database.server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not database.up)
    await until(lambda: database.up)  # started again by the keeper
    assert await database.run(one, within=5.0) == 1
    await database.close()
    assert not database.server.running


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://softswitch@/x?host=/nowhere/at/all",
        "postgresql://softswitch@127.0.0.1:1/x",
        "postgresql://softswitch@name.invalid/x",
    ],
)
async def test_a_wrong_address_is_an_absence_with_a_reason(dsn: str, tmp_path: Path) -> None:
    async with started(dsn, tmp_path) as database:
        assert not database.up
        assert database.reason not in {"", "it does not answer yet"}
        assert "\n" not in database.reason


async def test_a_broken_connection_string_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="connection string"):
        await Database("postgresql://h:1:2/x?nonsense", tmp_path).start()


# Migrations.


async def connected(dsn: str) -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(dsn)


async def test_many_nodes_migrate_at_once(dsn: str, tmp_path: Path) -> None:
    databases = [Database(dsn, tmp_path / str(n)) for n in range(4)]
    await asyncio.gather(*(database.start() for database in databases))
    assert all(database.up for database in databases)
    connection = await connected(dsn)
    rows = await connection.fetch("SELECT version, name FROM schema_migrations ORDER BY version")
    await connection.close()
    assert [(row["version"], row["name"]) for row in rows] == [
        (one.version, one.name) for one in migrations()
    ]
    await asyncio.gather(*(database.close() for database in databases))


async def test_a_newer_database_is_refused(dsn: str, tmp_path: Path) -> None:
    async with started(dsn, tmp_path):
        connection = await connected(dsn)
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_future.sql')")
        await connection.close()
    with pytest.raises(DatabaseUnusable, match=r"newer softswitch \(migration 9999_future.sql"):
        await Database(dsn, tmp_path).start()


async def test_a_migration_that_fails_leaves_nothing(dsn: str) -> None:
    connection = await connected(dsn)
    good = Migration(1, "0001_good.sql", "CREATE TABLE good ()")
    bad = Migration(2, "0002_bad.sql", "CREATE TABLE bad (); CREATE TABLE good ()")
    with pytest.raises(DatabaseUnusable, match=r"migration 0002_bad.sql failed"):
        await migrate(connection, (good, bad))
    assert await connection.fetchval("SELECT to_regclass('bad')") is None
    assert await migrate(connection, (good,)) == 1
    assert await migrate(connection, (good,)) == 0
    await connection.close()


async def test_a_database_that_cannot_hold_every_name_is_refused(dsn: str, tmp_path: Path) -> None:
    connection = await connected(dsn)
    name = f"{await connection.fetchval('SELECT current_database()')}_ascii"
    await connection.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0")
    await connection.close()
    with pytest.raises(DatabaseUnusable, match="encoding of the database is SQL_ASCII"):
        await Database(dsn.replace("?", "_ascii?"), tmp_path).start()


async def test_a_database_that_refuses_what_we_need_is_told(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_module, "NOTES", "CREATE TABLE pg_catalog.pg_mine ()")
    with pytest.raises(DatabaseUnusable, match="permission denied"):
        await Database(dsn, tmp_path).start()


def test_migrations_are_numbered_without_doubles() -> None:
    versions = [one.version for one in migrations()]
    assert versions == sorted(set(versions))
    assert versions[0] == 1


# Nodes.


async def test_each_start_is_a_new_epoch_of_the_same_node(dsn: str, tmp_path: Path) -> None:
    async with started(dsn, tmp_path) as database:
        first = (database.node.id, database.node.epoch)
        assert database.node.alive
    async with started(dsn, tmp_path) as again:
        assert (again.node.id, again.node.epoch) == (first[0], first[1] + 1)
        assert not Node(first[0]).alive


async def test_a_node_that_left_is_dead_at_once(dsn: str, tmp_path: Path) -> None:
    async with started(dsn, tmp_path / "one") as one_database:
        node = one_database.node
        async with started(dsn, tmp_path / "two") as other:

            async def alive(connection: Connection) -> object:
                return await connection.fetchval("SELECT node_is_alive($1, $2)", node.id, epoch)

            epoch = node.epoch
            assert await other.run(alive, within=5.0) is True
            await one_database.close()
            assert await other.run(alive, within=5.0) is False


async def test_an_expired_node_comes_back_as_another_epoch(dsn: str, tmp_path: Path) -> None:
    async with started(dsn, tmp_path):
        connection = await connected(dsn)
        node = Node("slow", expiry_seconds=0.05)
        await node.join(connection)
        assert node.epoch == 1
        await asyncio.sleep(0.1)
        assert not node.alive
        assert not await node.beat(connection)
        await node.join(connection)
        assert node.epoch == 2
        await connection.close()


async def test_a_copied_data_folder_gets_an_id_of_its_own(dsn: str, tmp_path: Path) -> None:
    async with started(dsn, tmp_path / "one") as database:
        (tmp_path / "two").mkdir()
        (tmp_path / "two" / "node").write_text((tmp_path / "one" / "node").read_text())
        async with started(dsn, tmp_path / "two") as copy:
            shared = copy.node.id
            assert shared == database.node.id
            connection = await connected(dsn)
            assert not await database.node.beat(connection)
            await database.node.join(connection)
            await connection.close()
            assert database.node.id != shared
            assert (tmp_path / "one" / "node").read_text().strip() == database.node.id


def test_a_node_keeps_its_id_and_makes_a_new_one_when_it_is_unreadable(tmp_path: Path) -> None:
    first = Node.of_folder(tmp_path)
    assert Node.of_folder(tmp_path).id == first.id
    (tmp_path / "node").write_bytes(b"\xff\x00")
    assert Node.of_folder(tmp_path).id not in {"", first.id}


async def test_looking_on_is_no_node(dsn: str, tmp_path: Path) -> None:
    database = Database(dsn, tmp_path, node=False)
    await database.start()

    async def nodes(connection: Connection) -> object:
        return await connection.fetchval("SELECT count(*) FROM nodes")

    assert await database.run(nodes, within=5.0) == 0
    assert not (tmp_path / "node").exists()
    await database.close()
