"""Requests that are said again: done once for a key, joined while under way, free after failing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from softswitch.control import idempotency
from softswitch.control.access import ADMINISTRATOR, Access
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.idempotency import KEEP_SECONDS, MAX_KEY, Idempotency, IdempotencyKey
from softswitch.control.session import Caller, Session


class Place(Params):
    """What to do."""

    what: str
    how: str = ""
    idempotency_key: IdempotencyKey | None = None


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Something that must be done once."""

    def __init__(self) -> None:
        self.done = 0
        self.open = asyncio.Event()
        self.open.set()
        self.failure: Exception | None = None

    async def __call__(self) -> dict[str, Any]:
        self.done += 1
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return {"call": f"call-{self.done}"}


def value(result: Any) -> Any:
    return msgspec.json.decode(result)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_said_again_with_its_key_is_done_once() -> None:
    keys, work = Idempotency(), Work()
    first = await keys.run("crm", "place", "k1", Place(what="x"), work)
    again = await keys.run("crm", "place", "k1", Place(what="x"), work)
    assert value(first) == value(again) == {"call": "call-1"}
    assert work.done == 1
    assert keys.kept == 1


async def test_another_key_another_method_and_another_token_are_other_requests() -> None:
    keys, work = Idempotency(), Work()
    for owner, method, key in (
        ("crm", "place", "1"), ("crm", "place", "2"), ("crm", "other", "1"), ("web", "place", "1"),
    ):  # fmt: skip
        await keys.run(owner, method, key, Place(what="x"), work)
    assert work.done == 4


async def test_a_key_with_other_parameters_is_refused_also_while_the_first_goes_on() -> None:
    keys, work = Idempotency(), Work()
    work.open.clear()
    first = asyncio.create_task(keys.run("crm", "place", "k", Place(what="x"), work))
    await turns()
    for _ in range(2):
        with pytest.raises(ControlError) as refused:
            await keys.run("crm", "place", "k", Place(what="y"), work)
        assert refused.value.code is ErrorCode.KEY_REUSED
        work.open.set()
        await first
    assert work.done == 1


async def test_a_request_under_way_is_joined() -> None:
    keys, work = Idempotency(), Work()
    work.open.clear()
    asked = [
        asyncio.create_task(keys.run("crm", "place", "k", Place(what="x"), work)) for _ in range(3)
    ]
    await turns()
    work.open.set()
    assert [value(result) for result in await asyncio.gather(*asked)] == [{"call": "call-1"}] * 3


async def test_a_request_goes_on_when_whoever_asked_has_gone() -> None:
    keys, work = Idempotency(), Work()
    work.open.clear()
    first = asyncio.create_task(keys.run("crm", "place", "k", Place(what="x"), work))
    await turns()
    first.cancel()
    await turns()
    again = asyncio.create_task(keys.run("crm", "place", "k", Place(what="x"), work))
    await turns()
    work.open.set()
    assert value(await again) == {"call": "call-1"}
    assert work.done == 1


async def test_a_failure_is_told_to_all_who_wait_and_the_key_is_free_again() -> None:
    keys, work = Idempotency(), Work()
    work.open.clear()
    work.failure = ControlError(ErrorCode.NO_CAPACITY, "full")
    asked = [
        asyncio.create_task(keys.run("crm", "place", "k", Place(what="x"), work)) for _ in range(2)
    ]
    await turns()
    work.open.set()
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert failures == [work.failure, work.failure]
    assert keys.kept == 0
    work.failure = None
    result = await keys.run("crm", "place", "k", Place(what="other"), work)
    assert value(result) == {"call": "call-2"}


async def test_a_key_is_forgotten_after_a_day() -> None:
    clock, work = Clock(), Work()
    keys = Idempotency(now=clock)
    await keys.run("crm", "place", "k", Place(what="x"), work)
    clock.now = KEEP_SECONDS - 1
    await keys.run("crm", "place", "k", Place(what="x"), work)
    assert work.done == 1
    clock.now = KEEP_SECONDS
    await keys.run("crm", "place", "k", Place(what="x"), work)
    assert work.done == 2
    assert keys.kept == 1


