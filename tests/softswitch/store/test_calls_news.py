"""What memory knows of earlier calls: our own, the table's, other nodes'."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from softswitch.call.events import CallPresented, CallRecorded
from softswitch.call.stream import EventStream
from softswitch.store import calls as calls_module
from softswitch.store.calls import CallWriter
from softswitch.store.calls_history import MemoryHistory
from softswitch.store.calls_news import HistoryKeeper
from softswitch.store.calls_table import _payloads
from softswitch.store.postgres.database import Database
from tests.support.records import FIRST_CALL_AT, append, line, record

NOW = FIRST_CALL_AT + 3600.0


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "GATHER_SECONDS", 0.001)
    monkeypatch.setattr(calls_module, "LOOK_SECONDS", 0.02)


class NodeOf:
    """One node: database, history, writer."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.events = EventStream()
        self.history = MemoryHistory(7200.0)
        self.database = Database(dsn, folder)
        self.keeper = HistoryKeeper(
            self.history, self.database, self.events, wall_clock=lambda: NOW
        )
        self.path = folder / "records.jsonl"
        self.writer = CallWriter(self.database, self.path)

    def count(self) -> int:
        return self.history.calls_to_campaign("2011 Sale", since=FIRST_CALL_AT, before=NOW)


@asynccontextmanager
async def node_of(dsn: str, folder: Path) -> AsyncIterator[NodeOf]:
    node = NodeOf(dsn, folder)
    await node.database.start()
    node.writer.start()
    try:
        yield node
    finally:
        await node.writer.close()
        await node.database.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20.0):
        while not condition():
            await asyncio.sleep(0.01)


def presented(number: int) -> CallPresented:
    facts = record(number)
    return CallPresented(
        call_id=facts["call_id"],
        number=1,
        at=FIRST_CALL_AT + number,
        clock=0.0,
        leg="a",
        trunk="carrier",
        sip_call_id="x",
        source="192.0.2.1:5060",
        called=facts["called"],
        called_number=facts["number"],
        caller=facts["caller"],
        signalling={},
        campaign=facts["campaign"],
        publisher=facts["publisher"],
        pool=None,
        parameters={},
        config_version="1",
    )


def recorded(number: int) -> CallRecorded:
    return CallRecorded(
        call_id=record(number)["call_id"],
        number=9,
        at=FIRST_CALL_AT + number + 130.5,
        clock=130.5,
        record=record(number),
    )


async def test_our_own_calls_are_known_at_once(dsn: str, tmp_path: Path) -> None:
    async with node_of(dsn, tmp_path) as node:
        node.events.publish(presented(1))
        assert node.count() == 1
        node.events.publish(recorded(1))
        node.events.publish(recorded(2))  # recovered from a crash: nobody saw it begin
        assert node.count() == 2
        callers = node.history.callers_to_number("+18888695345", since=FIRST_CALL_AT, before=NOW)
        assert callers == 2
        assert (
            node.history.short_calls(
                below_seconds=200, publisher="p1", since=FIRST_CALL_AT, before=NOW
            )
            == 2
        )


async def test_the_table_is_read_at_the_start(dsn: str, tmp_path: Path) -> None:
    async with node_of(dsn, tmp_path / "one") as first:
        append(first.path, *(line(n) for n in range(30)))
        first.writer.wake()
        await until(lambda: first.writer.written == 30)
    async with node_of(dsn, tmp_path / "one") as again:
        await until(lambda: again.count() == 30)


async def test_what_a_node_puts_into_the_table_is_known_to_all_and_to_itself(
    dsn: str, tmp_path: Path
) -> None:
    async with node_of(dsn, tmp_path / "one") as one, node_of(dsn, tmp_path / "two") as two:
        append(one.path, *(line(n) for n in range(150)))
        one.writer.wake()
        await until(lambda: two.count() == 150)
        # Its own as well: calls that a crash had left open come from no event.
        await until(lambda: one.count() == 150)


async def test_a_period_that_grows_is_read_from_the_table(dsn: str, tmp_path: Path) -> None:
    async with node_of(dsn, tmp_path) as node:
        append(node.path, line(0))
        node.writer.wake()
        await until(lambda: node.writer.written == 1)
        node.history.period = 0.0
        node.history.forget(NOW + 1e9)
        await node.keeper.ask_back(7200.0)
        assert node.count() == 1


async def test_nonsense_on_the_channel_is_passed_over(dsn: str, tmp_path: Path) -> None:
    async with node_of(dsn, tmp_path) as node:
        for payload in ("", "{", "7", "[]", '["x",[1]]', '["x",["a","b","c","d","e","f",1]]'):
            node.keeper.hear(payload)
        assert node.count() == 0


def test_a_notification_is_never_too_long() -> None:
    row = {"call_id": "c" * 400, "caller": "\u00e9" * 500}
    payloads = _payloads("node", [row] * 50)  # type: ignore[list-item]
    assert all(len(payload.encode()) < 8000 for payload in payloads)
    assert sum(payload.count('"cccc') for payload in payloads) == 50
    giant = {"call_id": "c" * 9000}
    assert _payloads("node", [giant]) == ['["node"]']  # type: ignore[list-item]
