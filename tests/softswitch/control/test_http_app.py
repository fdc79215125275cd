"""HTTP on the control socket's port: WebSocket, health, and who is let in."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType, web

import softswitch.control.http_protocol as protocol_module
import softswitch.control.websocket as websocket_module
from softswitch.control.access import Access, Token
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.http_app import MAX_BODY, WebApp
from softswitch.control.places import MAX_OF_ADDRESS
from softswitch.control.rpc import MAX_LINE
from softswitch.control.server import ControlServer
from softswitch.control.session import Caller
from softswitch.control.wrong_tokens import MAX_WRONG

METHODS = Catalogue()
SECRET = "s3cret-s3cret-s3cret"
BEARER = {"Authorization": f"Bearer {SECRET}"}
PAGE = {"Origin": "https://evil.example"}


class Size(Params):
    """How much."""

    size: int = 1


class Answer(msgspec.Struct, frozen=True):
    """So much."""

    text: str


class Secret(Params):
    """A token."""

    token: str


@METHODS.method("echo", role="read")
async def echo(desk: object, caller: Caller, params: Size) -> Answer:
    """So many letters."""
    return Answer("x" * params.size)


@METHODS.method("auth", role="read")
async def auth(desk: object, caller: Caller, params: Secret) -> Answer:
    """Show a token."""
    return Answer(caller.session.authenticate(params.token).name)


class Bench:
    """A server with its web application, and a client."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client
        self.server: ControlServer
        self.access: Access
        self.url = ""

    async def open(self, access: Access, cleaning: AsyncExitStack) -> None:
        self.access = access
        app = WebApp(METHODS, object(), access)
        app.add("GET", "/open", answer)
        app.add("GET", "/closed", answer, role="read")
        app.add("POST", "/admin", answer, role="admin")
        app.add("POST", "/size", size_of, role="read")
        await app.start()
        cleaning.push_async_callback(app.close)
        self.server = ControlServer(METHODS, object(), access, http=app.protocol)
        cleaning.push_async_callback(self.server.close)
        self.url = f"http://127.0.0.1:{await self.server.listen('127.0.0.1', 0)}"

    async def status(self, path: str, method: str = "GET", **options: Any) -> int:
        async with self.client.request(method, self.url + path, **options) as response:
            await response.read()
            return response.status

    async def frames(self, **headers: str) -> aiohttp.ClientWebSocketResponse:
        return await self.client.ws_connect(f"{self.url}/control", headers=headers, max_msg_size=0)


async def answer(_request: web.Request) -> web.Response:
    return web.Response(text="here")


async def size_of(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


@pytest.fixture
async def opened() -> AsyncIterator[Bench]:
    """Without tokens."""
    async with AsyncExitStack() as cleaning:
        bench = Bench(await cleaning.enter_async_context(aiohttp.ClientSession()))
        await bench.open(Access(), cleaning)
        yield bench


@pytest.fixture
async def guarded() -> AsyncIterator[Bench]:
    """With a token."""
    async with AsyncExitStack() as cleaning:
        bench = Bench(await cleaning.enter_async_context(aiohttp.ClientSession()))
        await bench.open(Access([Token.of("crm", SECRET, ("read",))]), cleaning)
        yield bench


async def ask(frames: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> Any:
    await frames.send_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    answered = json.loads(await frames.receive_str(timeout=5))
    return answered["result"] if "result" in answered else answered["error"]["data"]["reason"]


async def test_a_frame_is_answered_by_a_frame(opened: Bench) -> None:
    frames = await opened.frames()
    assert await ask(frames, "echo", size=3) == {"text": "xxx"}
    await frames.send_bytes(b'{"jsonrpc":"2.0","id":2,"method":"echo"}')
    assert json.loads(await frames.receive_str(timeout=5))["id"] == 2
    await frames.send_str("no json\ud800".encode("utf-8", "replace").decode())
    assert json.loads(await frames.receive_str(timeout=5))["error"]["code"] == -32700
    await frames.close()


async def test_lines_and_frames_share_the_port(opened: Bench) -> None:
    frames = await opened.frames()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(opened.url.rpartition(":")[2]))
    writer.write(b'{"jsonrpc":"2.0","id":1,"method":"echo"}\n')
    assert json.loads(await reader.readline())["result"] == {"text": "x"}
    assert await ask(frames, "echo") == {"text": "x"}
    writer.close()
    await frames.close()


async def test_a_web_page_is_nobody_where_no_token_is_asked_for(opened: Bench) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await opened.frames(**PAGE)
    assert await opened.status("/closed", headers=PAGE) == 401
    assert await opened.status("/closed") == 200


async def test_a_web_page_with_a_token_is_let_in(guarded: Bench) -> None:
    frames = await guarded.frames(**PAGE)
    assert await ask(frames, "echo") == "not_authenticated"
    assert await ask(frames, "auth", token=SECRET) == {"text": "crm"}
    assert await ask(frames, "echo") == {"text": "x"}
    await frames.close()


async def test_a_token_may_come_with_the_request(guarded: Bench) -> None:
    frames = await guarded.frames(**BEARER)
    assert await ask(frames, "echo") == {"text": "x"}
    await frames.close()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        await guarded.frames(Authorization="Bearer guessed")


async def test_paths_ask_for_their_role(guarded: Bench) -> None:
    assert await guarded.status("/open") == 200
    assert await guarded.status("/closed") == 401
    assert await guarded.status("/closed", headers={"Authorization": "Bearer x"}) == 401
    assert await guarded.status("/closed", headers={"Authorization": f"Basic {SECRET}"}) == 401
    assert await guarded.status("/closed", headers=BEARER) == 200
    assert await guarded.status("/admin", "POST", headers=BEARER) == 403
    assert await guarded.status("/nothing", headers=BEARER) == 404
    assert await guarded.status("/control", headers=BEARER) == 426


async def test_after_many_wrong_tokens_no_token_is_looked_at(guarded: Bench) -> None:
    wrong = {"Authorization": "Bearer guessed"}
    statuses = [await guarded.status("/closed", headers=wrong) for _ in range(MAX_WRONG + 1)]
    assert statuses == [401] * MAX_WRONG + [429]
    assert await guarded.status("/closed", headers=BEARER) == 429
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await guarded.frames(**BEARER)
    frames = await guarded.frames()
    assert await ask(frames, "auth", token=SECRET) == "too_many_requests"
    await frames.close()


async def test_who_has_lost_its_token_is_disconnected(guarded: Bench) -> None:
    frames = await guarded.frames(**BEARER)
    assert await ask(frames, "echo") == {"text": "x"}
    guarded.access.use([Token.of("other", SECRET + "2", ("read",))])
    message = await frames.receive(timeout=5)
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    assert guarded.access.on_gone == set()


async def test_who_shows_no_token_is_not_kept(
    guarded: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "AUTH_SECONDS", 0.1)
    frames = await guarded.frames()
    message = await frames.receive(timeout=5)
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)


