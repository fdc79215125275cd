import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport import Endpoint, Resolver, StackFace, Transport
from softswitch.transport import transport as module
from softswitch.transport.endpoint import bind_all
from softswitch.transport.names import Addresses
from tests.support.recording_stack import RecordingStack


class Names:
    """A name service that answers when it is told to."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {"gateway.example": ["::1", "127.0.0.1"]}
        self.release = asyncio.Event()

    async def __call__(self, host: str) -> Addresses:
        await self.release.wait()
        try:
            return Addresses(tuple(self.answers[host]))
        except KeyError:
            raise OSError("no such name") from None


class Rig:
    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.names = Names()
        self.stack = RecordingStack()
        self.events: list[str] = []
        self.transport = Transport(endpoints, resolver=Resolver(self.names))

    def send(self, data: bytes, flow: Flow) -> None:
        self.stack.outbox.append((data, flow))
        self.transport.flush()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig([Endpoint("udp", "127.0.0.1", 0)])
    await rig.transport.start(rig.stack, rig.events.append)
    yield rig
    await rig.transport.close()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    [(_, opened)] = bind_all([Endpoint("udp", "127.0.0.1", 0)])
    with opened:
        yield opened


def flow_to(peer: socket.socket, host: str = "127.0.0.1") -> Flow:
    return Flow("udp", host, peer.getsockname()[1])


async def received(peer: socket.socket) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(peer, 65535)


def test_the_recording_stack_has_the_face_of_a_stack() -> None:
    face: StackFace[str] = RecordingStack()
    assert face.next_event() is None


async def test_a_datagram_is_answered_and_its_events_reach_the_owner(
    rig: Rig, peer: socket.socket
) -> None:
    def on_data(data: bytes, flow: Flow) -> None:
        rig.stack.outbox.append((b"100 Trying", flow))
        rig.stack.events.append("invited")

    rig.stack.on_data = on_data
    peer.sendto(b"INVITE", ("127.0.0.1", rig.transport.endpoints[0].port))
    assert await received(peer) == b"100 Trying"
    assert rig.events == ["invited"]
    assert rig.stack.datagrams == [(b"INVITE", flow_to(peer))]


async def test_a_fault_of_the_stack_does_not_deafen_the_socket(
    rig: Rig, peer: socket.socket
) -> None:
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))

    def on_data(data: bytes, flow: Flow) -> None:
        rig.stack.outbox.append((b"answer to " + data, flow))
        if data == b"poison":
            raise ZeroDivisionError

    rig.stack.on_data = on_data
    address = ("127.0.0.1", rig.transport.endpoints[0].port)
    peer.sendto(b"poison", address)
    peer.sendto(b"INVITE", address)
    assert await received(peer) == b"answer to poison"
    assert await received(peer) == b"answer to INVITE"
    assert [type(fault["exception"]) for fault in faults] == [ZeroDivisionError]


async def test_flush_soon_flushes_once_for_many_calls(rig: Rig, peer: socket.socket) -> None:
    rig.stack.outbox.append((b"OPTIONS", flow_to(peer)))
    rig.transport.flush_soon()
    rig.transport.flush_soon()
    assert rig.stack.outbox
    assert await received(peer) == b"OPTIONS"


async def test_a_name_is_looked_up_and_what_waits_goes_out_in_order(
    rig: Rig, peer: socket.socket
) -> None:
    flow = flow_to(peer, "gateway.example")
    rig.send(b"first", flow)
    rig.send(b"second", flow)
    rig.names.release.set()
    assert await received(peer) == b"first"
    assert await received(peer) == b"second"
    rig.send(b"third", flow)
    assert await received(peer) == b"third"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    "host", ["", "a..b", "a\0b", "[::1]", "fe80::1%nowhere", "256.1.1.1", "x" * 300]
)
async def test_a_host_that_is_none_fails_and_nothing_else_is_lost(
    peer: socket.socket, transport: str, host: str
) -> None:
    endpoints = [Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)]
    stack = RecordingStack()
    sockets = Transport(endpoints)
    await sockets.start(stack, lambda event: None)
    flow = Flow(transport, host, 5060)
    stack.outbox.extend([(b"INVITE", flow), (b"BYE", flow_to(peer))])
    sockets.flush()
    assert await received(peer) == b"BYE"
    await stack.until(lambda: stack.failed == [flow])
    await sockets.close()


async def test_a_name_without_an_address_fails(rig: Rig) -> None:
    rig.names.release.set()
    flow = Flow("udp", "no-such-name.example", 5060)
    rig.send(b"INVITE", flow)
    await rig.stack.until(lambda: rig.stack.failed == [flow])
    rig.send(b"INVITE", flow)
    assert rig.stack.failed == [flow, flow]
    assert rig.transport.counters["name_not_resolved"] == 1


async def test_what_waits_for_a_name_is_bounded(
    rig: Rig, peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_FOR_NAME", 1)
    flow = flow_to(peer, "gateway.example")
    rig.send(b"first", flow)
    rig.send(b"second", flow)
    rig.names.release.set()
    assert await received(peer) == b"first"
    assert rig.transport.counters["udp_send_queue_full"] == 1


async def test_a_failure_is_told_by_every_name_the_destination_has(rig: Rig) -> None:
    [(_, gone)] = bind_all([Endpoint("udp", "127.0.0.1", 0)])
    named, numeric = flow_to(gone, "gateway.example"), flow_to(gone)
    gone.close()
    rig.names.release.set()
    rig.send(b"INVITE", named)
    await rig.stack.until(lambda: len(rig.stack.failed) == 2)
    assert set(rig.stack.failed) == {named, numeric}


async def test_an_ipv6_peer_is_told_by_the_spelling_that_was_used() -> None:
    rig = Rig([Endpoint("udp", "::1", 0)])
    await rig.transport.start(rig.stack, rig.events.append)
    [(_, gone)] = bind_all([Endpoint("udp", "::1", 0)])
    odd = flow_to(gone, "0:0:0:0:0:0:0:1")
    gone.close()
    rig.send(b"INVITE", odd)
    await rig.stack.until(lambda: odd in rig.stack.failed)
    await rig.transport.close()


async def test_a_destination_of_the_other_family_uses_a_listener_that_can_reach_it(
    peer: socket.socket,
) -> None:
    rig = Rig([Endpoint("udp", "::1", 0), Endpoint("udp", "127.0.0.1", 0)])
    await rig.transport.start(rig.stack, rig.events.append)
    rig.send(b"INVITE", flow_to(peer))
    assert await received(peer) == b"INVITE"
    rig.names.release.set()
    rig.send(b"BYE", flow_to(peer, "gateway.example")._replace(listener=1))
    assert await received(peer) == b"BYE"
    await rig.transport.close()


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        (Flow("udp", "::1", 5060), "udp_no_listener"),
        (Flow("sctp", "127.0.0.1", 5060), "unknown_transport"),
        (Flow("udp", "127.0.0.1", 65536), "bad_port"),
        (Flow("tcp", "127.0.0.1", 70000), "bad_port"),
        (Flow("udp", "127.0.0.1", 0), "bad_port"),
    ],
)
async def test_a_flow_that_no_socket_serves_fails(rig: Rig, flow: Flow, reason: str) -> None:
    rig.send(b"INVITE", flow)
    assert rig.stack.failed == [flow]
    assert rig.transport.counters[reason] == 1


async def test_routes_and_names_are_bounded(
    rig: Rig, peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROUTES", 2)
    rig.names.release.set()
    for number in range(5):
        rig.names.answers[f"{number}.example"] = ["127.0.0.1"]
        rig.send(b"x", flow_to(peer, f"{number}.example"))
        assert await received(peer) == b"x"
        rig.send(b"x", flow_to(peer)._replace(connection=number))
    assert len(rig.transport._routes) <= 2
    assert len(rig.transport._named) <= 2


async def test_a_transport_starts_once(rig: Rig) -> None:
    with pytest.raises(RuntimeError):
        await rig.transport.start(RecordingStack(), rig.events.append)


async def test_close_is_complete_and_may_be_repeated(rig: Rig, peer: socket.socket) -> None:
    port = rig.transport.endpoints[0].port
    rig.send(b"waits for ever", Flow("udp", "gateway.example", 5060))
    rig.stack.outbox.append((b"BYE", flow_to(peer)))
    await rig.transport.close()
    await rig.transport.close()
    assert await received(peer) == b"BYE"
    rig.send(b"late", flow_to(peer))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_transport_that_never_started_closes_its_sockets() -> None:
    transport = Transport([Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)])
    transport.flush()
    transport.flush_soon()
    await transport.close()
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as again:
            again.bind(("127.0.0.1", transport.endpoints[0].port))


async def test_datagrams_lost_unread_are_a_full_backlog_once() -> None:
    transport = Transport([Endpoint("udp", "127.0.0.1", 0)])
    await transport.start(RecordingStack(), lambda event: None)
    try:
        [(endpoint, bound)] = transport._bound
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for _ in range(100):
                peer.sendto(b"x" * 1000, (endpoint.host, endpoint.port))
        assert transport.backlog() == 1.0
        assert transport.counters["udp_lost_unread"] > 0
        assert transport.backlog() < 1.0
    finally:
        await transport.close()
