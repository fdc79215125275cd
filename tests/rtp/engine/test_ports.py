"""The pool of port pairs: resting, order, ports of other programs, exhaustion."""

import itertools
import socket
import time

import pytest

from rtp.engine import Engine, MediaPort, PortsExhausted
from tests.rtp.engine.conftest import MakeEngine
from tests.rtp.engine.peer import FRAME, Peer, agree, call, until
from tests.support.ports import free_rtp_range, is_free


def test_rtp_is_even_and_rtcp_the_odd_port_above(engine: Engine) -> None:
    ports = [engine.open_port() for _ in range(10)]
    assert all(port.rtp_port % 2 == 0 and port.rtcp_port == port.rtp_port + 1 for port in ports)
    assert len({port.rtp_port for port in ports}) == len({port.leg for port in ports}) == 10
    assert not any(is_free(port.rtcp_port) for port in ports)


def test_an_odd_beginning_of_the_range_is_rounded_up(make_engine: MakeEngine) -> None:
    first, _ = free_rtp_range(8)
    engine = make_engine(first_port=first + 1, last_port=first + 6)
    assert engine.counters.ports_total == 2
    assert {engine.open_port().rtp_port, engine.open_port().rtp_port} == {first + 2, first + 4}


def test_a_full_pool_says_so_and_goes_on(make_engine: MakeEngine) -> None:
    engine = make_engine(pairs=3, rest_seconds=0)
    ports = [engine.open_port() for _ in range(3)]
    with pytest.raises(PortsExhausted):
        engine.open_port()
    ports[1].close()
    assert engine.open_port().rtp_port == ports[1].rtp_port
    with pytest.raises(PortsExhausted):
        engine.open_port(beside=ports[0])


def test_a_returned_pair_rests_with_its_sockets_open(make_engine: MakeEngine) -> None:
    engine = make_engine(pairs=1, rest_seconds=0.3)
    port = engine.open_port()
    number = port.rtp_port
    closed = time.monotonic()
    port.close()
    assert not is_free(number)
    assert engine.counters.ports_resting == 1
    while True:
        try:
            again = engine.open_port()
        except PortsExhausted:
            continue
        break
    assert time.monotonic() - closed >= 0.3
    assert again.rtp_port == number
    assert again.leg != port.leg


def test_the_pair_that_rested_longest_comes_first(make_engine: MakeEngine) -> None:
    engine = make_engine(pairs=4, rest_seconds=0)
    ports = [engine.open_port() for _ in range(4)]
    order = [ports[i] for i in (2, 0, 3, 1)]
    for port in order:
        port.close()
    assert [engine.open_port().rtp_port for _ in order] == [port.rtp_port for port in order]


def test_ports_of_other_programs_are_skipped(make_engine: MakeEngine) -> None:
    first, last = free_rtp_range(8)
    taken = []
    for number in (first, first + 5):  # one RTP port and one RTCP port
        taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        taken[-1].bind(("127.0.0.1", number))
    engine = make_engine(first_port=first, last_port=last)
    opened = {engine.open_port().rtp_port, engine.open_port().rtp_port}
    assert opened == {first + 2, first + 6}
    with pytest.raises(PortsExhausted):
        engine.open_port()
    counters = engine.counters
    assert (counters.ports_unusable, counters.ports_in_use, counters.ports_free) == (2, 2, 0)
    for one in taken:
        one.close()


def test_a_new_leg_never_inherits_a_strangers_stream(make_engine: MakeEngine) -> None:
    engine = make_engine(pairs=1, rest_seconds=0)
    with_stranger = engine.open_port()
    stranger = Peer(with_stranger)
    with_stranger.close()
    for _ in range(50):
        stranger.send(b"old" * 50)
    until(lambda: engine.counters.stray_packets == 50)
    port = engine.open_port()
    peer = Peer(port)
    agree(port, peer)
    peer.send(b"n" * FRAME)
    until(lambda: port.statistics().packets_received)
    assert port.statistics().octets_received == FRAME
    assert port.statistics().dropped == {}
    peer.close()
    stranger.close()


def open_until_exhausted(engine: Engine) -> list[MediaPort]:
    ports = []
    while True:
        try:
            ports.append(engine.open_port())
        except PortsExhausted:
            return ports


def test_running_out_of_file_descriptors_is_exhaustion(make_engine: MakeEngine) -> None:
    resource = pytest.importorskip("resource")
    engine = make_engine(pairs=120)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = socket.socket()
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno() + 21, hard))
    try:
        ports = open_until_exhausted(engine)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        probe.close()
    # 64 pairs were prepared; of the rest, some fit beneath the limit.
    assert 64 <= len(ports) <= 64 + 11
    assert engine.counters.ports_unusable == 0
    assert engine.open_port().rtp_port not in {port.rtp_port for port in ports}


def test_five_hundred_legs_come_and_go_under_traffic(make_engine: MakeEngine) -> None:
    engine = make_engine(pairs=600, rest_seconds=0, tap_bytes=1 << 20)
    with call(engine) as (first, second, one, two):
        first.tap(True)
        received = 0
        for round_ in range(5):
            ports = [engine.open_port(beside=first) for _ in range(500)]
            for port, other in itertools.pairwise(ports):
                port.set_remote("127.0.0.1", 9)
                port.set_direction(send=False, receive=True)
                port.hears([other])
            for _ in range(20):
                one.send(bytes([round_]) * FRAME)
            received += len(two.receive_many(20))
            for port in ports:
                port.close()
        assert received == 100
        assert first.statistics().lost == 0
        assert sum(len(batch.entries) for batch in iter(engine.drain_tap, None)) == 100
        counters = engine.counters
        assert (counters.ports_in_use, counters.ports_total) == (2, 600)
        assert second.statistics().packets_sent == 100
