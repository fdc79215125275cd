import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport import connection as connection_module
from softswitch.transport import strangers as strangers_module
from softswitch.transport import tcp as tcp_module
from softswitch.transport.connection import Connection
from softswitch.transport.endpoint import Endpoint
from softswitch.transport.names import Addresses
from softswitch.transport.resolver import Resolver
from softswitch.transport.transport import Transport
from tests.support.recording_stack import RecordingStack


async def names(host: str) -> Addresses:
    """A name service that knows one peer."""
    if host == "gateway.example":
        return Addresses(("::1", "127.0.0.1"))
    raise OSError("no such name")


class Rig:
    """A started transport with one UDP and one TCP endpoint, so that TCP is listener 1."""

    def __init__(self, *, idle_seconds: float = 300.0, max_connections: int = 100) -> None:
        self.stack = RecordingStack()
        self.transport = Transport(
            [Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)],
            resolver=Resolver(names),
            idle_seconds=idle_seconds,
            max_connections=max_connections,
        )
        self.port = self.transport.endpoints[1].port
        self.peers: list[Peer] = []

    async def start(self) -> "Rig":
        await self.transport.start(self.stack, lambda event: None)
        return self

    def send(self, data: bytes, flow: Flow) -> None:
        self.stack.outbox.append((data, flow))
        self.transport.flush()

    async def connect(self) -> "Peer":
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        return peer

    async def close(self) -> None:
        await self.transport.close()
        for peer in self.peers:
            await peer.close()

    @property
    def counters(self) -> dict[str, int]:
        return self.transport.counters


