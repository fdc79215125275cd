"""Datagrams that are no RTP, passed on unread from the peer of one leg to that of the other."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Mapping

import pytest

from rtp.engine import Engine, MediaPort, PlaybackEnded, PortClosed
from rtp.packet import RtpPacket
from tests.rtp.engine.conftest import MakeEngine
from tests.rtp.engine.peer import FRAME, PATIENCE, Peer, agree, call, until

MAX_DATAGRAM = 1500
MAX_A_SECOND = 1000
SILENCE = b"\xff"
"""Of PCMU."""


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def engine(make_engine: MakeEngine, threads: int) -> Engine:
    """One whose next leg is on another thread than the last, where it has several."""
    return make_engine(threads=threads)


@pytest.fixture
def fax(engine: Engine) -> Iterator[tuple[MediaPort, MediaPort, Peer, Peer]]:
    """Two legs whose peers have sent sound, and exchange datagrams now."""
    first, second = engine.open_port(), engine.open_port()
    peer, other = Peer(first), Peer(second)
    for port, end in ((first, peer), (second, other)):
        agree(port, end)
        end.send(bytes(FRAME))
        until(lambda: port.statistics().packets_received == 1)  # noqa: B023
    begin(engine, first, second, peer, other)
    yield first, second, peer, other
    for closing in (first, second, peer, other):
        closing.close()


def begin(engine: Engine, first: MediaPort, second: MediaPort, peer: Peer, other: Peer) -> None:
    """Datagrams in place of prompts: when these have ended, both threads know of it."""
    prompt = engine.load_prompt(bytes(16000))
    for port in (first, second):
        port.play(prompt)
    first.pass_with(second)
    ended = 0
    while ended < 2:
        ended += len(until(lambda: [one for one in engine.next_events() if _is_end(one)]))
    for end in (peer, other):
        end.waiting_raw()


def _is_end(event: object) -> bool:
    return isinstance(event, PlaybackEnded)


def reaches(end: Peer, sender: Peer, data: bytes) -> None:
    """What a peer sends gets there, as soon as both threads know where that is."""
    deadline = time.monotonic() + PATIENCE
    while not select.select([end.socket], [], [], 0.02)[0]:
        assert time.monotonic() < deadline, "nothing arrived"
        sender.send_raw(data)
    assert end.socket.recv(4096) == data
    while select.select([end.socket], [], [], 0.05)[0]:
        assert end.socket.recv(4096) == data


def take(peer: Peer, *, within: float = 10.0) -> bytes:
    ready, _, _ = select.select([peer.socket], [], [], within)
    assert ready, "nothing arrived"
    return peer.socket.recv(4096)


def receive_sound(end: Peer) -> bytes:
    """The next sound that arrives; before a leg hears another on a slow machine it has silence."""
    return until(lambda: end.receive().payload.strip(SILENCE))


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


def test_sound_from_another_port_that_was_never_heard_is_not_believed(engine: Engine) -> None:
    with call(engine) as (first, second, peer, other):
        fax = Peer(first)
        first.set_remote(fax.host, fax.port)
        second.set_remote(other.host, other.port)
        first.pass_with(second)
        peer.send(bytes(FRAME))
        until(lambda: first.statistics().dropped == {"late": 1})
        other.send_raw(b"fax")
        assert take(fax) == b"fax"
        fax.close()


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


@pytest.mark.parametrize("threads", [1], indirect=True)
def test_sound_is_as_before_afterwards(fax: tuple[MediaPort, MediaPort, Peer, Peer]) -> None:
    first, second, peer, other = fax
    peer.send_raw(b"fax")
    take(other)
    first.pass_no_more()
    first.hears([second])
    second.hears([first])
    for port, end in ((first, peer), (second, other)):
        agree(port, end)
    for number in range(10):
        peer.send(bytes([number]) * FRAME)
        assert receive_sound(other) == bytes([number]) * FRAME
        other.send(bytes([100 + number]) * FRAME)
        assert receive_sound(peer) == bytes([100 + number]) * FRAME
    assert first.statistics().packets_received == 11
    assert first.statistics().lost == 0


def test_what_a_late_datagram_does_to_sound_is_a_count(
    fax: tuple[MediaPort, MediaPort, Peer, Peer],
) -> None:
    first, _, peer, _ = fax
    first.pass_no_more()
    peer.send_raw(b"\x00\x05\x01\x06\x00\x00 of the fax")
    peer.send(bytes(FRAME))
    until(lambda: first.statistics().packets_received == 2)
    assert first.statistics().dropped == {"bad_version": 1}


@pytest.mark.parametrize("closed", [0, 1])
def test_a_leg_whose_partner_is_gone_passes_to_nobody(
    fax: tuple[MediaPort, MediaPort, Peer, Peer], closed: int
) -> None:
    ports, peers = fax[:2], fax[2:]
    ports[closed].close()
    left, peer = ports[1 - closed], peers[1 - closed]

    def dropped() -> Mapping[str, int]:
        # Again and again: the thread of who has gone may hear of it last.
        peer.send_raw(b"to nobody")
        return left.statistics().dropped

    assert set(until(dropped)) == {"direction"}
    left.pass_no_more()
    peer.send(bytes(FRAME))
    until(lambda: left.statistics().packets_received == 2)


def test_a_leg_has_one_partner(engine: Engine) -> None:
    with call(engine) as (first, second, peer, other), call(engine) as (third, _, last, _):
        for port, end in ((first, peer), (second, other), (third, last)):
            port.set_remote(end.host, end.port)
        first.pass_with(second)
        first.pass_with(third)
        reaches(last, peer, b"to the third")
        other.send(bytes(FRAME))
        assert peer.socket is not None
        until(lambda: second.statistics().packets_received == 1)


def test_datagrams_follow_a_party_that_moves(fax: tuple[MediaPort, MediaPort, Peer, Peer]) -> None:
    first, _, peer, other = fax
    moved = Peer(first)
    first.set_remote(moved.host, moved.port)
    reaches(moved, other, b"to where it is signalled")
    reaches(other, moved, b"from there")
    translated = Peer(first)
    first.set_remote(moved.host, 9)
    reaches(other, translated, b"from another port than it said")
    reaches(translated, other, b"answer")
    assert peer.waiting_raw() < 3, "on its way while it moved"
    for closing in (moved, translated):
        closing.close()


def test_partners_on_two_threads_have_sound_afterwards(make_engine: MakeEngine) -> None:
    engine = make_engine(threads=2)
    first, second = engine.open_port(), engine.open_port()
    peer, other = Peer(first), Peer(second)
    for port, end in ((first, peer), (second, other)):
        agree(port, end)
    first.pass_with(second)
    reaches(other, peer, b"fax")
    second.pass_no_more()
    first.hears([second])
    other.send(bytes([7]) * FRAME)
    assert peer.receive().payload_type == 0
    for closing in (first, second, peer, other):
        closing.close()


def test_a_stopped_engine_passes_nothing_on(make_engine: MakeEngine) -> None:
    engine = make_engine(threads=2)
    first, second = engine.open_port(), engine.open_port()
    first.pass_with(second)
    engine.stop()
    for port in (first, second):
        with pytest.raises(PortClosed):
            port.pass_no_more()


def test_only_two_open_legs_of_one_engine_can_be_partners(make_engine: MakeEngine) -> None:
    engine, another = make_engine(), make_engine()
    first, second, stranger = engine.open_port(), engine.open_port(), another.open_port()
    for other in (first, stranger):
        with pytest.raises(ValueError, match="one engine"):
            first.pass_with(other)
    second.close()
    with pytest.raises(PortClosed):
        first.pass_with(second)
    first.close()
    with pytest.raises(PortClosed):
        first.pass_no_more()
    stranger.close()
