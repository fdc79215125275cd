"""Connections of strangers on a real socket: slow ones, many of them, and those that end badly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from softswitch.control.web import guarded
from softswitch.control.web.guarded import Connections, Guarded

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


class Listener:
    def __init__(self, port: int, connections: Connections) -> None:
        self.port = port
        self.connections = connections

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def until_none(self) -> None:
        deadline = time.monotonic() + 10
        while self.connections.count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    connections = Connections(most=10, of_address=3)

    def protocol() -> Guarded:
        assert runner.server is not None
        return Guarded(runner.server(), connections, proxies=lambda _host: False)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    yield Listener(server.sockets[0].getsockname()[1], connections)
    server.close()
    await runner.cleanup()
    await server.wait_closed()
    assert connections.count == 0


async def test_a_request_is_answered_and_the_connection_kept(listener: Listener) -> None:
    reader, writer = await listener.connect()
    for _ in range(2):
        writer.write(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"hello")
    writer.close()
    await writer.wait_closed()
    await listener.until_none()


async def test_whoever_sends_a_byte_now_and_then_is_cut_off(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "CUT_SECONDS", 0.5)
    _, writer = await listener.connect()
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        await drip(writer)
    assert time.monotonic() - began < 8
    writer.close()
    await listener.until_none()


async def drip(writer: asyncio.StreamWriter) -> None:
    for _ in range(200):
        writer.write(b"G")
        await writer.drain()
        await asyncio.sleep(0.05)


async def ask(listener: Listener) -> asyncio.StreamWriter:
    reader, writer = await listener.connect()
    try:
        writer.write(REQUEST)
        await reader.readuntil(b"hello")
    except BaseException:
        writer.close()
        raise
    return writer


async def test_one_address_has_only_so_many_connections(listener: Listener) -> None:
    kept = [await ask(listener) for _ in range(3)]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await ask(listener)
    assert listener.connections.refused == 1
    for writer in kept:
        writer.close()
    await listener.until_none()
    (await ask(listener)).close()


async def test_a_connection_that_breaks_in_the_middle_leaves_nothing(listener: Listener) -> None:
    for part in range(0, len(REQUEST), 5):
        _, writer = await listener.connect()
        writer.write(REQUEST[:part])
        await writer.drain()
        writer.transport.abort()
        await listener.until_none()