async def test_who_has_shown_a_token_may_wait_as_long_as_it_likes(
    guarded: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "AUTH_SECONDS", 0.5)
    frames = await guarded.frames()
    assert await ask(frames, "auth", token=SECRET) == {"text": "crm"}
    await asyncio.sleep(1.0)
    assert await ask(frames, "echo") == {"text": "x"}
    await frames.close()


async def test_a_frame_that_is_too_long_ends_the_connection(opened: Bench) -> None:
    frames = await opened.frames()
    await frames.send_str("x" * (MAX_LINE + 1))
    message = await frames.receive(timeout=5)
    assert (message.type, frames.close_code) == (WSMsgType.CLOSE, 1009)
    assert await opened.status("/open") == 200


async def test_one_that_reads_nothing_is_cut_off(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "SLOW_SECONDS", 0.2)
    port = int(opened.url.rpartition(":")[2])
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    writer.write(f"GET /control HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode())
    body = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"size":900000}}'
    frame = bytes((0x81, 0x80 | len(body))) + bytes(4) + body
    writer.write(frame * 40)
    async with asyncio.timeout(10):
        while opened.server.connections:
            await asyncio.sleep(0.02)
    writer.close()


async def test_many_requests_on_one_connection_and_half_ones(opened: Bench) -> None:
    for _ in range(5):
        assert await opened.status("/open") == 200
    reader, writer = await asyncio.open_connection("127.0.0.1", int(opened.url.rpartition(":")[2]))
    writer.write(b"GET /open HTTP/1.1\r\nHost")
    await asyncio.sleep(0.05)
    writer.write(b": x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_nonsense_that_begins_like_http_is_refused_and_no_error_of_ours(
    opened: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(opened.url.rpartition(":")[2]))
    writer.write(b"GET \x00\xff\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.0 400")
    writer.close()
    assert caplog.text == ""


