"""SRTP in the engine, against an implementation written from RFC 3711 that is not the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rtp.engine import DigitReceived, Engine, MediaPort
from rtp.packet import RtpPacket
from tests.rtp.engine.peer import FRAME, Peer, agree, call, until
from tests.rtp.engine.secure_peer import (
    ITS_KEY,
    OUR_KEY,
    SHORT_SUITE,
    SUITE,
    SecurePeer,
    secure,
)
from tests.support.srtp import Direction, NotAuthentic, needs_srtp

pytestmark = needs_srtp
OTHER_KEY = bytes(range(200, 230))


@contextmanager
def secure_call(
    engine: Engine, suite: str = SUITE
) -> Iterator[tuple[MediaPort, MediaPort, SecurePeer, Peer]]:
    """A leg whose peer speaks SRTP, and one whose peer does not; they hear each other."""
    with call(engine) as (first, second, plain, other):
        peer = SecurePeer(first, suite)
        plain.close()
        secure(first, suite)
        agree(first, peer)
        try:
            yield first, second, peer, other
        finally:
            peer.close()


def frame(number: int) -> bytes:
    return bytes([number]) * FRAME


@pytest.mark.parametrize("suite", [SUITE, SHORT_SUITE])
def test_sound_crosses_between_a_sealed_and_a_plain_leg(engine: Engine, suite: str) -> None:
    with secure_call(engine, suite) as (first, second, peer, other):
        for number in range(20):
            peer.send(frame(number))
            assert other.receive().payload == frame(number)
            other.send(frame(100 + number))
            sealed = peer.receive_sealed()
            assert frame(100 + number)[:16] not in sealed
            assert RtpPacket.parse(peer.opening.open(sealed)).payload == frame(100 + number)
        assert first.statistics().packets_received == 20
        assert second.statistics().packets_received == 20
        assert not first.statistics().dropped


def test_both_legs_may_be_sealed_with_keys_of_their_own(engine: Engine) -> None:
    with secure_call(engine) as (_, second, peer, plain):
        plain.close()
        other = SecurePeer(second, SHORT_SUITE, its_key=OTHER_KEY, our_key=ITS_KEY)
        second.secure(SHORT_SUITE, send_key=ITS_KEY, receive_key=OTHER_KEY)
        agree(second, other, "PCMA")
        peer.send(bytes([0xFF]) * FRAME)
        assert other.receive().payload == bytes([0xD5]) * FRAME  # transcoded on its way
        other.send(frame(0xD5), payload_type=8)
        assert peer.receive().payload == bytes([0xFE]) * FRAME
        other.close()


def test_what_was_not_sealed_with_the_key_is_not_believed(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send_plain(bytes(RtpPacket(0, 1, 1, 9, frame(1))))
        peer.send_plain(Direction(SUITE, OTHER_KEY).seal(bytes(RtpPacket(0, 1, 1, 9, frame(1)))))
        damaged = bytearray(peer.sealing.seal(bytes(RtpPacket(0, 7, 1, 9, frame(1)))))
        damaged[20] ^= 1
        peer.send_plain(bytes(damaged))
        until(lambda: first.statistics().dropped.get("not_authentic") == 3)
        # And it is not where the engine sends to from now on.
        stranger = Peer(first)
        stranger.send_raw(bytes(RtpPacket(0, 2, 1, 9, frame(1))))
        until(lambda: first.statistics().dropped.get("not_authentic") == 4)
        other.send(frame(3))
        assert peer.receive().payload == frame(3)
        assert first.statistics().packets_received == 0
        stranger.close()


def test_a_packet_is_heard_once_however_often_it_comes(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send(frame(1))
        old = peer.sealing.seal(bytes(RtpPacket(0, peer.sequence, 6000, peer.ssrc, frame(2))))
        for _ in range(3):
            peer.send_plain(old)
        assert [other.receive().payload for _ in range(2)] == [frame(1), frame(2)]
        until(lambda: first.statistics().dropped.get("replayed") == 2)
        assert first.statistics().packets_received == 2


def test_packets_out_of_order_are_opened(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send(frame(1))
        other.receive()
        sealed = [
            peer.sealing.seal(bytes(RtpPacket(0, 101 + i, 5160 + 160 * i, peer.ssrc, frame(i))))
            for i in range(6)
        ]
        for at in (3, 0, 5, 2, 1, 4):
            peer.send_plain(sealed[at])
        assert sorted(other.receive().payload[0] for _ in range(6)) == [0, 1, 2, 3, 4, 5]
        assert first.statistics().lost == 0


def test_the_rollover_counter_goes_on_where_sequence_numbers_begin_again(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.sequence = 0xFFFA
        for number in range(12):  # six before the turn, six after
            peer.send(frame(number))
            assert other.receive().payload == frame(number)
        assert peer.sequence == 6
        assert first.statistics().packets_received == 12


def test_our_own_rollover_counter_goes_on_too(engine: Engine) -> None:
    """The listener's numbers follow the source's, in steps that no loss would be taken for."""
    with secure_call(engine) as (_, _, peer, other):
        other.send(frame(0))
        turns = 0
        last = peer.receive().sequence_number
        for _ in range(50):
            other.lose(2000)
            other.send(frame(1))
            packet = peer.receive()
            assert packet.payload == frame(1)
            turns += packet.sequence_number < last
            last = packet.sequence_number
        assert turns


def test_a_source_that_begins_anew_with_another_ssrc_is_opened(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send(frame(0))
        other.receive()
        for ssrc in range(1, 30):
            peer.ssrc, peer.sequence = ssrc, 100 * ssrc
            for _ in range(3):  # the first is on probation
                peer.send(frame(ssrc))
            assert [other.receive().payload[0] for _ in range(2)] == [ssrc, ssrc]
        assert first.statistics().restarts == 29
        assert "not_authentic" not in first.statistics().dropped


def test_new_keys_replace_old_ones_without_a_gap(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send(frame(1))
        assert other.receive().payload == frame(1)
        first.secure(SUITE, send_key=ITS_KEY, receive_key=OTHER_KEY)
        peer.send(frame(2))  # sealed before the peer changed: still on its way
        assert other.receive().payload == frame(2)
        peer.sealing = Direction(SUITE, OTHER_KEY)
        peer.opening = Direction(SUITE, ITS_KEY)
        peer.send(frame(3))
        assert other.receive().payload == frame(3)
        other.send(frame(4))
        assert peer.receive().payload == frame(4)
        # From the first packet with the new key on the old one opens nothing.
        peer.sealing = Direction(SUITE, ITS_KEY)
        peer.send(frame(5))
        until(lambda: first.statistics().dropped.get("not_authentic") == 1)


def test_one_direction_gets_a_new_key_and_the_other_goes_on(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        other.send(frame(1))
        peer.receive()
        first.secure(SUITE, receive_key=OTHER_KEY)
        peer.sealing = Direction(SUITE, OTHER_KEY)
        peer.send(frame(2))
        assert other.receive().payload == frame(2)
        other.send(frame(3))
        assert peer.receive().payload == frame(3)


def test_a_leg_can_become_plain_again(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send(frame(1))
        other.receive()
        first.unsecure()
        peer.send_plain(bytes(RtpPacket(0, peer.sequence, 9, peer.ssrc, frame(2))))
        assert other.receive().payload == frame(2)
        other.send(frame(3))
        assert RtpPacket.parse(peer.receive_sealed()).payload == frame(3)


def test_the_tap_and_keys_are_heard_as_they_were_before_sealing(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        first.tap(True)
        peer.send(frame(7))
        assert other.receive().payload == frame(7)
        batch = until(engine.drain_tap)
        assert batch is not None
        assert bytes(batch.payload) == frame(7)
        peer.press("5")
        events = until(lambda: [e for e in engine.next_events() if isinstance(e, DigitReceived)])
        assert [event.digit for event in events] == ["5"]
        first.send_digits("9")
        found = until(lambda: [p for p in peer.waiting() if p.payload_type == 101])
        assert found[0].payload[0] == 9


def test_prompts_and_mixes_are_sealed(engine: Engine) -> None:
    with secure_call(engine) as (first, second, peer, other):
        first.play(engine.load_prompt(bytes(2 * 800)))
        assert {peer.receive().payload for _ in range(3)} == {bytes([0xFF]) * FRAME}
        third = engine.open_port()
        first.hears([second, third])
        other.send(frame(0x80))
        assert until(lambda: [p for p in peer.waiting() if p.payload != bytes([0xFF]) * FRAME])
        third.close()


def test_sound_goes_on_by_the_connected_socket_of_a_settled_leg(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        peer.send(frame(0))
        other.receive()
        for number in range(120):
            other.send(frame(number))
            assert peer.receive().payload == frame(number)
        peer.send(frame(9))
        assert other.receive().payload == frame(9)
        assert not first.statistics().dropped


def test_reports_are_sealed_and_those_of_the_peer_opened(engine: Engine) -> None:
    rtcp = SecurePeer()
    with secure_call(engine) as (first, _, peer, other):
        first.set_remote(peer.host, peer.port, rtcp.port)
        rtcp.target = (peer.host, first.rtcp_port)
        other.send(frame(1))
        ours = peer.receive()
        report = peer.opening.open_rtcp(rtcp.receive_sealed())
        assert report[1] == 200
        assert report[4:8] == ours.ssrc.to_bytes(4, "big")
        assert b"\x81\xca" in report  # the source's description
        received = bytes.fromhex("81c90007 00000001") + report[4:8] + bytes(20)
        rtcp.send_plain(received)
        until(lambda: first.statistics().dropped.get("not_authentic") == 1)
        rtcp.send_plain(peer.sealing.seal_rtcp(received))
        until(lambda: first.statistics().rtcp_received == 1)
        assert first.statistics().remote_lost == 0
    goodbye = peer.opening.open_rtcp(rtcp.receive_sealed())
    assert goodbye[-7] == 203
    rtcp.close()


def test_a_leg_with_a_key_for_one_direction_only_sends_nothing_in_the_clear(engine: Engine) -> None:
    with call(engine) as (first, _, peer, other):
        first.secure(SUITE, receive_key=ITS_KEY)
        other.send(frame(1))
        until(lambda: first.statistics().dropped.get("not_sealed"))
        assert first.statistics().packets_sent == 0
        assert not peer.waiting()


def test_keys_of_another_length_and_other_suites_are_refused(engine: Engine) -> None:
    port = engine.open_port()
    with pytest.raises(ValueError, match="30 octets, not 16"):
        port.secure(SUITE, send_key=bytes(16), receive_key=bytes(30))
    with pytest.raises(ValueError, match="no SRTP suite"):
        port.secure("NULL_HMAC_SHA1_80", send_key=bytes(30))
    port.close()


def test_rtcp_comes_and_goes_by_the_port_of_rtp(engine: Engine) -> None:
    with call(engine) as (first, _, peer, other):
        first.set_one_port(True)
        other.send(frame(1))
        ssrc = peer.receive().ssrc
        data = until(lambda: _report(peer))
        assert data[4:8] == ssrc.to_bytes(4, "big")
        peer.send_raw(bytes.fromhex("81c90007 00000001") + data[4:8] + bytes(20))
        until(lambda: first.statistics().rtcp_received == 1)
        assert not first.statistics().dropped


def test_sealed_rtcp_comes_and_goes_by_the_port_of_rtp(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        first.set_one_port(True)
        other.send(frame(1))
        peer.receive()
        report = peer.opening.open_rtcp(until(lambda: _report(peer)))
        peer.send_plain(
            peer.sealing.seal_rtcp(bytes.fromhex("81c90007 00000001") + report[4:8] + bytes(20))
        )
        until(lambda: first.statistics().rtcp_received == 1)
        peer.send(frame(2))
        assert other.receive().payload == frame(2)
        assert not first.statistics().dropped


def test_a_stranger_opens_nothing_with_somebody_elses_key() -> None:
    sealed = Direction(SUITE, OUR_KEY).seal(bytes(RtpPacket(0, 1, 1, 9, frame(1))))
    with pytest.raises(NotAuthentic):
        Direction(SUITE, OTHER_KEY).open(sealed)


def _report(peer: Peer) -> bytes:
    """The next packet that is RTCP, if it came."""
    peer.socket.settimeout(0.2)
    try:
        data = peer.socket.recv(4096)
    except TimeoutError:
        return b""
    return data if 192 <= data[1] <= 223 else b""


def test_sound_is_packed_anew_before_it_is_sealed(engine: Engine) -> None:
    with secure_call(engine) as (first, _, peer, other):
        first.set_codecs(
            send="PCMU",
            send_payload_type=0,
            ptime_ms=40,
            untouched_ms=(40, 40),
            receive={0: "PCMU"},
        )
        for number in range(1, 21):
            other.send(bytes([0x40 + number]) * FRAME)
        packets = until(lambda: [p for p in peer.waiting() if p.payload[0] != 0xFF])
        assert {len(packet.payload) for packet in packets} == {2 * FRAME}
        assert "not_sealed" not in first.statistics().dropped
