import asyncio
import contextlib
import errno
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport import udp as module
from softswitch.transport.endpoint import Endpoint, bind_all
from softswitch.transport.udp import UdpSocket


class Owner:
    """Records what a socket tells."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[bytes, Flow]] = []
        self.batches: list[int] = []
        self.failed: list[Flow] = []
        self.reasons: list[str] = []
        self.changed = asyncio.Event()
        self._in_batch = 0

    def datagram_received(self, data: bytes, flow: Flow, now: float) -> None:
        self.datagrams.append((data, flow))
        self._in_batch += 1

    def certificate_refused(self, host: str, why: str) -> None:
        raise AssertionError("no TLS here")

    def batch_received(self) -> None:
        self.batches.append(self._in_batch)
        self._in_batch = 0
        self.changed.set()

    def is_stranger(self, host: str) -> bool:
        return False

    def stream_received(self, data: bytes, flow: Flow) -> None:
        raise AssertionError("no stream here")

    def connection_closed(self, flow: Flow) -> None:
        raise AssertionError("no connection here")

    def sending_failed(self, flow: Flow, why: str) -> None:
        self.failed.append(flow)
        self.reasons.append(why)
        self.changed.set()

    async def next_change(self) -> None:
        async with asyncio.timeout(5):
            await self.changed.wait()
        self.changed.clear()


class Rig:
    def __init__(self, host: str = "127.0.0.1") -> None:
        [(self.endpoint, self.bound)] = bind_all([Endpoint("udp", host, 0)])
        self.owner = Owner()
        self.counters: Counter[str] = Counter()
        self.udp = UdpSocket(self.bound, listener=3, owner=self.owner, counters=self.counters)
        self.address = (host, self.endpoint.port)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.udp.close()


def flow_to(address: tuple[str, int]) -> Flow:
    return Flow("udp", address[0], address[1], 3)


@contextlib.contextmanager
def peer_socket(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    [(_, opened)] = bind_all([Endpoint("udp", host, 0)])
    with opened:
        yield opened


async def test_a_burst_is_taken_in_one_wake_up_and_flushed_once(rig: Rig) -> None:
    with peer_socket() as peer:
        for number in range(10):
            peer.sendto(b"%d" % number, rig.address)
        await rig.owner.next_change()
        flow = flow_to(peer.getsockname())
    assert rig.owner.datagrams == [(b"%d" % number, flow) for number in range(10)]
    assert rig.owner.batches == [10]


async def test_a_flood_leaves_the_loop_its_turn(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 4)
    with peer_socket() as peer:
        for _ in range(10):
            peer.sendto(b"x", rig.address)
        while len(rig.owner.datagrams) < 10:
            await rig.owner.next_change()
    assert rig.owner.batches[:3] == [4, 4, 2]


async def test_the_largest_and_the_empty_datagram_arrive_whole(rig: Rig) -> None:
    with peer_socket() as peer:
        peer.sendto(b"x" * 65507, rig.address)
        peer.sendto(b"", rig.address)
        while len(rig.owner.datagrams) < 2:
            await rig.owner.next_change()
    assert [len(data) for data, _ in rig.owner.datagrams] == [65507, 0]


async def test_datagrams_of_one_peer_share_one_flow(rig: Rig) -> None:
    with peer_socket() as one, peer_socket() as other:
        for sender in (one, one, other, one):
            sender.sendto(b"x", rig.address)
        while len(rig.owner.datagrams) < 4:
            await rig.owner.next_change()
        names = [sender.getsockname() for sender in (one, one, other, one)]
    flows = [flow for _, flow in rig.owner.datagrams]
    assert flows == [flow_to(name) for name in names]
    assert flows[0] is flows[1]


async def test_each_of_many_peers_is_known_by_its_own_address(rig: Rig) -> None:
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(peer_socket()) for _ in range(300)]
        for _ in range(2):
            for number, sender in enumerate(peers):
                sender.sendto(str(number).encode(), rig.address)
                if number % 50 == 0:
                    await asyncio.sleep(0)
            while len(rig.owner.datagrams) % 300:
                await rig.owner.next_change()
        expected = [flow_to(sender.getsockname()) for sender in peers]
    assert len(rig.owner.datagrams) == 600
    assert all(flow == expected[int(data)] for data, flow in rig.owner.datagrams)


async def test_ipv6_goes_both_ways() -> None:
    rig = Rig("::1")
    try:
        with peer_socket("::1") as peer:
            peer.sendto(b"in", rig.address)
            await rig.owner.next_change()
            [(data, flow)] = rig.owner.datagrams
            assert (data, flow.host, flow.port) == (b"in", "::1", peer.getsockname()[1])
            rig.udp.send(b"out", (flow.host, flow.port), flow)
            assert peer.recv(100) == b"out"
        assert rig.udp.reaches("2001:db8::1")
        assert not rig.udp.reaches("192.0.2.1")
    finally:
        rig.udp.close()


async def test_an_unreachable_port_is_reported_and_the_socket_goes_on(rig: Rig) -> None:
    """RFC 3261 section 18.4: ICMP errors inform the transport user of a failure in sending."""
    with peer_socket() as gone:
        dead = gone.getsockname()
    rig.udp.send(b"hello", dead, flow_to(dead))
    while not rig.owner.failed:
        await rig.owner.next_change()
    assert rig.owner.failed == [flow_to(dead)]
    assert rig.counters["udp_unreachable"] == 1
    with peer_socket() as peer:
        peer.sendto(b"still here", rig.address)
        while not rig.owner.datagrams:
            await rig.owner.next_change()


async def test_an_error_of_an_earlier_datagram_does_not_spoil_the_next(rig: Rig) -> None:
    with peer_socket() as gone, peer_socket() as alive:
        dead = gone.getsockname()
        gone.close()
        rig.udp.send(b"to the dead", dead, flow_to(dead))
        # The ICMP error waits in the socket, and the next send meets it.
        rig.udp.send(b"to the living", alive.getsockname(), flow_to(alive.getsockname()))
        assert alive.recv(100) == b"to the living"
        assert rig.owner.failed == [flow_to(dead)]
    assert rig.owner.reasons == ["refused"]


async def test_a_datagram_that_cannot_be_sent_is_reported(rig: Rig) -> None:
    flow = Flow("udp", "127.0.0.1", 9)
    rig.udp.send(b"x" * 65508, (flow.host, flow.port), flow)
    assert rig.owner.failed == [flow]
    assert rig.counters["udp_send_EMSGSIZE"] == 1


class FullSocket:
    """A socket whose kernel buffer is full until told otherwise."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.full = True
        self.sent: list[bytes] = []

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        if self.full:
            raise BlockingIOError
        if data == b"bad":
            raise OSError(errno.EPERM, "not permitted")
        self.sent.append(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)


