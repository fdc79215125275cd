"""What is told of how a leg sounds, from what a real engine has counted."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rtp.engine import Engine, MediaPort
from softswitch.call.events import QualityMeasured
from softswitch.hearing.ear import Ear
from softswitch.hearing.quality import MAX_TOLD_A_TICK, QualityStage
from tests.rtp.engine.peer import FRAME, Peer, call, until
from tests.support.ports import free_rtp_range

SECOND = 1_000_000_000


class Legs:
    """A call of two legs on a real engine, and what is told of it."""

    def __init__(self, port: MediaPort) -> None:
        self.port = port
        self.told: list[QualityMeasured] = []
        self.bridged = True
        self.leg = SimpleNamespace(
            call=self,
            leg_id="a",
            side="calling",
            ended=False,
            media=SimpleNamespace(port=port, agreement=None),
        )
        self.ear = Ear(0, cast("Any", self.leg), cast("Any", None), 0)

    def other_leg(self, leg: object) -> object | None:
        assert leg is self.leg
        return object() if self.bridged else None

    def emit(self, kind: type[QualityMeasured], **facts: Any) -> None:
        self.told.append(kind(call_id="c", number=1, at=0.0, clock=0.0, **facts))


@pytest.fixture
def talk() -> Iterator[tuple[Legs, Peer, Peer]]:
    first, last = free_rtp_range(20)
    engine = Engine(first_port=first, last_port=last)
    engine.start()
    with call(engine) as (port, _, one, two):
        yield Legs(port), one, two
    engine.stop()


def speak(legs: Legs, peer: Peer, packets: int) -> None:
    before = legs.port.statistics().packets_received
    for _ in range(packets):
        peer.send(b"s" * FRAME)
    until(lambda: legs.port.statistics().packets_received == before + packets)


def opened(legs: Legs, seconds: float = 5.0) -> QualityStage:
    stage = QualityStage(seconds)
    stage.after(0)
    stage.open(legs.ear)
    return stage


def test_a_bridged_leg_is_told_of_in_its_turn(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, _ = talk
    stage = opened(legs)
    speak(legs, peer, 50)
    stage.after(5 * SECOND - 1)
    assert legs.told == []
    stage.after(5 * SECOND)
    (told,) = legs.told
    assert (told.leg, told.loss, told.burst_ratio, told.last) == ("a", 0.0, 1.0, False)
    assert told.mos == pytest.approx(4.38, abs=0.03)
    assert (told.mos_far, told.round_trip_ms) == (None, None)
    stage.after(6 * SECOND)
    assert len(legs.told) == 1


def test_each_time_is_told_by_itself_and_the_whole_at_the_end(
    talk: tuple[Legs, Peer, Peer],
) -> None:
    legs, peer, _ = talk
    stage = opened(legs)
    speak(legs, peer, 100)
    stage.after(5 * SECOND)
    for _ in range(5):
        peer.lose(2)
        speak(legs, peer, 18)
    stage.after(10 * SECOND)
    legs.port.close()
    stage.close(legs.ear)
    first, second, whole = legs.told
    assert (first.loss, second.loss, whole.loss) == (0.0, 0.1, 0.05)
    assert (second.burst_ratio, whole.burst_ratio) == (1.8, 1.9)
    assert first.mos > whole.mos > second.mos
    assert [told.last for told in legs.told] == [False, False, True]
    stage.after(100 * SECOND)
    assert len(legs.told) == 3


def test_what_was_before_the_bridge_is_not_told_until_the_end(
    talk: tuple[Legs, Peer, Peer],
) -> None:
    legs, peer, _ = talk
    stage = opened(legs)
    legs.bridged = False
    speak(legs, peer, 10)
    peer.lose(10)
    speak(legs, peer, 10)
    stage.after(5 * SECOND)
    legs.bridged = True
    speak(legs, peer, 20)
    stage.after(10 * SECOND)
    stage.close(legs.ear)
    assert [told.loss for told in legs.told] == [0.0, 0.2]


def test_of_silence_nothing_is_told(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, _ = talk
    stage = opened(legs)
    stage.after(5 * SECOND)
    assert legs.told == []
    speak(legs, peer, 10)
    stage.after(10 * SECOND)
    stage.after(15 * SECOND)
    assert len(legs.told) == 1


def test_of_a_leg_that_has_ended_only_the_whole_is_told(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, _ = talk
    stage = opened(legs)
    speak(legs, peer, 10)
    legs.leg.ended = True
    stage.after(5 * SECOND)
    assert legs.told == []
    stage.close(legs.ear)
    assert [told.last for told in legs.told] == [True]


def test_without_a_period_only_the_end_is_told(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, _ = talk
    stage = opened(legs, 0.0)
    speak(legs, peer, 10)
    stage.after(1000 * SECOND)
    assert legs.told == []
    stage.close(legs.ear)
    assert [told.last for told in legs.told] == [True]


def test_packets_that_come_late_are_not_lost(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, _ = talk
    stage = opened(legs)
    speak(legs, peer, 10)
    peer.lose(1)
    speak(legs, peer, 10)
    stage.after(5 * SECOND)
    peer.sequence -= 11
    speak(legs, peer, 1)
    peer.sequence += 10
    speak(legs, peer, 9)
    stage.after(10 * SECOND)
    assert [told.loss for told in legs.told] == [round(1 / 21, 5), 0.0]


def report(legs: Legs, peer: Peer, listener: Peer, *, fraction: int, lost: int) -> None:
    """The peer's RTCP: what it hears of us."""
    ssrc = listener.ssrc
    block = struct.pack("!IIIIII", ssrc, fraction << 24 | lost, 1, 80, 0, 0)
    data = struct.pack("!BBHI", 0x81, 201, 7, peer.ssrc) + block
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reports:
        reports.bind(("127.0.0.1", 0))
        legs.port.set_remote("127.0.0.1", peer.port, reports.getsockname()[1])
        before = legs.port.statistics().rtcp_received
        reports.sendto(data, ("127.0.0.1", legs.port.rtcp_port))
        until(lambda: legs.port.statistics().rtcp_received == before + 1)


