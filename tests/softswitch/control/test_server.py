"""The sockets of the control room: real ones, and peers that behave badly."""

from __future__ import annotations

import asyncio
import json
import os
import random
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import softswitch.control.server as server_module
from softswitch.control.access import Access, Token
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.rpc import MAX_LINE
from softswitch.control.server import MAX_CONNECTIONS, ControlServer
from softswitch.control.session import Caller

METHODS = Catalogue()


class Size(Params):
    """How much."""

    size: int = 1


class Answer(msgspec.Struct, frozen=True):
    """So much."""

    text: str


class Secret(Params):
    """A token."""

    token: str


@METHODS.method("auth", role="read")
async def auth(desk: object, caller: Caller, params: Secret) -> Answer:
    """Show a token."""
    return Answer(caller.session.authenticate(params.token).name)


@METHODS.method("echo", role="read")
async def echo(desk: object, caller: Caller, params: Size) -> Answer:
    """So many letters."""
    return Answer("x" * params.size)


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=4 * MAX_LINE))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Any:
        async with asyncio.timeout(10):
            line = await self.reader.readline()
        return json.loads(line) if line else None

    async def ask(self, size: int = 1, identity: object = 1) -> Any:
        request = {"jsonrpc": "2.0", "id": identity, "method": "echo", "params": {"size": size}}
        self.send(json.dumps(request).encode() + b"\n")
        return await self.answer()

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


class Bench:
    def __init__(self, server: ControlServer, port: int) -> None:
        self.server = server
        self.port = port
        self.peers: list[Peer] = []

    async def peer(self) -> Peer:
        self.peers.append(await Peer.connect(self.port))
        return self.peers[-1]

    async def gone(self) -> None:
        """Wait until the server has noticed that everybody left."""
        async with asyncio.timeout(10):
            while self.server.connections:
                await asyncio.sleep(0.01)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    server = ControlServer(METHODS, object(), Access())
    made = Bench(server, await server.listen("127.0.0.1", 0))
    yield made
    for peer in made.peers:
        await peer.close()
    await server.close()
    assert server.connections == 0


async def test_a_line_is_answered_by_a_line(bench: Bench) -> None:
    peer = await bench.peer()
    assert (await peer.ask(3))["result"] == {"text": "xxx"}


async def test_a_half_line_at_the_end_is_nothing(bench: Bench) -> None:
    peer = await bench.peer()
    peer.send(b'{"jsonrpc": "2.0", "id": 1, "meth')
    peer.writer.write_eof()
    assert await peer.answer() is None
    await bench.gone()


async def test_binary_and_huge_lines_are_errors_and_the_connection_goes_on(bench: Bench) -> None:
    peer = await bench.peer()
    peer.send(bytes(range(256)).replace(b"\n", b"") + b"\n")
    assert (await peer.answer())["error"]["data"]["reason"] == "parse_error"
    peer.send(b"x" * (3 * MAX_LINE) + b"\n")
    assert (await peer.answer())["error"]["data"]["reason"] == "line_too_long"
    assert (await peer.ask())["result"] == {"text": "x"}


async def test_random_bytes_never_hurt(bench: Bench) -> None:
    chance = random.Random(1)
    for _ in range(30):
        peer = await bench.peer()
        peer.send(chance.randbytes(chance.randrange(1, 3000)))
        await peer.close()
    await bench.gone()
    assert (await (await bench.peer()).ask())["result"] == {"text": "x"}


async def test_one_that_reads_nothing_holds_up_nobody_else(bench: Bench) -> None:
    slow = await bench.peer()
    for number in range(40):
        request = {"jsonrpc": "2.0", "id": number, "method": "echo", "params": {"size": 500_000}}
        slow.send(json.dumps(request).encode() + b"\n")
    other = await bench.peer()
    assert (await other.ask())["result"] == {"text": "x"}
    found = {(await slow.answer())["id"] for _ in range(40)}
    assert found == set(range(40))


async def test_one_that_reads_nothing_for_long_is_cut_off(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "SLOW_SECONDS", 0.2)
    slow = await bench.peer()
    for number in range(60):
        request = {"jsonrpc": "2.0", "id": number, "method": "echo", "params": {"size": 900_000}}
        slow.send(json.dumps(request).encode() + b"\n")
    await bench.gone()


async def test_the_kernel_looks_whether_a_silent_peer_is_still_there(bench: Bench) -> None:
    peer = await bench.peer()
    await peer.ask()
    port = f":{bench.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # Columns of proc_net_tcp.txt: our address, state (01: established), timer (02: keep-alive).
    (timer,) = [line[5] for line in lines if line[1].endswith(port) and line[3] == "01"]
    kind, ticks = timer.split(":")
    assert kind == "02"
    assert int(ticks, 16) / os.sysconf("SC_CLK_TCK") <= server_module.IDLE_SECONDS


async def test_connections_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 3)
    peers = [await bench.peer() for _ in range(3)]
    for peer in peers:
        await peer.ask()
    fourth = await bench.peer()
    assert await fourth.answer() is None
    assert bench.server.refused == 1
    assert MAX_CONNECTIONS > 3


