"""Datagrams that are no RTP, passed on unread from the peer of one leg to that of the other."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from rtp.engine import Engine, MediaPort, PortClosed
from rtp.packet import RtpPacket
from tests.rtp.engine.peer import FRAME, Peer, agree, call, until

MAX_DATAGRAM = 1500
MAX_A_SECOND = 1000


@pytest.fixture
def fax(engine: Engine) -> Iterator[tuple[MediaPort, MediaPort, Peer, Peer]]:
    """Two legs that had sound, and exchange datagrams now."""
    with call(engine) as (first, second, peer, other):
        peer.send(bytes(FRAME))
        other.receive()
        other.send(bytes(FRAME))
        peer.receive()
        begin(first, second, peer, other)
        yield first, second, peer, other


def begin(first: MediaPort, second: MediaPort, peer: Peer, other: Peer) -> None:
    for port, end in ((first, peer), (second, other)):
        port.set_remote(end.host, end.port)
    first.pass_with(second)


def take(peer: Peer, *, within: float = 10.0) -> bytes:
    ready, _, _ = select.select([peer.socket], [], [], within)
    assert ready, "nothing arrived"
    return peer.socket.recv(4096)


def test_datagrams_go_both_ways_as_they_came(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, second, peer, other = fax
    datagrams = [bytes([number, 0x80]) * (1 + 7 * number) for number in range(20)]
    datagrams.append(b"\x80" * MAX_DATAGRAM)
    for datagram in datagrams:
        peer.send_raw(datagram)
        assert take(other) == datagram
        other.send_raw(datagram[::-1])
        assert take(peer) == datagram[::-1]
    for port in (first, second):
        seen = port.statistics()
        assert (seen.datagrams_received, seen.datagrams_sent) == (21, 21)
        assert seen.packets_received == 1, "none of them is RTP"
        assert not seen.dropped


def test_doubled_ones_are_passed_on_twice(fax: tuple[MediaPort, MediaPort, Peer, Peer]) -> None:
    _, _, peer, other = fax
    for datagram in (b"one", b"one", b"three", b"two"):
        peer.send_raw(datagram)
    assert [take(other) for _ in range(4)] == [b"one", b"one", b"three", b"two"]


def test_they_are_signs_of_life(fax: tuple[MediaPort, MediaPort, Peer, Peer]) -> None:
    first, _, peer, other = fax
    before = first.last_received_ns
    assert before is not None
    peer.send_raw(b"datagram")
    take(other)
    after = first.last_received_ns
    assert after is not None
    assert after > before


def test_others_are_not_believed_and_counted(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, _, peer, other = fax
    peer.send_raw(b"one")
    take(other)
    stranger = Peer(first)
    for _ in range(5):
        stranger.send_raw(b"not of the peer")
    until(lambda: first.statistics().dropped.get("other_source") == 5)
    other.send_raw(b"answer")
    assert take(peer) == b"answer", "and it is not where we send to"
    peer.send_raw(b"two")
    assert take(other) == b"two"
    stranger.close()


def test_nobody_from_another_host_is_the_first_to_be_believed(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, _, peer, other = fax
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.3", 0))
    stranger.sendto(b"not of the peer", ("127.0.0.1", first.rtp_port))
    until(lambda: first.statistics().dropped.get("other_source") == 1)
    stranger.close()
    peer.send_raw(b"one")
    assert take(other) == b"one"


def test_one_behind_a_translator_is_believed_by_its_host(engine: Engine) -> None:
    with call(engine) as (first, second, peer, other):
        first.set_remote(peer.host, 9)
        second.set_remote(other.host, other.port)
        first.pass_with(second)
        peer.send_raw(b"from another port than it said")
        take(other)
        other.send_raw(b"answer")
        assert take(peer) == b"answer"


def test_too_long_and_empty_ones_are_dropped(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, _, peer, other = fax
    peer.send_raw(b"x" * (MAX_DATAGRAM + 1))
    peer.send_raw(b"x" * 9000)
    peer.send_raw(b"")
    peer.send_raw(b"fits")
    assert take(other) == b"fits"
    assert first.statistics().dropped == {"too_long": 2, "too_short": 1}


def test_a_flood_is_cut_and_counted(fax: tuple[MediaPort, MediaPort, Peer, Peer]) -> None:
    first, second, peer, other = fax
    for number in range(3 * MAX_A_SECOND):
        peer.send_raw(number.to_bytes(4, "big"))
        if number % 100 == 99:
            until(lambda: handled(first) >= number - 99)  # noqa: B023
    until(lambda: handled(first) == 3 * MAX_A_SECOND)
    seen = first.statistics()
    assert seen.dropped["flood"] > 0
    assert second.statistics().datagrams_sent == seen.datagrams_received
    assert other.waiting_raw() == seen.datagrams_received


def handled(port: MediaPort) -> int:
    seen = port.statistics()
    return seen.datagrams_received + sum(seen.dropped.values())


def test_the_last_packets_of_the_sound_reach_nobody(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, _, peer, other = fax
    peer.send(bytes(FRAME))
    peer.send_raw(b"fax")
    assert take(other) == b"fax"
    assert first.statistics().dropped == {"late": 1}


def test_neither_rtp_nor_tapped_sound_is_made_meanwhile(
    engine: Engine, fax: tuple[MediaPort, MediaPort, Peer, Peer]
) -> None:
    first, _, peer, other = fax
    while engine.drain_tap() is not None:
        pass
    first.tap(True)
    prompt = engine.load_prompt(bytes(3200))
    first.play(prompt)
    peer.send_raw(bytes(RtpPacket(0, 1, 1, 77, bytes(FRAME))))
    take(other)
    until(lambda: [event for event in engine.next_events() if hasattr(event, "playback")])
    assert engine.drain_tap() is None
    assert not select.select([peer.socket], [], [], 0)[0], "no prompt went out"


def test_sound_is_as_before_afterwards(fax: tuple[MediaPort, MediaPort, Peer, Peer]) -> None:
    first, second, peer, other = fax
    peer.send_raw(b"fax")
    take(other)
    first.pass_no_more()
    for port, end in ((first, peer), (second, other)):
        agree(port, end)
    for number in range(10):
        peer.send(bytes([number]) * FRAME)
        assert other.receive().payload == bytes([number]) * FRAME
        other.send(bytes([100 + number]) * FRAME)
        assert peer.receive().payload == bytes([100 + number]) * FRAME
    assert first.statistics().packets_received == 11
    assert first.statistics().lost == 0


def test_what_a_late_datagram_does_to_sound_is_a_count(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, _, peer, other = fax
    first.pass_no_more()
    peer.send_raw(b"\x00\x05\x01\x06\x00\x00 of the fax")
    peer.send(bytes(FRAME))
    assert other.receive().payload == bytes(FRAME)
    assert first.statistics().dropped == {"bad_version": 1}


@pytest.mark.parametrize("closed", [0, 1])
def test_a_leg_whose_partner_is_gone_passes_to_nobody(
    fax: tuple[MediaPort, MediaPort, Peer, Peer], closed: int
) -> None:
    ports, peers = fax[:2], fax[2:]
    ports[closed].close()
    left, peer = ports[1 - closed], peers[1 - closed]
    peer.send_raw(b"to nobody")
    until(lambda: left.statistics().dropped == {"direction": 1})
    left.pass_no_more()
    peer.send(bytes(FRAME))
    until(lambda: left.statistics().packets_received == 2)


def test_a_leg_has_one_partner(engine: Engine) -> None:
    with call(engine) as (first, second, peer, other), call(engine) as (third, _, last, _):
        for port, end in ((first, peer), (second, other), (third, last)):
            port.set_remote(end.host, end.port)
        first.pass_with(second)
        first.pass_with(third)
        peer.send_raw(b"to the third")
        assert take(last) == b"to the third"
        other.send(bytes(FRAME))
        assert peer.socket is not None
        until(lambda: second.statistics().packets_received == 1)


def test_only_two_open_legs_of_one_thread_can_be_partners(make_engine: object) -> None:
    engine = make_engine(threads=2)  # type: ignore[operator]  # the fixture of conftest
    first, second = engine.open_port(), engine.open_port()
    beside = engine.open_port(beside=first)
    assert first.is_beside(beside)
    assert not first.is_beside(second)
    for other in (first, second):
        with pytest.raises(ValueError, match="one thread"):
            first.pass_with(other)
    beside.close()
    with pytest.raises(PortClosed):
        first.pass_with(beside)
    first.close()
    with pytest.raises(PortClosed):
        first.pass_no_more()
    second.close()