async def test_what_the_kernel_does_not_take_waits_in_order_and_within_bounds(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED_DATAGRAMS", 3)
    full = FullSocket(rig.bound)
    monkeypatch.setattr(rig.udp, "_socket", full)
    flow = Flow("udp", "127.0.0.1", 9)
    for data in (b"1", b"bad", b"3", b"4"):
        rig.udp.send(data, (flow.host, flow.port), flow)
    assert rig.counters["udp_send_queue_full"] == 1
    full.full = False
    rig.udp.send(b"5", (flow.host, flow.port), flow)
    assert full.sent == []
    await rig.owner.next_change()
    assert full.sent == [b"1", b"3"]
    assert rig.owner.failed == [flow]
    rig.udp.send(b"6", (flow.host, flow.port), flow)
    assert full.sent == [b"1", b"3", b"6"]


async def test_close_tries_once_more_and_then_sends_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = FullSocket(rig.bound)
    monkeypatch.setattr(rig.udp, "_socket", full)
    flow = Flow("udp", "127.0.0.1", 9)
    rig.udp.send(b"1", (flow.host, flow.port), flow)
    full.full = False
    rig.udp.close()
    rig.udp.close()
    rig.udp.send(b"2", (flow.host, flow.port), flow)
    assert full.sent == [b"1"]
    assert rig.bound.fileno() == -1


def extended_error(number: int, origin: int, kind: int) -> tuple[int, int, bytes]:
    return (socket.IPPROTO_IP, 11, struct.pack("=IBBBBII", number, origin, kind, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("number", "origin", "kind", "failed"),
    [
        (errno.ECONNREFUSED, 2, 3, True),
        (errno.EHOSTUNREACH, 2, 3, True),
        (errno.EHOSTUNREACH, 2, 11, False),
        (errno.EHOSTUNREACH, 3, 3, False),
        (errno.ENETUNREACH, 3, 1, True),
        (errno.EMSGSIZE, 2, 3, False),
    ],
)
async def test_which_icmp_errors_are_failures(
    rig: Rig, number: int, origin: int, kind: int, failed: bool
) -> None:
    """RFC 3261 section 18.4: "Source quench and TTL exceeded ICMP errors SHOULD be ignored."""
    rig.udp._on_error([extended_error(number, origin, kind), (0, 0, b"")], ("192.0.2.1", 5060))
    assert bool(rig.owner.failed) is failed


async def test_a_source_port_of_zero_is_counted_and_dropped(rig: Rig) -> None:
    assert rig.udp._flow_of("192.0.2.1", 0) is None
    assert rig.counters["udp_port_zero"] == 1


async def test_what_waits_to_be_read_is_told_as_a_share(rig: Rig) -> None:
    assert rig.udp.backlog() == (0.0, 0)
    with peer_socket() as peer:
        for _ in range(100):
            peer.sendto(b"x" * 1000, rig.address)
        share, lost = rig.udp.backlog()
        assert 0.0 < share < 1.0
        assert lost == 0
        while len(rig.owner.datagrams) < 100:
            await rig.owner.next_change()
        assert rig.udp.backlog()[0] < share


async def test_what_was_lost_unread_is_told(rig: Rig) -> None:
    rig.bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with peer_socket() as peer:
        for _ in range(100):
            peer.sendto(b"x" * 1000, rig.address)
    share, lost = rig.udp.backlog()
    assert share > 0.5
    assert lost > 0


async def test_a_closed_socket_has_no_backlog(rig: Rig) -> None:
    rig.udp.close()
    assert rig.udp.backlog() == (0.0, 0)
