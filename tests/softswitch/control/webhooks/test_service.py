"""All of it together, against a server in a thread: events in, requests out."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from config.model import Configuration
from softswitch.call.events import CallEnded, CallEvent, CallPresented, DigitPressed
from softswitch.call.stream import EventStream
from softswitch.control.history import EventHistory
from softswitch.control.webhooks import dispatcher, feeder, gate
from softswitch.control.webhooks.service import Webhooks
from softswitch.control.webhooks.spool import Spool
from softswitch.store.records import RecordFile
from tests.support.configurations import loaded
from tests.support.web_receiver import Received, Receiver

HEAD = """\
trunks: {carrier: 127.0.0.1:5080}
campaigns: {sale: bye, other: bye}
treatments: {bye: [hang_up]}
webhooks:
"""
WITHIN = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a test, not of the world."""
    monkeypatch.setattr(gate, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(gate, "MAX_PAUSE", 0.1)
    monkeypatch.setattr(dispatcher, "MAX_REFUSED_PAUSE", 0.05)
    monkeypatch.setattr(feeder, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(feeder, "LOOK_SECONDS", 0.1)


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """Whatever a test has left open is closed; twice is once."""
    yield
    while Bench.made:
        bench = Bench.made.pop()
        await bench.webhooks.close()
        bench.records.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


class Bench:
    """One data folder, and a switch's life on it at a time."""

    made: ClassVar[list[Bench]] = []

    def __init__(self, folder: Path, *, kept: int = 50_000) -> None:
        self.folder = folder
        self.records = RecordFile(folder)
        self.stream = EventStream()
        self.history = EventHistory(self.stream, epoch="e1", limit=kept)
        self.webhooks = Webhooks(self.history, folder)
        Bench.made.append(self)

    def call(self, call_id: str, *, campaign: str = "sale", digits: int = 2) -> None:
        """A call from its beginning to its record, at once."""
        self._publish(CallPresented, call_id, 1, **presented(campaign))
        for number in range(digits):
            self._publish(DigitPressed, call_id, number + 2, leg="a", digit="1", node=None)
        self._publish(CallEnded, call_id, digits + 2, ended_by="calling", cause="hang_up")
        self.record(call_id, campaign=campaign)

    def record(self, call_id: str, *, campaign: str = "sale", at: float | None = None) -> None:
        ended = datetime.fromtimestamp(at or time.time(), UTC).isoformat()
        self.records.write({"call_id": call_id, "campaign": campaign, "ended_at": ended})

    def _publish(self, kind: type[CallEvent], call_id: str, number: int, **facts: object) -> None:
        fields = {name: facts[name] for name in facts if name in kind.__struct_fields__}
        self.stream.publish(
            kind(call_id=call_id, number=number, at=time.time(), clock=0.0, **fields)
        )

    def status(self, target: str = "webhook crm") -> dict[str, object]:
        found: dict[str, object] = self.webhooks.status()["targets"][target]
        return found


def presented(campaign: str) -> dict[str, object]:
    return {
        "leg": "a", "trunk": "carrier", "sip_call_id": "x", "source": "h", "called": "1",
        "called_number": "1", "caller": "2", "signalling": {}, "campaign": campaign,
        "publisher": None, "pool": None, "parameters": {}, "config_version": "v",
    }  # fmt: skip


def hooks(*urls: str, more: str = "events: ['call.*']") -> Configuration:
    lines = [
        f"  {name}: {{url: {url}, {more}}}\n" for name, url in zip(("crm", "b"), urls, strict=False)
    ]
    return loaded(HEAD + "".join(lines))


async def until(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)


def kinds_of(receiver: Receiver, call: str) -> list[str]:
    return [one.told["kind"] for one in receiver.taken if one.told["call"] == call]


WHOLE = ["call.presented", "call.dtmf", "call.dtmf", "call.ended", "call.record"]


async def test_calls_come_in_order_each_and_once(tmp_path: Path, receiver: Receiver) -> None:
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    for number in range(30):
        bench.call(f"c{number}")
        await asyncio.sleep(0)
    await until("all are told", lambda: len(receiver.taken) >= 150)
    await bench.webhooks.close()
    for number in range(30):
        assert kinds_of(receiver, f"c{number}") == WHOLE
    assert len(set(receiver.ids())) == len(receiver.received) == 150


async def test_one_delivery_that_always_fails_holds_up_its_call_alone(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "MAX_REJECTIONS", 4)
    receiver.answer = lambda one: 500 if one.told["id"] == "bad.2" else 200
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    bench.call("bad")
    for number in range(20):
        bench.call(f"c{number}")
        await asyncio.sleep(0.02)
    await until("it is given up", lambda: bench.status()["given_up"] == 1)
    await until("all else is told", lambda: len(set(receiver.ids())) == 104)
    assert kinds_of(receiver, "bad") == ["call.presented", "call.dtmf", "call.ended", "call.record"]
    for number in range(20):
        assert kinds_of(receiver, f"c{number}") == WHOLE
    await until("nothing waits", lambda: bench.status()["waiting_bytes"] == 0)
    await bench.webhooks.close()


@pytest.mark.parametrize(("status", "attempts"), [(410, 1), (404, 3), (302, 3)])
async def test_what_is_refused_is_given_up_in_the_end(
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    attempts: int,
) -> None:
    monkeypatch.setattr(dispatcher, "MAX_REJECTIONS", 3)
    receiver.answer = lambda _one: status
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url(), more="events: call.record"))
    bench.call("c1")
    await until("it is given up", lambda: bench.status()["given_up"] == 1)
    await bench.webhooks.close()
    assert [one.status for one in receiver.received] == [status] * attempts


