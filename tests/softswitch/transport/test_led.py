"""Where what was sent to a flow has gone: names stand for addresses, and connections are shared."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport import Endpoint, Resolver, Transport
from softswitch.transport import resolver as resolver_module
from softswitch.transport import transport as module
from softswitch.transport.endpoint import bind_all
from softswitch.transport.names import Addresses
from tests.support.recording_stack import RecordingStack


class Rig:
    """A transport with UDP and TCP, and a name service that says what a test has it say."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.stack = RecordingStack()
        self.transport = Transport(
            [Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)],
            resolver=Resolver(self._look_up),
        )

    async def _look_up(self, host: str) -> Addresses:
        return Addresses((self.names[host],))

    def send(self, flow: Flow) -> None:
        self.stack.outbox.append((b"x", flow))
        self.transport.flush()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.transport.start(made.stack, lambda event: None)
    yield made
    await made.transport.close()


@pytest.fixture
def peers() -> Iterator[dict[str, socket.socket]]:
    """Two hosts that listen at one port."""
    [(where, first)] = bind_all([Endpoint("udp", "127.0.0.1", 0)])
    [(_, second)] = bind_all([Endpoint("udp", "127.0.0.2", where.port)])
    with first, second:
        yield {"127.0.0.1": first, "127.0.0.2": second}


async def received(peer: socket.socket) -> bytes:
    async with asyncio.timeout(10):
        return await asyncio.get_running_loop().sock_recv(peer, 65535)


async def test_a_name_has_led_to_every_address_that_it_was_sent_to(
    rig: Rig, peers: dict[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "FRESH_SECONDS", 0.0)
    asked = Flow("udp", "carrier.example", peers["127.0.0.1"].getsockname()[1])
    loop = asyncio.get_running_loop()
    began = loop.time()
    for host, peer in peers.items():
        source = asked._replace(host=host, port=40000)
        assert not rig.transport.has_led(asked, source, -math.inf)
        rig.names["carrier.example"] = host
        rig.send(asked)
        assert await received(peer) == b"x"
        assert rig.transport.has_led(asked, source, began)
        assert not rig.transport.has_led(asked, source, loop.time() + 1.0)
        assert not rig.transport.has_led(asked._replace(host="other.example"), source, began)
    # What it stood for first is still good for what was sent then.
    assert rig.transport.has_led(asked, asked._replace(host="127.0.0.1"), began)


async def test_what_names_led_to_is_bounded_and_the_latest_stay(
    rig: Rig, peers: dict[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROUTES", 2)
    flows = [
        Flow("udp", f"{number}.example", peers["127.0.0.1"].getsockname()[1]) for number in range(4)
    ]
    source = Flow("udp", "127.0.0.1", 5060)
    for flow in (*flows[:3], flows[1], flows[3]):
        rig.names[flow.host] = "127.0.0.1"
        rig.send(flow)
        await received(peers["127.0.0.1"])
    led = [rig.transport.has_led(flow, source, -math.inf) for flow in flows]
    assert led == [False, True, False, True]


async def test_a_connection_has_carried_what_was_sent_over_it_by_any_name(rig: Rig) -> None:
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda reader, writer: accepted.put_nowait(writer), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    rig.names["carrier.example"] = "127.0.0.1"
    asked = Flow("tcp", "carrier.example", port, 1)
    rig.send(asked)
    async with asyncio.timeout(10):
        writer = await accepted.get()
    writer.write(b"SIP/2.0 200 OK")
    await rig.stack.until(lambda: bool(rig.stack.streams))
    [(_, source)] = rig.stack.streams
    assert source.host == "127.0.0.1"
    assert rig.transport.has_led(asked, source, 0.0)
    assert rig.transport.has_led(asked._replace(connection=77), source, 0.0)
    assert not rig.transport.has_led(asked._replace(host="other.example"), source, 0.0)
    assert not rig.transport.has_led(asked, source._replace(connection=77), 0.0)
    writer.close()
    await rig.stack.until(lambda: bool(rig.stack.closed))
    assert not rig.transport.has_led(asked, source, 0.0)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("six", [False, True])
async def test_a_stream_leaves_by_a_listener_of_its_kind_of_address(*, six: bool) -> None:
    hosts = ["::1", "127.0.0.1"]
    transport = Transport([Endpoint("udp", hosts[0], 0), *(Endpoint("tcp", h, 0) for h in hosts)])
    stack = RecordingStack()
    await transport.start(stack, lambda event: None)
    accepted: asyncio.Queue[tuple[object, ...]] = asyncio.Queue()

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait(writer.get_extra_info("peername"))
        writer.close()

    host = "::1" if six else "127.0.0.1"
    server = await asyncio.start_server(accept, host, 0)
    # The listener that is named has no TCP.
    stack.outbox.append((b"x", Flow("tcp", host, server.sockets[0].getsockname()[1], 0)))
    transport.flush()
    async with asyncio.timeout(10):
        peer = await accepted.get()
    assert peer[0] == host
    assert stack.failed == []
    await transport.close()
    server.close()
    await server.wait_closed()
