"""WebSockets of the transport: an independent client (aiohttp), and clients that mean ill."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from softswitch.sip.flow import Flow
from softswitch.sip.keep_alives import MAX_KEEP_ALIVES
from softswitch.transport import Endpoint, Resolver, Tls, TlsFiles, Transport
from softswitch.transport import connection as connection_module
from softswitch.transport import half_open as half_open_module
from softswitch.transport import strangers as strangers_module
from softswitch.transport import tcp as tcp_module
from softswitch.transport.names import Addresses
from softswitch.transport.websocket import connection as websocket_module
from softswitch.transport.websocket.table import WebSocketTable
from tests.support import websocket
from tests.support.certificates import trusting, write_certificate
from tests.support.recording_stack import RecordingStack

OPTIONS = b"OPTIONS sip:x SIP/2.0\r\n\r\n"
PAGE = "https://phone.example"


async def names(host: str) -> Addresses:
    """A name service for which every name is this machine."""
    return Addresses(("127.0.0.1",))


class Rig:
    """A started transport that listens for WebSockets: listener 1, and with TLS 2."""

    def __init__(self, *, tls: TlsFiles | None = None, idle_seconds: float = 300.0) -> None:
        self.stack = RecordingStack()
        self.resolver = Resolver(names)
        endpoints = [
            Endpoint("udp", "127.0.0.1", 0),
            Endpoint("ws", "127.0.0.1", 0, (PAGE,)),
        ]
        if tls is not None:
            endpoints.append(Endpoint("wss", "127.0.0.1", 0))
        self.transport = Transport(
            endpoints,
            resolver=self.resolver,
            idle_seconds=idle_seconds,
            tls=None if tls is None else Tls(tls),
        )
        self.port = self.transport.endpoints[1].port
        self.counters = self.transport.counters
        self.peers: list[Peer] = []

    @property
    def table(self) -> WebSocketTable:
        table = self.transport._streams["ws"]
        assert isinstance(table, WebSocketTable)
        return table

    @property
    def half_open(self) -> int:
        """How many handshakes are under way."""
        return self.table._half_open._total

    async def start(self) -> Rig:
        await self.transport.start(self.stack, lambda event: None)
        return self

    async def close(self) -> None:
        await self.transport.close()
        for peer in self.peers:
            await peer.close()

    def send(self, data: bytes, flow: Flow) -> None:
        self.stack.outbox.append((data, flow))
        self.transport.flush()

    async def connect(self, host: str = "127.0.0.1") -> Peer:
        """A TCP connection without a handshake."""
        streams = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))
        self.peers.append(Peer(*streams))
        return self.peers[-1]

    async def open(self, host: str = "127.0.0.1") -> Peer:
        """A WebSocket."""
        peer = await self.connect(host)
        peer.writer.write(websocket.opening())
        head = await peer.head()
        assert head.startswith(b"HTTP/1.1 101 ")
        return peer

    async def until(self, condition: object, *, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # type: ignore[operator]
                await asyncio.sleep(0.01)


class Peer:
    """A client by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._rest = b""
        self._frames: list[tuple[int, bytes]] = []

    def put(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, data: bytes) -> None:
        """A message."""
        self.put(websocket.frame(websocket.TEXT, data))

    async def head(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def frame(self) -> tuple[int, bytes]:
        """The next frame that comes."""
        async with asyncio.timeout(10):
            while not self._frames:
                data = await self.reader.read(65536)
                assert data, "the connection is closed"
                self._frames, self._rest = websocket.taken(self._rest + data)
        return self._frames.pop(0)

    async def rest(self) -> bytes:
        """All that comes until the end."""
        async with asyncio.timeout(10):
            return await self.reader.read()

    async def ended(self) -> bool:
        """Whether nothing more comes."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read(1) == b""
        return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = await Rig().start()
    yield rig
    await rig.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


# With a client that is none of ours.


async def test_messages_go_both_ways_over_the_connection_that_a_client_has_opened(
    rig: Rig, client: aiohttp.ClientSession
) -> None:
    async with client.ws_connect(f"http://127.0.0.1:{rig.port}/", protocols=["sip"]) as peer:
        assert peer.protocol == "sip"
        await peer.send_str(OPTIONS.decode())
        await peer.send_bytes(OPTIONS + b"\xff")
        await rig.stack.until(lambda: len(rig.stack.streams) == 2)
        (first, flow), (second, _) = rig.stack.streams
        assert (first, second) == (OPTIONS, OPTIONS + b"\xff")
        assert (flow.transport, flow.host, flow.listener) == ("ws", "127.0.0.1", 1)
        rig.send("SIP/2.0 200 grün\r\n\r\n".encode(), flow)
        rig.send(b"SIP/2.0 200 \xff\r\n\r\n", flow)
        text, binary = await peer.receive(10), await peer.receive(10)
        assert (text.type, text.data) == (aiohttp.WSMsgType.TEXT, "SIP/2.0 200 grün\r\n\r\n")
        assert (binary.type, binary.data) == (
            aiohttp.WSMsgType.BINARY, b"SIP/2.0 200 \xff\r\n\r\n"
        )  # fmt: skip
    await rig.stack.until(lambda: rig.stack.closed == [flow])
    assert peer.close_code == 1000


async def test_pings_of_a_client_are_answered(rig: Rig, client: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{rig.port}/"
    async with client.ws_connect(url, protocols=["sip"], autoping=False) as peer:
        await peer.ping(b"here?")
        answer = await peer.receive(10)
        assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"here?")


async def test_who_offers_another_subprotocol_is_refused_with_a_sentence(
    rig: Rig, client: aiohttp.ClientSession
) -> None:
    for protocols in (["xmpp"], []):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"http://127.0.0.1:{rig.port}/", protocols=protocols)
        assert refused.value.status == 400
    async with client.get(f"http://127.0.0.1:{rig.port}/") as answer:
        assert (answer.status, await answer.text()) == (426, "this is a WebSocket of SIP\n")
    assert rig.counters["ws_refused"] == 3
    assert not rig.stack.streams


async def test_pages_are_told_apart_by_their_origin(
    rig: Rig, client: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{rig.port}/"
    async with client.ws_connect(url, protocols=["sip"], origin=PAGE) as peer:
        assert peer.protocol == "sip"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(url, protocols=["sip"], origin="https://evil.example")
    assert refused.value.status == 403


async def test_over_tls_it_is_wss_and_half_handshakes_of_both_kinds_are_left(
    tmp_path: Path, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "HANDSHAKE_SECONDS", 0.5)
    certificate, key = write_certificate(tmp_path)
    rig = await Rig(tls=TlsFiles(certificate, key, authorities=certificate)).start()
    port = rig.transport.endpoints[2].port
    url = f"https://localhost:{port}/"
    async with client.ws_connect(url, protocols=["sip"], ssl=trusting()) as peer:
        await peer.send_str("OPTIONS")
        await rig.stack.until(lambda: bool(rig.stack.streams))
        data, flow = rig.stack.streams[0]
        assert (data, flow.transport, flow.listener) == (b"OPTIONS", "wss", 2)
        rig.send(b"back", flow)
        assert (await peer.receive(10)).data == "back"
        # TLS made, nothing asked for.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(),
                                                       server_hostname="localhost")  # fmt: skip
        silent = Peer(reader, writer)
        assert await silent.ended()
        assert rig.counters["ws_handshake_late"] == 1
        await silent.close()
        assert not peer.closed
    await rig.close()


# Ways to peers.


async def test_nobody_is_connected_to(rig: Rig) -> None:
    nowhere = Flow("ws", "127.0.0.1", 5060, 1)
    rig.send(OPTIONS, nowhere)
    await rig.stack.until(lambda: rig.stack.failed == [nowhere])
    assert rig.counters["ws_not_connected"] == 1


async def test_a_request_to_a_host_goes_over_the_connection_that_it_has_opened_last(
    rig: Rig,
) -> None:
    by_host = Flow("ws", "127.0.0.1", 5060, 1)
    assert not rig.transport.is_connected(by_host)
    first, second = await rig.open(), await rig.open()
    assert rig.transport.is_connected(by_host)
    assert rig.transport.is_connected(Flow("udp", "127.0.0.1", 5060, 0))
    rig.send(b"one", by_host)
    assert await second.frame() == (websocket.TEXT, b"one")
    # By name, as soon as it is known.
    await rig.resolver.resolve("gateway.example")
    rig.send(b"two", by_host._replace(host="gateway.example"))
    assert await second.frame() == (websocket.TEXT, b"two")
    second.put(websocket.frame(websocket.CLOSE))
    assert await second.frame() == (websocket.CLOSE, b"")
    assert await second.ended()
    await rig.until(lambda: len(rig.table._connections) == 1)
    rig.send(b"three", by_host)
    assert await first.frame() == (websocket.TEXT, b"three")
    first.put(websocket.frame(websocket.CLOSE))
    await rig.until(lambda: not rig.table._connections)
    assert not rig.transport.is_connected(by_host)


async def test_a_connection_whose_handshake_is_not_over_is_no_way(rig: Rig) -> None:
    await rig.connect()
    await rig.until(lambda: rig.half_open == 1)
    flow = Flow("ws", "127.0.0.1", 5060, 1)
    rig.send(OPTIONS, flow)
    await rig.stack.until(lambda: rig.stack.failed == [flow])


async def test_what_belongs_to_a_connection_goes_over_no_other_one(rig: Rig) -> None:
    """Behind one address there may be several peers."""
    gone = await rig.open()
    gone.say(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    flow = rig.stack.streams[0][1]
    gone.writer.transport.abort()
    await rig.stack.until(lambda: rig.stack.closed == [flow])
    other = await rig.open()
    rig.send(b"for the one that is gone", flow)
    await rig.stack.until(lambda: flow in rig.stack.failed)
    rig.send(b"for the other", Flow("ws", "127.0.0.1", 5060, 1))
    assert await other.frame() == (websocket.TEXT, b"for the other")


async def test_a_request_that_is_under_way_fails_with_its_connection(rig: Rig) -> None:
    peer = await rig.open()
    flow = Flow("ws", "127.0.0.1", 5060, 1)
    rig.send(OPTIONS, flow)
    await peer.frame()
    peer.writer.transport.abort()
    await rig.stack.until(lambda: rig.stack.failed == [flow])


# Who breaks the protocol, in every way.


async def test_frames_behind_a_handshake_in_one_piece_are_read(rig: Rig) -> None:
    peer = await rig.connect()
    peer.put(websocket.opening() + websocket.frame(websocket.TEXT, b"early"))
    assert (await peer.head()).startswith(b"HTTP/1.1 101 ")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    assert rig.stack.streams[0][0] == b"early"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (websocket.frame(websocket.TEXT, b"x", masked=False), 1002),
        (websocket.frame(websocket.TEXT, b"x", first=0x40), 1002),
        (websocket.frame(websocket.TEXT, b"\xff"), 1007),
        (websocket.frame(websocket.BINARY, b"x" * 65_536), 1009),
        (b"\x82\xff" + (1 << 40).to_bytes(8), 1009),
    ],
    ids=["unmasked", "reserved bit", "no UTF-8", "too long", "far too long"],
)
async def test_who_breaks_the_protocol_is_told_why_and_closed(
    rig: Rig, data: bytes, code: int
) -> None:
    peer = await rig.open()
    peer.say(b"good")
    peer.put(data)
    peer.say(b"too late")
    assert await peer.frame() == (websocket.CLOSE, code.to_bytes(2))
    assert await peer.ended()
    await rig.stack.until(lambda: bool(rig.stack.closed))
    assert [data for data, _ in rig.stack.streams] == [b"good"]
    assert rig.counters["ws_broken"] == 1


async def test_what_trunks_do_wrong_is_told_but_not_without_end(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.stack.strangers = {"127.0.0.66"}
    for number in range(15):
        peer = await rig.connect("127.0.0.66" if number == 0 else "127.0.0.1")
        peer.put(websocket.opening(protocol="xmpp"))
        assert (await peer.head()).startswith(b"HTTP/1.1 400 ")
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    # Two seconds, where the machine is slow, are two portions.
    assert 10 <= len(told) <= 14
    assert all("the subprotocol sip has to be offered" in one for one in told)
    assert not any("127.0.0.66" in one for one in told)


async def test_a_close_is_answered_with_its_code_and_what_follows_is_not_read(rig: Rig) -> None:
    peer = await rig.open()
    peer.put(websocket.frame(websocket.CLOSE, (3000).to_bytes(2) + b"bye"))
    peer.say(b"too late")
    assert await peer.frame() == (websocket.CLOSE, (3000).to_bytes(2))
    assert await peer.ended()
    assert not rig.stack.streams


async def test_pings_of_one_read_get_one_answer(rig: Rig) -> None:
    peer = await rig.open()
    pings = b"".join(websocket.frame(websocket.PING, b"%d" % n) for n in range(20))
    peer.put(pings + websocket.frame(websocket.PING, b"last"))
    answers = 0
    while (await peer.frame())[1] != b"last":
        answers += 1
    assert answers < 10


@pytest.mark.parametrize("kind", [websocket.PING, websocket.PONG])
async def test_who_floods_us_with_pings_or_pongs_is_closed(rig: Rig, kind: int) -> None:
    peer = await rig.open()
    peer.put(websocket.frame(kind, b"") * (MAX_KEEP_ALIVES + 1))
    assert await peer.frame() == (websocket.CLOSE, (1008).to_bytes(2))
    assert await peer.ended()


async def test_a_head_without_an_end_is_refused(rig: Rig) -> None:
    peer = await rig.connect()
    peer.put(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000)
    assert (await peer.rest()).startswith(b"HTTP/1.1 431 ")
    await rig.until(lambda: rig.half_open == 0)


async def test_a_handshake_has_its_time_however_its_bytes_drip(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "HANDSHAKE_SECONDS", 0.5)
    silent, slow = await rig.connect(), await rig.connect()
    for byte in websocket.opening()[:12]:
        slow.put(bytes([byte]))
        await asyncio.sleep(0.02)
    for peer in (silent, slow):
        assert await peer.ended()
    await rig.until(lambda: rig.half_open == 0)
    assert rig.counters["ws_handshake_late"] == 2


async def test_strangers_have_few_handshakes_and_trunks_have_room(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_open_module, "MAX_HALF_OPEN", 6)
    monkeypatch.setattr(rig.table, "_half_open", half_open_module.HalfOpen())
    rig.stack.strangers = {f"127.0.0.{number}" for number in range(60, 80)}
    peers = [await rig.connect(f"127.0.0.{number}") for number in range(60, 66)]
    await rig.until(lambda: rig.counters["ws_half_open_refused"] == 3)
    assert rig.half_open == 3
    trunk = await rig.open()
    trunk.say(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    for peer in peers:
        await peer.close()
    await rig.until(lambda: rig.half_open == 0)
    stranger = await rig.open("127.0.0.70")
    stranger.say(b"hello")
    await rig.stack.until(lambda: len(rig.stack.streams) == 2)


async def test_a_stranger_has_few_connections(rig: Rig) -> None:
    rig.stack.strangers = {"127.0.0.66"}
    most = strangers_module.MAX_CONNECTIONS_EACH
    for _ in range(most):
        await rig.open("127.0.0.66")
    more = await rig.connect("127.0.0.66")
    assert await more.ended()
    assert rig.counters["tcp_stranger_refused"] == 1


async def test_a_stranger_finishes_what_it_begins_in_time_and_a_trunk_is_waited_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "MESSAGE_SECONDS", 0.3)
    rig.stack.strangers = {"127.0.0.66"}
    stranger, fragments, trunk = (
        await rig.open("127.0.0.66"), await rig.open("127.0.0.66"), await rig.open()
    )  # fmt: skip
    half = websocket.frame(websocket.TEXT, b"x" * 100)[:50]
    for peer in (stranger, trunk):
        peer.put(half)
    fragments.put(websocket.frame(websocket.TEXT, b"x", final=False))
    # Pings in between are no progress.
    for _ in range(10):
        # uvloop has words of its own for a connection that is over.
        with contextlib.suppress(ConnectionError, RuntimeError):
            fragments.put(websocket.frame(websocket.PING))
        await asyncio.sleep(0.05)
    assert await stranger.frame() == (websocket.CLOSE, (1001).to_bytes(2))
    await rig.until(lambda: rig.counters["ws_half_message"] == 2)
    assert len(rig.table._connections) == 1


async def test_who_does_not_read_is_left(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "MAX_UNSENT_BYTES", 100_000)
    peer = await rig.open()
    peer.say(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    flow = rig.stack.streams[0][1]
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(400):
        rig.send(b"x" * 60_000, flow)
        if rig.counters["tcp_slow_reader"]:
            break
    assert rig.counters["tcp_slow_reader"] == 1
    await rig.stack.until(lambda: rig.stack.closed == [flow])


# Keeping and closing.


async def test_a_trunk_is_pinged_and_kept_while_it_answers(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "PING_SECONDS", 0.1)
    monkeypatch.setattr(tcp_module, "EMPTY_SECONDS", 0.2)
    monkeypatch.setattr(websocket_module, "PONG_SECONDS", 0.4)
    answering, silent = await rig.open(), await rig.open()
    for _ in range(12):
        opcode, payload = await answering.frame()
        assert (opcode, payload) == (websocket.PING, b"")
        answering.put(websocket.frame(websocket.PONG, payload))
    assert await silent.frame() == (websocket.PING, b"")
    assert await silent.ended()
    assert rig.counters["tcp_no_pong"] == 1
    assert len(rig.table._connections) == 1


async def test_a_stranger_that_says_nothing_is_left_and_pings_are_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "EMPTY_SECONDS", 0.4)
    rig.stack.strangers = {"127.0.0.66"}
    peer = await rig.open("127.0.0.66")
    for _ in range(4):
        peer.put(websocket.frame(websocket.PING))
        assert await peer.frame() == (websocket.PONG, b"")
    assert await peer.frame() == (websocket.CLOSE, (1001).to_bytes(2))
    assert await peer.ended()
    assert rig.counters["tcp_empty"] == 1


async def test_what_the_stack_cannot_read_any_further_is_closed(rig: Rig) -> None:
    peer = await rig.open()
    rig.stack.on_data = lambda data, flow: rig.stack.broken.append(flow)
    peer.say(b"nonsense")
    peer.say(b"more of it")
    assert await peer.frame() == (websocket.CLOSE, (1001).to_bytes(2))
    assert await peer.ended()
    assert len(rig.stack.streams) == 1


async def test_a_stop_sends_what_waits_and_says_so() -> None:
    rig = await Rig().start()
    peer, half = await rig.open(), await rig.connect()
    peer.say(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    rig.send(b"BYE", rig.stack.streams[0][1])
    await rig.transport.close()
    assert await peer.frame() == (websocket.TEXT, b"BYE")
    assert await peer.frame() == (websocket.CLOSE, (1001).to_bytes(2))
    assert await peer.ended()
    assert await half.ended()
    await rig.close()
    assert not rig.table._connections
    assert not rig.table._by_host
    assert rig.half_open == 0