async def test_a_server_that_is_away_is_asked_by_one_request_and_then_gets_all(
    tmp_path: Path, receiver: Receiver
) -> None:
    away = True
    receiver.answer = lambda _one: 503 if away else 200
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    for number in range(20):
        bench.call(f"c{number}")
    await until("it counts as away", lambda: bool(bench.status()["down"]))
    before = len(receiver.received)
    await asyncio.sleep(0.5)
    assert len(receiver.received) - before < 15, "one request asks, with pauses"
    assert bench.status()["why"] == "status 503"
    away = False
    await until("all are told", lambda: len(receiver.taken) >= 100)
    for number in range(20):
        assert kinds_of(receiver, f"c{number}") == WHOLE
    assert bench.status()["given_up"] == 0
    await bench.webhooks.close()


async def test_no_more_than_eight_requests_are_open_at_once(
    tmp_path: Path, receiver: Receiver
) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def slow(_one: Received) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return 200

    receiver.answer = slow
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url(), more="events: call.record"))
    for number in range(60):
        bench.call(f"c{number}")
    await until("all are told", lambda: len(receiver.taken) == 60)
    assert 2 <= most <= 8
    await bench.webhooks.close()


async def test_what_is_too_old_is_not_told(tmp_path: Path, receiver: Receiver) -> None:
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url(), more="max_age: 1 h"))
    bench.record("old", at=time.time() - 3601)
    bench.record("young", at=time.time() - 3500)
    await until("the young one is told", lambda: receiver.ids() == ["young.record"])
    await until("the other is given up", lambda: bench.status()["given_up"] == 1)
    await bench.webhooks.close()


