"""Two legs from packets to the tape: together to two milliseconds, whatever clocks and network
do."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from media.g711 import encode
from media.recording import LEFT, RIGHT
from media.recording.tape import Tape
from rtp.engine import Framer
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.strands import Strand, Strands
from tests.support.taped_sound import click_places
from tests.support.tapped import MS, Sender, Tapped, batch_of

START_NS = 10**12
TICK_NS = 20 * MS
SECOND_NS = 1000 * MS


def packets(
    leg: int,
    seconds: int,
    *,
    ppm: float,
    jitter_ms: float,
    loss: float = 0.0,
    silent: tuple[int, int] = (0, 0),
) -> list[Tapped]:
    """A leg that clicks once a second by the wall clock, as it arrives; between the seconds
    `silent` nothing is sent."""
    random = np.random.default_rng(leg)
    rate = 8000 * (1 + ppm * 1e-6)
    count = int(seconds * rate) // 160
    sound = np.zeros(count * 160, np.int16)
    for second in range(1, seconds):
        place = round((second + 0.5) * rate)
        sound[place : place + 4] = 20_000
    octets = encode(sound)
    sender = Sender(leg)
    found = []
    for number in range(count):
        if silent[0] * 50 <= number < silent[1] * 50:
            sender.pause(160)
            continue
        packet = sender.packet(payload=octets[number * 160 : number * 160 + 160])
        spoken_ns = (number + 1) * 160 / rate * 1e9
        delay_ns = 5 * MS + random.exponential(jitter_ms) * MS
        if random.random() >= loss:
            found.append(replace(packet, arrived_ns=START_NS + round(spoken_ns + delay_ns)))
    return sorted(found, key=lambda packet: packet.arrived_ns)


def taped(legs: list[list[Tapped]], seconds: int) -> NDArray[np.int16]:
    """What tick, strands and tape make of packets: [N, 2]."""
    framer, strands, tape = Framer(), Strands(), Tape(START_NS)
    waiting = deque(sorted((p for leg in legs for p in leg), key=lambda p: p.arrived_ns))
    opened: list[Strand] = []
    pieces: list[NDArray[np.int16]] = []
    for tick in range(1, seconds * 50 + 101):
        now_ns = START_NS + tick * TICK_NS
        arrived = []
        while waiting and waiting[0].arrived_ns <= now_ns:
            arrived.append(waiting.popleft())
        if arrived:
            framer.push(batch_of(arrived))
        for leg, slot in framer.new_legs():
            opened.append(strands.open(ear(slot), LEFT if leg == 1 else RIGHT))
        while (frames := framer.round(now_ns)) is not None:
            strands.gather(Heard(*frames, now_ns))
        if tick % 50 == 0:
            tape.add(block for one in opened if (block := strands.take(one)) is not None)
            pieces += tape.mix(now_ns - SECOND_NS)
    assert max(tape.lost) <= 160
    return np.concatenate(pieces)


def ear(slot: int) -> Ear:
    leg = SimpleNamespace(leg_id="", call=None, side="calling", secret_spans=())
    return Ear(slot, cast("Any", leg), cast("Any", None), 0)


def matched(left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.intp]:
    """How far the clicks of the right are from those of the left, in samples."""
    nearest = np.abs(right[:, None] - left[None, :]).argmin(axis=1)
    apart: NDArray[np.intp] = right - left[nearest]
    return apart[np.abs(apart) < 2000]


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [(100.0, -100.0), (0.0, 100.0)])
def test_legs_whose_clocks_drift_stay_together_for_ten_minutes(one: float, other: float) -> None:
    legs = [
        packets(1, 600, ppm=one, jitter_ms=4.0, loss=0.005),
        packets(2, 600, ppm=other, jitter_ms=1.0),
    ]
    stereo = taped(legs, 600)
    left, right = click_places(stereo[:, 0]), click_places(stereo[:, 1])
    assert len(left) > 580
    assert len(right) > 590
    apart = matched(left, right)
    assert len(apart) > 580
    # The first seconds are left to those who learn what the network's delay is.
    assert np.abs(apart[5:]).max() <= 16
    wall = np.round(right / 8000 - 0.5)
    assert np.abs(right - (wall + 0.5) * 8000 - 40)[5:].max() <= 16, "5 ms of delay"


def test_a_leg_that_was_silent_comes_back_where_it_belongs() -> None:
    legs = [
        packets(1, 30, ppm=50.0, jitter_ms=2.0),
        packets(2, 30, ppm=-50.0, jitter_ms=2.0, silent=(8, 19)),
    ]
    stereo = taped(legs, 30)
    left, right = click_places(stereo[:, 0]), click_places(stereo[:, 1])
    assert len(left) == 29
    assert len(right) == 18
    apart = matched(left, right)
    assert len(apart) == 18
    assert np.abs(apart).max() <= 16
    assert not stereo[8 * 8000 + 160 : 19 * 8000, 1].any()