class Peer:
    """The other end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self, count: int) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.readexactly(count)

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


class Gateway:
    """A peer that listens."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.all: list[Peer] = []

    async def start(self) -> "Gateway":
        self.server = await asyncio.start_server(self._on_connection, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.flow = Flow("tcp", "127.0.0.1", self.port, 1)
        return self

    def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.all.append(Peer(reader, writer))
        self.peers.put_nowait(self.all[-1])

    async def accept(self) -> Peer:
        async with asyncio.timeout(5):
            return await self.peers.get()

    async def close(self) -> None:
        self.server.close()
        for peer in self.all:
            await peer.close()
        await self.server.wait_closed()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = await Rig().start()
    yield rig
    await rig.close()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = await Gateway().start()
    yield gateway
    await gateway.close()


# Connections that peers open.


async def test_an_answer_goes_back_on_the_connection_of_the_request(rig: Rig) -> None:
    """RFC 3261 section 18.2.2."""
    rig.stack.on_data = lambda data, flow: rig.stack.outbox.append((b"200 " + data, flow))
    peer = await rig.connect()
    peer.writer.write(b"OPTIONS")
    assert await peer.read(11) == b"200 OPTIONS"
    [(data, flow)] = rig.stack.streams
    local = peer.writer.get_extra_info("sockname")
    assert (data, flow) == (b"OPTIONS", Flow("tcp", local[0], local[1], 1, 1))


async def test_a_request_to_a_peer_uses_the_connection_that_the_peer_opened(rig: Rig) -> None:
    peer = await rig.connect()
    peer.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    flow = rig.stack.streams[0][1]
    rig.send(b"BYE", flow._replace(connection=0))
    assert await peer.read(3) == b"BYE"


async def test_the_end_of_a_connection_is_told_once(rig: Rig) -> None:
    peer = await rig.connect()
    peer.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    await peer.close()
    await rig.stack.until(lambda: bool(rig.stack.closed))
    assert rig.stack.closed == [rig.stack.streams[0][1]]


async def test_what_was_sent_for_a_half_closed_connection_still_arrives(rig: Rig) -> None:
    rig.stack.on_data = lambda data, flow: rig.stack.outbox.append((b"200 OK", flow))
    peer = await rig.connect()
    peer.writer.write(b"OPTIONS")
    peer.writer.write_eof()
    assert await peer.read(6) == b"200 OK"
    assert await peer.ended()


async def test_a_reset_is_counted_and_told(rig: Rig) -> None:
    peer = await rig.connect()
    peer.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    opened = peer.writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.writer.transport.abort()
    await rig.stack.until(lambda: bool(rig.stack.closed))
    assert rig.counters["tcp_reset"] == 1


async def test_a_stream_beyond_repair_is_answered_and_closed(rig: Rig) -> None:
    def on_data(data: bytes, flow: Flow) -> None:
        rig.stack.outbox.append((b"400", flow))
        rig.stack.broken.append(flow)

    rig.stack.on_data = on_data
    peer = await rig.connect()
    peer.writer.write(b"\x00\x01\x02")
    assert await peer.read(3) == b"400"
    assert await peer.ended()
    assert rig.counters["tcp_unreadable"] == 1


async def test_a_peer_that_does_not_read_loses_its_connection(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "MAX_UNSENT_BYTES", 100_000)
    peer = await rig.connect()
    peer.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    flow = rig.stack.streams[0][1]
    for _ in range(200):
        rig.send(b"x" * 60_000, flow)
        await asyncio.sleep(0)
    await rig.stack.until(lambda: flow in rig.stack.closed)
    assert rig.counters["tcp_slow_reader"] == 1


async def test_a_peer_that_does_not_read_cannot_hold_up_a_close(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr(connection_module, "MAX_UNSENT_BYTES", 100 << 20)
    peer = await rig.connect()
    peer.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    flow = rig.stack.streams[0][1]
    rig.send(b"x" * (20 << 20), flow)
    rig.stack.broken.append(flow)
    peer.writer.write(b"\x00")
    await rig.stack.until(lambda: flow in rig.stack.closed)
    rig.send(b"late", flow)


async def test_a_peer_that_vanishes_is_noticed_by_the_kernel(rig: Rig) -> None:
    await rig.connect()
    async with asyncio.timeout(5):
        while not (connections := list(rig.transport._streams["tcp"]._connections.values())):
            await asyncio.sleep(0)
    assert connections[0]._transport is not None
    opened = connections[0]._transport.get_extra_info("socket")
    assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0


async def test_a_peer_that_is_gone_before_it_is_admitted_is_dropped(rig: Rig) -> None:
    table = rig.transport._streams["tcp"]
    newcomer = Connection(table, Flow("tcp", "", 0, 1))
    assert not table.admit(newcomer, None)


async def test_an_idle_connection_is_closed_and_an_active_one_is_not() -> None:
    rig = await Rig(idle_seconds=0.2).start()
    idle = await rig.connect()
    active = await rig.connect()
    idle.writer.write(b"hello")
    while not rig.stack.closed:
        active.writer.write(b"ping")
        await asyncio.sleep(0.02)
    assert await idle.ended()
    assert rig.counters["tcp_idle"] == 1
    active.writer.write(b"still here")
    await rig.stack.until(lambda: rig.stack.streams[-1][0].endswith(b"still here"))
    await rig.close()


async def test_a_full_table_refuses_a_newcomer_while_all_are_active() -> None:
    rig = await Rig(max_connections=2).start()
    first, _ = await rig.connect(), await rig.connect()
    refused = await rig.connect()
    assert await refused.ended()
    assert rig.counters["tcp_refused"] == 1
    first.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    await rig.close()


async def test_a_full_table_gives_up_the_silent_ones_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_module, "EVICTABLE_SECONDS", 0.0)
    rig = await Rig(max_connections=2).start()
    speaker = await rig.connect()
    speaker.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    silent = await rig.connect()
    await rig.connect()
    assert await silent.ended()
    await rig.connect()
    await rig.connect()
    await rig.stack.until(lambda: len(rig.stack.closed) == 3)
    assert rig.counters["tcp_evicted"] == 3
    speaker.writer.write(b"still here")
    await rig.stack.until(lambda: rig.stack.streams[-1][0] == b"still here")
    await rig.close()


# Strangers.


async def refused(rig: Rig) -> bool:
    return await (await rig.connect()).ended()


async def test_a_stranger_has_a_few_connections_and_room_for_another_after_one_ended(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers_module, "MAX_CONNECTIONS_EACH", 2)
    rig.stack.strangers = {"127.0.0.1"}
    first, second = await rig.connect(), await rig.connect()
    assert await refused(rig)
    assert rig.counters["tcp_stranger_refused"] == 1
    first.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    await first.close()
    await rig.stack.until(lambda: bool(rig.stack.closed))
    third = await rig.connect()
    for peer in (second, third):
        peer.writer.write(b"hello")
    await rig.stack.until(lambda: len(rig.stack.streams) == 3)


async def test_who_is_no_stranger_has_as_many_connections_as_it_wants(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers_module, "MAX_CONNECTIONS_EACH", 2)
    for peer in [await rig.connect() for _ in range(5)]:
        peer.writer.write(b"hello")
    await rig.stack.until(lambda: len(rig.stack.streams) == 5)


async def test_strangers_fill_half_of_the_table_and_the_rest_is_for_trunks() -> None:
    rig = await Rig(max_connections=4).start()
    rig.stack.strangers = {"127.0.0.1"}
    await rig.connect(), await rig.connect()
    assert await refused(rig)
    assert rig.counters["tcp_refused"] == 1
    rig.stack.strangers = set()
    for peer in (await rig.connect(), await rig.connect()):
        peer.writer.write(b"hello")
    await rig.stack.until(lambda: len(rig.stack.streams) == 2)
    await rig.close()


async def test_a_stranger_takes_the_place_of_a_stranger_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_module, "EVICTABLE_SECONDS", 0.0)
    rig = await Rig(max_connections=2).start()
    trunk = await rig.connect()
    trunk.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    rig.stack.strangers = {"127.0.0.1"}
    stranger = await rig.connect()
    await rig.connect()
    assert await stranger.ended()
    trunk.writer.write(b"still here")
    await rig.stack.until(lambda: rig.stack.streams[-1][0] == b"still here")
    await rig.close()