async def test_another_life_goes_on_where_the_last_one_was(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = lambda _one: 503
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    bench.call("c1")
    await until("it is tried", lambda: bool(receiver.received))
    bench.call("c2")
    await bench.webhooks.close()
    bench.record("crashed")
    receiver.answer = lambda _one: 200
    again = Bench(tmp_path)
    await again.webhooks.start(hooks(receiver.url()))
    again.call("c3")
    await until("all are told", lambda: len(set(receiver.ids("call.record"))) == 4)
    await again.webhooks.close()
    # A request that was open when the first life ended may have been taken too: same id.
    first_time = list(dict.fromkeys(receiver.ids()))
    assert len(first_time) == 16
    for call in ("c1", "c2", "c3"):
        mine = [one for one in first_time if one.startswith(f"{call}.")]
        assert mine == [f"{call}.{number}" for number in (1, 2, 3, 4, "record")]


async def test_targets_come_change_and_go_while_calls_go_on(
    tmp_path: Path, receiver: Receiver
) -> None:
    with Receiver() as second:
        bench = Bench(tmp_path)
        await bench.webhooks.start(loaded(HEAD))
        bench.call("c1")
        assert not (tmp_path / "webhooks").exists()
        await bench.webhooks.update(hooks(receiver.url()))
        bench.call("c2")
        await until("c2", lambda: kinds_of(receiver, "c2") == WHOLE)
        await bench.webhooks.update(hooks(receiver.url(), second.url()))
        bench.call("c3")
        await until("c3", lambda: kinds_of(receiver, "c3") == kinds_of(second, "c3") == WHOLE)
        await bench.webhooks.update(hooks(second.url(), more="events: call.record"))
        bench.call("c4")
        await until("c4", lambda: kinds_of(second, "c4") == ["call.record"])
        await bench.webhooks.update(loaded(HEAD))
        bench.call("c5")
        await asyncio.sleep(0.3)
        assert set(receiver.ids("call.record")) == {"c2.record", "c3.record"}
        assert set(second.ids("call.record")) == {"c3.record", "c4.record"}
        assert list((tmp_path / "webhooks").glob("*.place")) == []
        await bench.webhooks.close()


async def test_a_webhook_of_one_campaign_is_told_of_no_other(
    tmp_path: Path, receiver: Receiver
) -> None:
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url(), more="events: '*', campaigns: other"))
    bench.call("c1")
    bench.call("c2", campaign="other")
    await until("c2", lambda: kinds_of(receiver, "c2") == WHOLE)
    assert kinds_of(receiver, "c1") == []
    await bench.webhooks.close()


async def test_a_disk_that_refuses_for_a_while_loses_and_doubles_nothing(
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    await asyncio.sleep(0.1)
    refusals = 3
    append = Spool.append

    def refuse(self: Spool, *arguments: object) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise OSError(28, "No space left on device")
        append(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Spool, "append", refuse)
    with caplog.at_level(logging.ERROR):
        bench.call("c1")
        bench.call("c2")
        await until("both are told", lambda: len(receiver.taken) == 10)
    assert kinds_of(receiver, "c1") == kinds_of(receiver, "c2") == WHOLE
    complaints = [one for one in caplog.messages if "No space left" in one]
    assert len(complaints) == 1
    await bench.webhooks.close()


async def test_events_that_come_too_fast_are_counted_and_records_are_not_lost(
    tmp_path: Path, receiver: Receiver
) -> None:
    bench = Bench(tmp_path, kept=20)
    await bench.webhooks.start(hooks(receiver.url()))
    await asyncio.sleep(0.1)
    for number in range(50):
        bench.call(f"c{number}")
    await until("the records are told", lambda: len(receiver.ids("call.record")) == 50)
    assert bench.webhooks.status()["missed"] == 180
    await bench.webhooks.close()


async def test_records_that_are_no_json_are_passed_over(tmp_path: Path, receiver: Receiver) -> None:
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    await asyncio.sleep(0.1)
    bench.records.file.append(b'nonsense\n{"call_id": 7}\n\xff\n')
    bench.record("c1")
    await until("the record is told", lambda: receiver.ids() == ["c1.record"])
    await bench.webhooks.close()


async def test_text_that_is_no_unicode_is_told_all_the_same(
    tmp_path: Path, receiver: Receiver
) -> None:
    bench = Bench(tmp_path)
    await bench.webhooks.start(hooks(receiver.url()))
    bench._publish(CallEnded, "c\udcff", 1, ended_by="calling", cause="x\udcff")
    await until("it is told", lambda: len(receiver.taken) == 1)
    assert json.loads(receiver.taken[0].body)["facts"]["cause"] == "x?"
    await bench.webhooks.close()
