"""A control connection's conversation: rights, parameters, answers, and a peer that leaves."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import msgspec
import pytest

import softswitch.control.session as session_module
from softswitch.control.access import ADMINISTRATOR, NOBODY, Access, Identity, Token
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import MAX_RUNNING, Caller, Session

METHODS = Catalogue()


class Desk:
    def __init__(self) -> None:
        self.called = 0
        self.waiting = 0
        self.open = asyncio.Event()


class Secret(Params):
    """A token."""

    token: str


class Sum(Params):
    """Two numbers."""

    first: int
    second: int = 1


class Total(msgspec.Struct, frozen=True):
    """Their sum."""

    total: int


@METHODS.method("sum", role="read")
async def add(desk: Desk, caller: Caller, params: Sum) -> Total:
    """Add two numbers."""
    desk.called += 1
    return Total(params.first + params.second)


@METHODS.method("wait", role="control", errors=(ErrorCode.TIMED_OUT,))
async def wait(desk: Desk, caller: Caller, params: Sum) -> Total:
    """Wait until the desk opens."""
    desk.waiting += 1
    try:
        await desk.open.wait()
    finally:
        desk.waiting -= 1
    return Total(0)


@METHODS.method("fail", role="admin")
async def fail(desk: Desk, caller: Caller, params: Sum) -> Total:
    """Fail in a way that nobody thought of."""
    raise RuntimeError("a bug")


@METHODS.method("auth", role="read")
async def auth(desk: Desk, caller: Caller, params: Secret) -> Total:
    """Show a token."""
    caller.session.authenticate(params.token)
    return Total(1)


class Bench:
    def __init__(self, identity: Identity = ADMINISTRATOR) -> None:
        self.desk = Desk()
        self.sent: list[Any] = []
        access = Access([Token.of("crm", "s3cret", ("control",), ("sale",))])
        self.session = Session(METHODS, self.desk, self._send, access=access, identity=identity)

    async def _send(self, *messages: bytes) -> None:
        self.sent += [json.loads(message) for message in messages]

    async def say(self, message: object) -> None:
        await self.session.receive(json.dumps(message).encode())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def ask(self, method: str, params: object = None, identity: object = 1) -> Any:
        before = len(self.sent)
        await self.say({"jsonrpc": "2.0", "id": identity, "method": method, "params": params or {}})
        for _ in range(20):
            if len(self.sent) > before:
                return self.sent[-1]
            await asyncio.sleep(0)
        return None


def reason(answer: Any) -> str:
    return str(answer["error"]["data"]["reason"])


async def test_a_method_is_called_by_name_or_by_place() -> None:
    bench = Bench()
    assert (await bench.ask("sum", {"first": 2, "second": 3}))["result"] == {"total": 5}
    assert (await bench.ask("sum", [2]))["result"] == {"total": 3}


@pytest.mark.parametrize(
    "params", [{}, {"first": "2"}, {"first": 1, "third": 1}, [1, 2, 3], {"first": None}]
)
async def test_parameters_are_strict(params: object) -> None:
    bench = Bench()
    assert reason(await bench.ask("sum", params)) == "invalid_params"
    assert bench.desk.called == 0


async def test_a_notification_is_obeyed_and_not_answered() -> None:
    bench = Bench()
    await bench.say({"jsonrpc": "2.0", "method": "sum", "params": {"first": 1}})
    await bench.say({"jsonrpc": "2.0", "method": "nothing"})
    assert bench.desk.called == 1
    assert bench.sent == []


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_batch_gives_others_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    request = {"jsonrpc": "2.0", "id": 1, "method": "sum", "params": [1]}
    await bench.session.receive(json.dumps([request] * 50).encode())
    done = []
    while not bench.sent:
        await asyncio.sleep(0)
        done.append(bench.desk.called)
    assert max(after - before for before, after in itertools.pairwise(done)) == 1


async def test_the_answer_to_a_batch_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_BATCH_ANSWER", 100)
    bench = Bench()
    request = {"jsonrpc": "2.0", "method": "sum", "params": [1]}
    await bench.say([{**request, "id": number} for number in range(5)] + [request])
    await settle()
    (answers,) = bench.sent
    assert [one["id"] for one in answers] == list(range(5))
    assert [reason(one) for one in answers if "error" in one] == ["too_many_requests"] * 2
    assert bench.desk.called == 4, "three, and the notification"


async def test_a_batch_has_one_answer() -> None:
    bench = Bench()
    await bench.say(
        [
            {"jsonrpc": "2.0", "id": 1, "method": "sum", "params": [1]},
            {"jsonrpc": "2.0", "method": "sum", "params": [1]},
            {"jsonrpc": "2.0", "id": 2, "method": "nothing"},
        ]
    )
    await settle()
    (answer,) = bench.sent
    assert [one["id"] for one in answer] == [1, 2]


async def test_nobody_may_do_nothing_but_show_a_token() -> None:
    bench = Bench(NOBODY)
    assert reason(await bench.ask("sum", [1])) == "not_authenticated"
    assert reason(await bench.ask("auth", ["wrong"])) == "not_authenticated"
    assert (await bench.ask("auth", ["s3cret"]))["result"] == {"total": 1}
    assert (await bench.ask("sum", [1]))["result"] == {"total": 2}
    assert reason(await bench.ask("fail", [1])) == "forbidden"
    assert bench.session.identity.sees("sale")
    assert not bench.session.identity.sees("other")


async def test_a_bug_is_an_error_of_the_switch_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    assert reason(await bench.ask("fail", [1])) == "internal_error"
    assert "control method fail failed" in caplog.text
    assert (await bench.ask("sum", [1]))["result"] == {"total": 2}


async def test_requests_run_side_by_side_and_no_more_than_so_many() -> None:
    bench = Bench()
    for number in range(MAX_RUNNING):
        await bench.say({"jsonrpc": "2.0", "id": number, "method": "wait", "params": [1]})
    assert bench.desk.waiting == MAX_RUNNING
    one_more = asyncio.create_task(bench.ask("sum", [1], "last"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not one_more.done()
    bench.desk.open.set()
    await one_more
    await bench.session.close()
    assert len(bench.sent) == MAX_RUNNING + 1


async def test_what_runs_is_broken_off_when_the_peer_leaves() -> None:
    bench = Bench()
    beside = asyncio.create_task(asyncio.sleep(60))
    bench.session.subscriptions[1] = beside
    await bench.say({"jsonrpc": "2.0", "id": 1, "method": "wait", "params": [1]})
    assert bench.desk.waiting == 1
    await bench.session.close()
    assert bench.desk.waiting == 0
    assert beside.cancelled()
    assert bench.sent == []


def test_roles_include_what_they_need() -> None:
    roles = {
        role: sorted(Token.of("x", "s", (role,)).identity.roles)
        for role in ("read", "allocate", "results", "control", "admin")
    }
    assert roles == {
        "read": ["read"],
        "allocate": ["allocate"],
        "results": ["results"],
        "control": ["control", "read", "results"],
        "admin": ["admin", "allocate", "control", "read", "results"],
    }


def test_a_token_is_not_shown() -> None:
    assert "s3cret" not in repr(Token.of("crm", "s3cret", ("read",)))


def test_a_method_is_entered_once_and_knows_its_types() -> None:
    method = METHODS.find("sum")
    assert (method.params, method.result, method.role) == (Sum, Total, "read")
    assert method.about == "Add two numbers."
    with pytest.raises(ValueError, match="sum is there already"):
        METHODS.include(METHODS)
    with pytest.raises(ControlError):
        METHODS.find("nothing")