async def raw(bench: Bench, request: bytes, later: bytes = b"") -> bytes:
    """All that is said to a request, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rpartition(":")[2]))
    try:
        writer.write(request)
        await asyncio.sleep(0.1 if later else 0)
        writer.write(later)
        async with asyncio.timeout(8):
            return await reader.read()
    finally:
        writer.transport.abort()


def post(path: str, *headers: str, body: bytes = b"", size: int | None = None) -> bytes:
    length = len(body) if size is None else size
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


BOMB = gzip.compress(bytes(50_000_000))
"""Unpacked, a thousand times what a body may be."""


@pytest.mark.parametrize("path", ["/size", "/closed", "/nothing"])
async def test_packed_bodies_are_refused_and_never_unpacked(
    guarded: Bench, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    packed = post(path, "Content-Encoding: gzip", body=BOMB[:10], size=len(BOMB))
    said = await raw(guarded, packed)  # the rest is never sent, and not waited for
    assert said.startswith(b"HTTP/1.1 415")
    assert b'{"error"' in said
    for body in (BOMB, b"no gzip at all"):
        headers = BEARER | {"Content-Encoding": "gzip"}
        assert await guarded.status(path, "POST", headers=headers, data=body) == 415
    as_it_is = BEARER | {"Content-Encoding": "identity"}
    assert await guarded.status("/size", "POST", headers=as_it_is, data=b"x") == 200
    assert caplog.text == ""


async def test_a_body_without_a_token_is_not_waited_for(guarded: Bench) -> None:
    assert (await raw(guarded, post("/size", size=50_000))).startswith(b"HTTP/1.1 401")
    wrong = "Authorization: Bearer guessed"
    assert (await raw(guarded, post("/size", wrong, size=50_000))).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("size", [0, 1000, 60_000, MAX_BODY])
async def test_a_body_is_read_whole_however_it_comes(guarded: Bench, size: int) -> None:
    headers = (f"Authorization: Bearer {SECRET}", "Connection: close")
    said = await raw(guarded, post("/size", *headers, body=b"x" * size))
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(f"\r\n\r\n{size}".encode())


@pytest.mark.parametrize("size", [MAX_BODY + 1, 70_000, 100_000, 200_000])
async def test_one_that_is_too_long_is_refused_at_once(guarded: Bench, size: int) -> None:
    said = await raw(guarded, post("/size", f"Authorization: Bearer {SECRET}", size=size))
    assert said.startswith(b"HTTP/1.1 413")
    assert b'{"error"' in said
    chunked = b"%x\r\n" % size + b"x" * size + b"\r\n"
    head = f"POST /size HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    said = await raw(guarded, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunked)
    assert said.startswith(b"HTTP/1.1 413")


async def test_a_body_that_never_comes_is_waited_for_so_long(
    guarded: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol_module, "REQUEST_SECONDS", 0.2)
    said = await raw(guarded, post("/size", f"Authorization: Bearer {SECRET}", size=100))
    assert said.startswith(b"HTTP/1.1 408")


async def test_a_broken_body_is_the_peers_mistake(
    guarded: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol_module, "REQUEST_SECONDS", 0.3)
    head = f"POST /size HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    chunked = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    assert b" 400 " in await raw(guarded, chunked + b"nonsense\r\n")
    # What breaks later ends with the time there is: the parser keeps it to itself.
    assert b" 408 " in await raw(guarded, chunked + b"3\r\nabc\r\n", b"nonsense\r\n")
    assert caplog.text == ""


async def test_answers_do_not_say_which_library_speaks(guarded: Bench) -> None:
    close = "Connection: close"
    no_http = b"GET \x00\xff\r\n\r\n"
    for request in (post("/open", close), post("/size", close), no_http):
        said = await raw(guarded, request)
        assert b"\r\nServer: softswitch\r\n" in said
        assert b"aiohttp" not in said
    said = await raw(guarded, no_http)
    assert json.loads(said.partition(b"\r\n\r\n")[2]).keys() == {"error"}


async def test_a_frame_that_is_not_masked_ends_the_connection(opened: Bench) -> None:
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    body = b'{"jsonrpc":"2.0","id":1,"method":"echo"}'
    head = f"GET /control HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode()
    said = await raw(opened, head + bytes((0x81, len(body))) + body)
    assert said.startswith(b"HTTP/1.1 101")
    assert b"\x88" in said
    assert (1002).to_bytes(2) in said
    assert b"result" not in said


async def test_who_has_shown_a_token_over_http_is_not_driven_out(guarded: Bench) -> None:
    by_header, by_message = await guarded.frames(**BEARER), await guarded.frames()
    assert await ask(by_message, "auth", token=SECRET) == {"text": "crm"}
    port = int(guarded.url.rpartition(":")[2])
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2 * MAX_OF_ADDRESS)]
    assert await guarded.status("/open") == 200
    assert guarded.server.refused >= MAX_OF_ADDRESS
    assert await ask(by_header, "echo") == await ask(by_message, "echo") == {"text": "x"}
    for _, writer in silent:
        writer.transport.abort()
    await by_header.close()
    await by_message.close()


async def test_the_unix_socket_speaks_it_too_and_asks_for_nothing(
    guarded: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "control.sock"
    await guarded.server.listen_unix(path)
    connector = aiohttp.UnixConnector(str(path))
    async with aiohttp.ClientSession(connector=connector) as client:
        async with client.get("http://switch/closed") as response:
            assert response.status == 200
        async with client.ws_connect("http://switch/control") as frames:
            assert await ask(frames, "echo") == {"text": "x"}


async def test_open_connections_do_not_keep_the_switch_from_stopping(opened: Bench) -> None:
    frames = await opened.frames()
    assert await ask(frames, "echo") == {"text": "x"}
    async with asyncio.timeout(5):
        await opened.server.close()
    assert opened.server.connections == 0
    await frames.close()