async def test_a_stranger_that_says_nothing_is_closed_and_a_trunk_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_module, "EMPTY_SECONDS", 0.5)
    rig = await Rig().start()
    trunk = await rig.connect()
    async with asyncio.timeout(5):
        while not rig.transport._streams["tcp"]._connections:
            await asyncio.sleep(0)
    rig.stack.strangers = {"127.0.0.1"}
    speaker, silent = await rig.connect(), await rig.connect()
    speaker.writer.write(b"hello")
    assert await silent.ended()
    assert rig.counters["tcp_empty"] == 1
    for peer in (trunk, speaker):
        peer.writer.write(b"hello")
    await rig.stack.until(lambda: len(rig.stack.streams) == 3)
    await rig.close()


async def test_a_stream_that_the_core_gives_up_in_time_is_closed(rig: Rig) -> None:
    peer = await rig.connect()
    peer.writer.write(b"INVITE sip:")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    rig.stack.broken.append(rig.stack.streams[0][1])
    rig.stack.deadline = asyncio.get_running_loop().time()
    rig.transport.flush()
    assert await peer.ended()


# Connections that we open.


async def test_one_connection_serves_all_messages_to_a_peer(rig: Rig, gateway: Gateway) -> None:
    rig.send(b"INVITE", gateway.flow)
    rig.send(b"INVITE", gateway.flow)
    peer = await gateway.accept()
    assert await peer.read(12) == b"INVITEINVITE"
    rig.send(b"BYE", gateway.flow)
    assert await peer.read(3) == b"BYE"
    assert gateway.peers.empty()


async def test_an_answer_comes_with_the_flow_of_its_connection(rig: Rig, gateway: Gateway) -> None:
    rig.send(b"INVITE", gateway.flow)
    peer = await gateway.accept()
    peer.writer.write(b"200 OK")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    assert rig.stack.streams == [(b"200 OK", gateway.flow._replace(connection=1))]


async def test_what_was_sent_fails_when_the_connection_ends(rig: Rig, gateway: Gateway) -> None:
    rig.send(b"INVITE", gateway.flow)
    await (await gateway.accept()).close()
    await rig.stack.until(lambda: bool(rig.stack.failed))
    assert rig.stack.closed == [gateway.flow._replace(connection=1)]
    assert rig.stack.failed == [gateway.flow]


async def test_a_new_connection_follows_one_that_ended(rig: Rig, gateway: Gateway) -> None:
    rig.send(b"1", gateway.flow)
    await (await gateway.accept()).close()
    await rig.stack.until(lambda: bool(rig.stack.closed))
    rig.send(b"2", gateway.flow._replace(connection=1))
    assert await (await gateway.accept()).read(1) == b"2"