def test_what_the_peer_hears_is_told_by_its_reports(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, other = talk
    stage = opened(legs)
    speak(legs, peer, 50)
    for _ in range(50):
        other.send(b"o" * FRAME)
    ours = peer.receive_many(50)[-1]
    other.ssrc = ours.ssrc
    report(legs, peer, other, fraction=64, lost=5)
    stage.after(5 * SECOND)
    stage.close(legs.ear)
    while_it_talked, whole = legs.told
    assert while_it_talked.mos_far is not None
    assert whole.mos_far is not None
    # A quarter lost since the report before; a tenth in all.
    assert while_it_talked.mos_far < whole.mos_far < whole.mos
    assert 1.0 < while_it_talked.mos_far < 3.0


def test_many_legs_are_spread_over_ticks(talk: tuple[Legs, Peer, Peer]) -> None:
    legs, peer, _ = talk
    speak(legs, peer, 5)
    stage = QualityStage(5.0)
    count = 2 * MAX_TOLD_A_TICK + 1
    for slot in range(count):
        stage.open(Ear(slot, cast("Any", legs.leg), cast("Any", None), 0))
    told = []
    for tick in range(4):
        stage.after(5 * SECOND + tick)
        told.append(len(legs.told))
    assert told == [MAX_TOLD_A_TICK, 2 * MAX_TOLD_A_TICK, count, count]


def test_packets_that_come_too_late_to_be_heard_count_for_the_score(
    talk: tuple[Legs, Peer, Peer],
) -> None:
    legs, peer, _ = talk
    stage = opened(legs, 0.0)
    speak(legs, peer, 20)
    for _ in range(4):
        held = (peer.sequence, peer.timestamp)
        peer.lose()
        speak(legs, peer, 9)  # 180 ms of sound come before it
        ahead = (peer.sequence, peer.timestamp)
        peer.sequence, peer.timestamp = held
        speak(legs, peer, 1)
        peer.sequence, peer.timestamp = ahead
    counted = legs.port.statistics()
    assert (counted.lost, counted.late) == (0, 4)
    stage.close(legs.ear)
    (told,) = legs.told
    assert told.loss == 0.0
    assert told.mos < 3.9, "as with 7 % of loss"


def test_packets_of_a_kind_that_was_not_agreed_on_are_no_loss(
    talk: tuple[Legs, Peer, Peer],
) -> None:
    legs, peer, _ = talk
    stage = opened(legs, 0.0)
    for _ in range(10):
        speak(legs, peer, 4)
        peer.send(b"x", payload_type=96, samples=FRAME)
    speak(legs, peer, 1)
    assert legs.port.statistics().dropped["bad_payload_type"] == 10
    stage.close(legs.ear)
    (told,) = legs.told
    assert told.loss == 0.0
    assert told.mos == pytest.approx(4.38, abs=0.03)


def test_a_clock_that_stood_still_while_its_sender_was_mute_is_not_late(
    talk: tuple[Legs, Peer, Peer],
) -> None:
    legs, peer, _ = talk
    peer.timestamp = 100_000
    speak(legs, peer, 5)
    peer.timestamp -= 10_000  # more than a second behind what it would be
    speak(legs, peer, 20)
    peer.timestamp -= 900  # a longer way: late until the buffer has followed
    for _ in range(100):
        speak(legs, peer, 1)
        peer.timestamp -= FRAME
    assert 1 <= legs.port.statistics().late <= 40
