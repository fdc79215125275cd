"""RTCP over real sockets; intervals and arithmetic are in the C tests."""

import socket
import struct
from collections.abc import Iterator

import pytest

from rtp.engine import Engine, MediaPort
from tests.rtp.engine.peer import FRAME, Peer, agree, until

Control = tuple[MediaPort, Peer, socket.socket]


@pytest.fixture
def control(engine: Engine) -> Iterator[Control]:
    """A leg, its peer, and the peer's socket for RTCP at a port of its own."""
    port = engine.open_port()
    peer = Peer(port)
    reports = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    reports.bind(("127.0.0.1", 0))
    reports.settimeout(10)
    agree(port, peer)
    port.set_remote("127.0.0.1", peer.port, reports.getsockname()[1])
    yield port, peer, reports
    peer.close()
    reports.close()


def packets(compound: bytes) -> list[tuple[int, int, bytes]]:
    """Packet type, count and body of each packet of a compound."""
    found = []
    while compound:
        first, kind, words = struct.unpack_from("!BBH", compound)
        assert first >> 6 == 2
        found.append((kind, first & 31, compound[4 : 4 + 4 * words]))
        compound = compound[4 + 4 * words :]
    return found


def test_a_closed_leg_says_goodbye_with_its_last_report(control: Control) -> None:
    port, peer, reports = control
    for number in range(10):
        if number != 4:
            peer.send(b"a" * FRAME)
        else:
            peer.lose()
    until(lambda: port.statistics().packets_received == 9)
    ssrc = peer.receive().ssrc
    sent = port.close()
    report, description, goodbye = packets(reports.recv(2000))
    assert (report[0], report[1]) == (200, 1)
    own, _, _, packet_count, octets = struct.unpack_from("!IQIII", report[2])
    assert own == ssrc
    assert packet_count >= sent.packets_sent
    assert octets == packet_count * FRAME
    source, lost, highest = struct.unpack_from("!III", report[2], 24)
    assert source == peer.ssrc
    assert lost == (256 // 10) << 24 | 1
    assert highest == peer.sequence - 1
    assert (description[0], description[2][4]) == (202, 1)
    assert goodbye == (203, 1, struct.pack("!I", ssrc))


def test_reports_of_the_peer_are_read_and_bad_ones_counted(control: Control) -> None:
    port, peer, reports = control
    ssrc = peer.receive().ssrc
    block = struct.pack("!IIIIII", ssrc, 64 << 24 | 7, 1, 80, 0, 0)
    report = struct.pack("!BBHI", 0x81, 201, 7, peer.ssrc) + block
    target = ("127.0.0.1", port.rtcp_port)
    reports.sendto(report, target)
    until(lambda: port.statistics().rtcp_received == 1)
    found = port.statistics()
    assert (found.remote_lost, found.remote_fraction_lost) == (7, 0.25)
    assert (found.remote_jitter_ms, found.round_trip_ms) == (10.0, None)
    for bad in (b"", report[:-1], report + b"1234", b"\x00" + report[1:], bytes(3000)):
        reports.sendto(bad, target)
    until(lambda: port.statistics().rtcp_malformed == 5)
    assert port.statistics().rtcp_received == 1


def test_a_leg_that_never_sent_says_no_goodbye(engine: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reports:
        reports.bind(("127.0.0.1", 0))
        quiet = engine.open_port()
        quiet.set_remote("127.0.0.1", 9, reports.getsockname()[1])
        quiet.close()
        until(lambda: engine.counters.ports_resting == 1)
        reports.settimeout(0.1)
        with pytest.raises(TimeoutError):
            reports.recv(2000)