async def test_a_connection_comes_from_the_address_we_listen_at(gateway: Gateway) -> None:
    transport = Transport([Endpoint("tcp", "127.0.0.2", 0)])
    stack = RecordingStack()
    await transport.start(stack, lambda event: None)
    stack.outbox.append((b"x", gateway.flow._replace(listener=0)))
    transport.flush()
    peer = await gateway.accept()
    assert peer.writer.get_extra_info("peername")[0] == "127.0.0.2"
    await transport.close()


async def test_a_udp_listener_in_a_flow_means_the_first_tcp_listener(
    rig: Rig, gateway: Gateway
) -> None:
    rig.send(b"1", gateway.flow._replace(listener=0))
    rig.send(b"2", gateway.flow)
    assert await (await gateway.accept()).read(2) == b"12"


async def test_a_name_is_reached_by_the_first_address_that_answers(
    rig: Rig, gateway: Gateway
) -> None:
    named = gateway.flow._replace(host="gateway.example")
    rig.send(b"1", named)
    peer = await gateway.accept()
    assert await peer.read(1) == b"1"
    rig.send(b"2", named)
    rig.send(b"3", gateway.flow)
    assert await peer.read(2) == b"23"
    await peer.close()
    await rig.stack.until(lambda: len(rig.stack.failed) == 2)
    assert rig.stack.closed == [gateway.flow._replace(connection=1)]
    assert set(rig.stack.failed) == {named, gateway.flow}


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-name.example", "2001:db8::1"])
async def test_a_destination_that_cannot_be_reached_fails_once_a_flow(rig: Rig, host: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        flow = Flow("tcp", host, closed.getsockname()[1], 1)
        rig.send(b"INVITE", flow)
        rig.send(b"INVITE", flow)
        await rig.stack.until(lambda: bool(rig.stack.failed))
    assert rig.stack.failed == [flow]
    assert rig.stack.closed == []
    assert rig.counters["tcp_connect_failed"] == 1


async def test_a_connection_that_takes_too_long_fails(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "CONNECT_SECONDS", 0.05)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            flow = Flow("tcp", address[0], address[1], 1)
            rig.send(b"INVITE", flow)
            await rig.stack.until(lambda: bool(rig.stack.failed))
    assert rig.stack.failed == [flow]


async def test_what_waits_for_a_connection_is_bounded(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "MAX_UNSENT_BYTES", 10)
    rig.send(b"12345678", gateway.flow)
    rig.send(b"too much", gateway.flow)
    rig.send(b"90", gateway.flow)
    assert await (await gateway.accept()).read(10) == b"1234567890"
    assert rig.counters["tcp_send_queue_full"] == 1


async def test_a_full_table_fails_a_message_to_a_new_peer(gateway: Gateway) -> None:
    rig = await Rig(max_connections=1).start()
    await rig.connect()
    await asyncio.sleep(0.01)
    rig.send(b"INVITE", gateway.flow)
    assert rig.stack.failed == [gateway.flow]
    assert rig.counters["tcp_table_full"] == 1
    await rig.close()


# The end.


async def test_close_sends_what_waits_and_leaves_nothing_open(rig: Rig, gateway: Gateway) -> None:
    inbound = await rig.connect()
    inbound.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    rig.send(b"INVITE", gateway.flow)
    peer = await gateway.accept()
    rig.stack.outbox.append((b"BYE", gateway.flow))
    await rig.transport.close()
    await rig.transport.close()
    assert await peer.read(9) == b"INVITEBYE"
    assert await peer.ended()
    assert await inbound.ended()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", rig.port)
    rig.send(b"late", gateway.flow)
    await asyncio.sleep(0.01)
    assert gateway.peers.empty()


async def test_close_ends_a_connection_that_is_still_being_made(rig: Rig) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address):
            rig.send(b"INVITE", Flow("tcp", address[0], address[1], 1))
            await asyncio.sleep(0)
            async with asyncio.timeout(3):
                await rig.transport.close()


async def test_close_does_not_wait_for_a_peer_that_does_not_read(rig: Rig) -> None:
    peer = await rig.connect()
    peer.writer.write(b"hello")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    for _ in range(100):
        rig.send(b"x" * 60_000, rig.stack.streams[0][1])
    async with asyncio.timeout(3):
        await rig.transport.close()