async def test_the_oldest_results_of_one_token_go_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEPT_BYTES", 10 * idempotency.ENTRY_BYTES)
    keys, work = Idempotency(), Work()
    await keys.run("web", "place", "k", Place(what="x"), work)
    for number in range(100):
        await keys.run("crm", "place", str(number), Place(what="x"), work)
    assert 2 < keys.kept <= 10
    work.done = 0
    await keys.run("web", "place", "k", Place(what="x"), work)
    await keys.run("crm", "place", "99", Place(what="x"), work)
    assert work.done == 0
    await keys.run("crm", "place", "1", Place(what="x"), work)
    assert work.done == 1


async def test_one_token_has_only_so_many_requests_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency, "MAX_UNDER_WAY", 2)
    keys, work = Idempotency(), Work()
    work.open.clear()
    asked = [
        asyncio.create_task(keys.run("crm", "place", str(key), Place(what="x"), work))
        for key in range(2)
    ]
    await turns()
    with pytest.raises(ControlError) as refused:
        await keys.run("crm", "place", "third", Place(what="x"), work)
    assert refused.value.code is ErrorCode.TOO_MANY_REQUESTS
    work.open.set()
    await asyncio.gather(*asked)


async def test_what_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "RUN_SECONDS", 0.01)
    keys, work = Idempotency(), Work()
    work.open.clear()
    with pytest.raises(ControlError) as late:
        await keys.run("crm", "place", "k", Place(what="x"), work)
    assert late.value.code is ErrorCode.TIMED_OUT
    assert keys.kept == 0


@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY + 1)])
async def test_a_key_has_its_length(key: str) -> None:
    with pytest.raises(ControlError):
        await Idempotency().run("crm", "place", key, Place(what="x"), Work())


async def test_closing_breaks_off_what_is_under_way() -> None:
    keys, work = Idempotency(), Work()
    work.open.clear()
    asked = asyncio.create_task(keys.run("crm", "place", "k", Place(what="x"), work))
    await turns()
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert keys.kept == 0


# On a connection.

METHODS = Catalogue()


class Placed(msgspec.Struct, frozen=True):
    """What was done."""

    name: str


class Desk:
    def __init__(self) -> None:
        self.idempotency = Idempotency()
        self.placed: list[str] = []


@METHODS.method("place", role="control")
async def place(desk: Desk, caller: Caller, params: Place) -> Placed:
    """Place something."""
    desk.placed.append(params.what)
    if params.what == "nothing":
        raise ControlError(ErrorCode.INVALID_PARAMS, "nothing")
    return Placed(f"{params.what}-{len(desk.placed)} \udce9")


class Bench:
    def __init__(self) -> None:
        self.desk = Desk()
        self.sent: list[Any] = []

    def session(self) -> Session:
        return Session(METHODS, self.desk, self._send, access=Access(), identity=ADMINISTRATOR)

    async def _send(self, *messages: bytes) -> None:
        self.sent += [msgspec.json.decode(message) for message in messages]

    async def ask(self, session: Session, params: object, number: object = 1) -> Any:
        before = len(self.sent)
        request = {"jsonrpc": "2.0", "id": number, "method": "place", "params": params}
        await session.receive(msgspec.json.encode(request))
        for _ in range(50):
            if len(self.sent) > before:
                return self.sent[-1]
            await asyncio.sleep(0)
        return None


async def test_a_connection_that_comes_back_gets_the_result_of_the_first() -> None:
    bench = Bench()
    first, second = bench.session(), bench.session()
    answer = await bench.ask(first, {"what": "x", "idempotency_key": "k"})
    await first.close()
    again = await bench.ask(second, ["x", "", "k"], "another id")
    assert answer["result"] == again["result"] == {"name": "x-1 ?"}
    assert again["id"] == "another id"
    assert bench.desk.placed == ["x"]
    await bench.ask(second, {"what": "x"})
    await bench.ask(second, {"what": "x"})
    assert bench.desk.placed == ["x"] * 3


async def test_errors_of_keyed_requests_are_errors_and_not_kept() -> None:
    bench = Bench()
    session = bench.session()
    for _ in range(2):
        answer = await bench.ask(session, {"what": "nothing", "idempotency_key": "k"})
        assert answer["error"]["data"]["reason"] == "invalid_params"
    assert bench.desk.placed == ["nothing"] * 2
    await bench.ask(session, {"what": "x", "idempotency_key": "k"})
    answer = await bench.ask(session, {"what": "y", "idempotency_key": "k"})
    assert answer["error"]["data"]["reason"] == "key_reused"
    assert answer["error"]["code"] == 500