async def test_silent_peers_without_a_token_keep_nobody_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ControlServer(METHODS, object(), Access([Token.of("crm", "s3cret", ("read",))]))
    port = await server.listen("127.0.0.1", 0)
    await server.listen_unix(tmp_path / "control.sock")
    shown = await Peer.connect(port)
    asks = {"jsonrpc": "2.0", "id": 1, "method": "auth", "params": {"token": "s3cret"}}
    shown.send(json.dumps(asks).encode() + b"\n")
    assert (await shown.answer())["result"] == {"text": "crm"}
    silent = [await Peer.connect(port) for _ in range(MAX_CONNECTIONS + 10)]
    local = Peer(*await asyncio.open_unix_connection(tmp_path / "control.sock"))
    late = await Peer.connect(port)
    late.send(json.dumps(asks).encode() + b"\n")
    try:
        assert (await late.answer())["result"] == {"text": "crm"}
        assert (await local.ask())["result"] == {"text": "x"}
        assert (await shown.ask())["result"] == {"text": "x"}
        assert server.refused > MAX_CONNECTIONS / 2
        assert len([one for one in caplog.records if "without a token" in one.message]) == 1
    finally:
        for peer in (shown, local, late, *silent):
            peer.writer.transport.abort()
        await server.close()


async def test_the_unix_socket_has_places_of_its_own(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    await bench.server.listen_unix(tmp_path / "control.sock")
    for peer in [await bench.peer() for _ in range(2)]:
        await peer.ask()
    local = Peer(*await asyncio.open_unix_connection(tmp_path / "control.sock"))
    assert (await local.ask())["result"] == {"text": "x"}
    await local.close()


async def test_with_tokens_a_peer_has_to_show_one_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "AUTH_SECONDS", 0.2)
    access = Access([Token.of("crm", "s3cret", ("read",))])
    server = ControlServer(METHODS, object(), access)
    port = await server.listen("127.0.0.1", 0)
    silent, asking = await Peer.connect(port), await Peer.connect(port)
    assert (await asking.ask())["error"]["data"]["reason"] == "not_authenticated"
    assert await silent.answer() is None
    assert await asking.answer() is None
    for peer in (silent, asking):
        await peer.close()
    await server.close()


async def test_who_has_shown_a_token_may_wait_as_long_as_it_likes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "AUTH_SECONDS", 0.5)
    server = ControlServer(METHODS, object(), Access([Token.of("crm", "s3cret", ("read",))]))
    peer = await Peer.connect(await server.listen("127.0.0.1", 0))
    asks = {"jsonrpc": "2.0", "id": 1, "method": "auth", "params": {"token": "s3cret"}}
    peer.send(json.dumps(asks).encode() + b"\n")
    assert (await peer.answer())["result"] == {"text": "crm"}
    await asyncio.sleep(1.0)
    assert (await peer.ask())["result"] == {"text": "x"}
    await peer.close()
    await server.close()


async def test_one_whose_token_never_comes_is_told_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server_module, "AUTH_SECONDS", 0.1)
    caplog.set_level("INFO")
    server = ControlServer(METHODS, object(), Access([Token.of("crm", "s3cret", ("read",))]))
    peer = await Peer.connect(await server.listen("127.0.0.1", 0))
    assert await peer.answer() is None
    assert "no token within 0.1 s" in caplog.text
    await peer.close()
    await server.close()


async def test_one_that_keeps_talking_without_a_token_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "AUTH_SECONDS", 0.3)
    server = ControlServer(METHODS, object(), Access([Token.of("crm", "s3cret", ("read",))]))
    peer = await Peer.connect(await server.listen("127.0.0.1", 0))
    async with asyncio.timeout(5):
        while server.connections or not peer.reader.at_eof():
            peer.send(b"\n")
            await asyncio.sleep(0.05)
    await peer.close()
    await server.close()


async def test_one_that_needs_no_token_may_take_its_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "AUTH_SECONDS", 0.05)
    peer = await bench.peer()
    await asyncio.sleep(0.2)
    assert (await peer.ask())["result"] == {"text": "x"}


async def test_the_unix_socket_is_its_users_alone(tmp_path: Path) -> None:
    server = ControlServer(METHODS, object(), Access([Token.of("crm", "s3cret", ("read",))]))
    path = tmp_path / "control.sock"
    path.write_text("left behind")
    await server.listen_unix(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    peer = Peer(*await asyncio.open_unix_connection(path))
    assert (await peer.ask())["result"] == {"text": "x"}
    await peer.close()
    await server.close()
    assert not path.exists()


async def test_what_begins_like_http_is_handed_over() -> None:
    class Http(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n" + data[:8])
            self.transport.close()

        def has_shown_token(self) -> bool:
            return False

    server = ControlServer(METHODS, object(), Access(), http=Http)
    port = await server.listen("127.0.0.1", 0)
    peer = await Peer.connect(port)
    peer.send(b"GE")
    await asyncio.sleep(0.05)
    peer.send(b"T /metrics HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(10):
        assert await peer.reader.read() == b"HTTP/1.1 200 OK\r\n\r\nGET /met"
    await peer.close()
    await server.close()


async def test_who_was_let_in_without_a_token_leaves_when_tokens_are_asked_for(
    tmp_path: Path,
) -> None:
    access = Access()
    server = ControlServer(METHODS, object(), access)
    port = await server.listen("127.0.0.1", 0)
    await server.listen_unix(tmp_path / "control.sock")
    tcp = await Peer.connect(port)
    unix = Peer(*await asyncio.open_unix_connection(str(tmp_path / "control.sock")))
    try:
        assert (await tcp.ask())["result"] == (await unix.ask())["result"] == {"text": "x"}
        access.use([Token.of("crm", "s3cret", ("read",))])
        async with asyncio.timeout(10):
            # It is cut off: a reset, or an end.
            (end,) = await asyncio.gather(tcp.reader.read(1), return_exceptions=True)
        assert end == b"" or isinstance(end, ConnectionResetError)
        assert (await unix.ask())["result"] == {"text": "x"}
    finally:
        await unix.close()
        await tcp.close()
        await server.close()
    assert access.on_gone == set()