# Keep-alives (RFC 5626).


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings after a tenth of a second, which have half a second."""
    monkeypatch.setattr(tcp_module, "PING_SECONDS", 0.1)
    monkeypatch.setattr(connection_module, "PONG_SECONDS", 0.5)


Start = Callable[[float], Awaitable[Rig]]


@pytest.fixture
async def start(quick: None) -> AsyncIterator[Start]:
    """Starts a rig whose connections may be idle so long, and closes it whatever happens: a loop
    does not end with one open."""
    rigs: list[Rig] = []

    async def start(idle_seconds: float) -> Rig:
        rigs.append(await Rig(idle_seconds=idle_seconds).start())
        return rigs[-1]

    yield start
    for rig in rigs:
        await rig.close()


async def test_a_connection_whose_peer_answers_keep_alives_is_kept(start: Start) -> None:
    rig = await start(1.0)
    peer = await rig.connect()
    peer.writer.write(b"hello")
    for _ in range(6):
        assert await peer.read(4) == b"\r\n\r\n"
        peer.writer.write(b"\r\n")
    assert rig.counters["tcp_idle"] == 0
    # Nothing of it comes to the core.
    assert [data for data, _ in rig.stack.streams] == [b"hello"]


async def test_a_peer_that_answers_no_more_has_lost_its_connection(start: Start) -> None:
    rig = await start(1.0)
    peer = await rig.connect()
    peer.writer.write(b"hello")
    assert await peer.read(4) == b"\r\n\r\n"
    peer.writer.write(b"\r\n")
    assert await peer.read(4) == b"\r\n\r\n"
    assert await peer.ended()
    assert (rig.counters["tcp_no_pong"], rig.counters["tcp_idle"]) == (1, 0)
    assert len(rig.stack.closed) == 1


async def test_a_peer_that_never_answers_is_only_closed_when_idle(start: Start) -> None:
    rig = await start(1.0)
    peer = await rig.connect()
    peer.writer.write(b"hello")
    assert await peer.read(4) == b"\r\n\r\n"
    async with asyncio.timeout(10):
        assert set(await peer.reader.read()) <= set(b"\r\n")
    assert (rig.counters["tcp_no_pong"], rig.counters["tcp_idle"]) == (0, 1)


async def test_an_answer_with_a_message_behind_it_leaves_the_message(start: Start) -> None:
    rig = await start(1.0)
    peer = await rig.connect()
    peer.writer.write(b"hello")
    assert await peer.read(4) == b"\r\n\r\n"
    peer.writer.write(b"\r\nOPTIONS")
    async with asyncio.timeout(10):
        while len(rig.stack.streams) < 2:
            await asyncio.sleep(0.01)
    assert [data for data, _ in rig.stack.streams] == [b"hello", b"OPTIONS"]


async def test_a_message_in_place_of_an_answer_is_one(start: Start) -> None:
    rig = await start(5.0)
    peer = await rig.connect()
    for word in (b"one", b"two"):
        peer.writer.write(word)
        assert await peer.read(4) == b"\r\n\r\n"
    peer.writer.write(b"\r\n\r\n")  # its own keep-alive
    async with asyncio.timeout(10):
        while len(rig.stack.streams) < 3:
            await asyncio.sleep(0.01)
    assert [data for data, _ in rig.stack.streams] == [b"one", b"two", b"\r\n\r\n"]


async def test_strangers_are_not_pinged(start: Start) -> None:
    rig = await start(0.6)
    rig.stack.strangers = {"127.0.0.1"}
    peer = await rig.connect()
    peer.writer.write(b"hello")
    assert await peer.ended()


async def test_a_connection_that_we_opened_is_kept_alive_too(start: Start) -> None:
    rig = await start(1.0)
    gateway = await Gateway().start()
    rig.send(b"INVITE", gateway.flow)
    peer = await gateway.accept()
    assert await peer.read(6) == b"INVITE"
    for _ in range(4):
        assert await peer.read(4) == b"\r\n\r\n"
        peer.writer.write(b"\r\n")
    rig.send(b"BYE", gateway.flow)
    heard = b""
    while b"BYE" not in heard:
        heard += await peer.read(1)
    assert set(heard.replace(b"BYE", b"")) <= set(b"\r\n")
    assert gateway.peers.empty()
    await gateway.close()
