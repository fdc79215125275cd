"""Mixing in the engine's C core, on a virtual clock, beside a naive mixer, sample by sample.

The core is driven by native/mix_script.c under the sanitizers; the model knows one thing of it,
that a source's first packet is laid out 20 ms after its arrival.
"""

import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fuzz.engine import native
from media import g711

SCRIPT = Path(__file__).resolve().parent / "native" / "mix_script.c"
CODECS: dict[g711.Law, tuple[int, int]] = {"PCMU": (1, 0), "PCMA": (2, 8)}
LEAD_MS = 20
"""How far ahead of its arrival a source's first packet is laid out."""


@dataclass(frozen=True)
class Sent:
    """A packet that the core sent to a leg's peer."""

    leg: int
    at: int
    """Virtual milliseconds."""
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    payload: bytes


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("native") / "mix_script"
    native.build(SCRIPT, program)
    return program


def run(core: Path, lines: Sequence[str]) -> list[Sent]:
    """What comes out of the core when it is told these lines."""
    result = subprocess.run(
        [str(core)], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=60,
        check=False, env={**native.ENVIRONMENT},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    sent = []
    for line in result.stdout.splitlines():
        *numbers, payload = line.split(" ")
        leg, at, kind, marker, sequence, timestamp = (int(one) for one in numbers)
        octets = bytes.fromhex(payload)
        sent.append(Sent(leg, at, kind, bool(marker), sequence, timestamp, octets))
    return sent


@dataclass
class Packet:
    """What a source's peer sends: due in order, `delay` later it arrives."""

    source: int
    begins: int
    """Milliseconds at which its sound begins."""
    delay: int
    sequence: int
    payload: bytes
    payload_type: int
    lost: bool = False

    def line(self) -> str:
        stamp = 4_294_967_000 + self.begins * 8
        return (
            f"send {self.source} {self.payload_type} {self.sequence % 65536} {stamp % 2**32} "
            f"{self.payload.hex()}"
        )


def script(packets: Sequence[Packet], *, now: int, until: int) -> list[str]:
    """Lines that let the packets arrive at their times."""
    lines = []
    for packet in sorted(packets, key=lambda one: one.begins + one.delay):
        if packet.lost:
            continue
        at = packet.begins + packet.delay
        if at > now:
            lines.append(f"pass {at - now}")
            now = at
        lines.append(packet.line())
    lines.append(f"pass {until - now}")
    return lines


def naive(packets: Sequence[Packet], codec: g711.Law, milliseconds: int) -> bytes:
    """What a listener must hear from the time 0 on: one sum, clipped and encoded once."""
    total = np.zeros(8 * milliseconds, np.int64)
    for packet in packets:
        if packet.lost or packet.payload_type > 8:
            continue
        law: g711.Law = "PCMU" if packet.payload_type == 0 else "PCMA"
        samples = g711.decode(packet.payload, law)
        at = (packet.begins + LEAD_MS) * 8
        total[at : at + len(samples)] += samples
    return g711.encode(np.clip(total, -32768, 32767).astype(np.int16), codec)


@dataclass(frozen=True)
class Speaker:
    """One source: how it packs, when it begins, what becomes of its packets."""

    codec: g711.Law
    ptime: int
    begins: int
    seed: int
    loss: float
    jitter: int
    digit_at: int

    def packets(self, number: int, after: int, until: int) -> list[Packet]:
        chance = random.Random(self.seed)
        found = []
        for place, begins in enumerate(range(after + self.begins, until, self.ptime)):
            digit = place == self.digit_at
            found.append(
                Packet(
                    source=number,
                    begins=begins,
                    delay=0 if place == 0 else chance.randint(0, self.jitter),
                    sequence=65530 + place,
                    payload=b"\x01\x0a\x00\xa0" if digit else chance.randbytes(self.ptime * 8),
                    payload_type=101 if digit else CODECS[self.codec][1],
                    lost=place > 0 and chance.random() < self.loss,
                )
            )
        return found


speakers = st.builds(
    Speaker,
    codec=st.sampled_from(sorted(CODECS)),
    ptime=st.sampled_from((10, 20, 30, 40, 60)),
    begins=st.integers(0, 70),
    seed=st.integers(0, 2**32),
    loss=st.sampled_from((0.0, 0.1, 0.5)),
    jitter=st.sampled_from((0, 5, 20)),
    digit_at=st.sampled_from((-1, 4)),
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each example runs a program
)
@given(
    sources=st.lists(speakers, min_size=1, max_size=7),
    codec=st.sampled_from(sorted(CODECS)),
    ptime=st.sampled_from((10, 20, 30, 60)),
    joins=st.integers(0, 50),
)
def test_a_mix_is_the_naive_sum_of_its_sources(
    core: Path, sources: list[Speaker], codec: g711.Law, ptime: int, joins: int
) -> None:
    until = 400
    listener = len(sources) + 1
    lines = [f"leg {CODECS[one.codec][0]} {one.ptime}" for one in sources]
    lines += [f"pass {joins}", f"leg {CODECS[codec][0]} {ptime}"]
    lines += ["mix " + " ".join(str(one) for one in (listener, *range(1, listener)))]
    packets = [
        packet
        for number, one in enumerate(sources, 1)
        for packet in one.packets(number, joins, until - 100)
    ]
    sent = run(core, [*lines, *script(packets, now=joins, until=until)])
    frames = [one for one in sent if one.leg == listener]
    assert len(frames) >= (until - joins) // ptime - 1
    for one, after in pairwise(frames):
        assert after.sequence == (one.sequence + 1) % 65536
        assert after.timestamp == (one.timestamp + ptime * 8) % 2**32
    heard = naive(packets, codec, until + 200)
    for place, frame in enumerate(frames):
        due = joins + place * ptime
        assert due <= frame.at <= due + 1
        if place:  # the first ends where the mix began
            assert frame.payload == heard[8 * (due - ptime) : 8 * due]


def steady(source: int, times: Sequence[int]) -> list[str]:
    """Lines with which a source sends one packet of a steady sound at each of these times."""
    lines, now = [], 0
    for place, at in enumerate(times):
        if at > now:
            lines.append(f"pass {at - now}")
            now = at
        lines.append(f"send {source} 0 {place % 65536} {160 * place} {'90' * 160}")
    return lines


def heard_by(leg: int, sent: Sequence[Sent]) -> bytes:
    """All that was sent to the peer of a leg, in order."""
    return b"".join(one.payload for one in sent if one.leg == leg)


TWO = ["leg 1 20", "leg 1 20", "mix 2 1"]


@pytest.mark.parametrize("drift", [-400e-6, 400e-6])
def test_a_clock_that_drifts_costs_a_few_samples_and_no_delay(core: Path, drift: float) -> None:
    times = [round(20 * place * (1 + drift)) for place in range(3000)]
    sound = heard_by(2, run(core, [*TWO, *steady(1, times)]))
    assert len(sound) > 8 * 59_000
    silent = sound[800:].count(0xFF)
    assert silent < 0.005 * len(sound)
    after = heard_by(2, run(core, [*TWO, *steady(1, times), "close 1", "pass 200"]))
    rest = after[len(sound) :]
    assert 0 < len(rest.rstrip(b"\xff")) <= 8 * 80  # what waited at the end: the delay


def test_a_sender_whose_clock_stood_still_is_heard_again_at_once(core: Path) -> None:
    times = [*range(0, 400, 20), *range(5400, 5800, 20)]
    sound = heard_by(2, run(core, [*TWO, *steady(1, times), "pass 100"]))
    again = sound.index(b"\x90", 8 * 2000)
    assert 8 * 5400 < again <= 8 * 5460
    assert sound[again : again + 8 * 380].count(0xFF) == 0


def test_after_a_burst_the_delay_comes_down_again(core: Path) -> None:
    burst = [*range(0, 400, 20), *[700] * 15, *range(720, 6000, 20)]
    lines = [*TWO, *steady(1, burst), "close 1", "pass 300"]
    sound = heard_by(2, run(core, lines))
    tail = sound[8 * 5980 :]
    assert len(tail.rstrip(b"\xff")) <= 8 * 100
    assert sound[8 * 1000 : 8 * 5900].count(0xFF) == 0


def test_keys_pass_from_one_source_and_not_through_a_mix(core: Path) -> None:
    press = "send 1 101 {} 800 010a00a0"
    relayed = run(core, ["leg 1 20", "leg 1 20", "hear 2 1", press.format(1), press.format(2)])
    assert [one.payload_type for one in relayed if one.leg == 2] == [101, 101]
    mixed = run(core, [*TWO, press.format(1), press.format(2), "pass 100"])
    assert {one.payload_type for one in mixed if one.leg == 2} == {0}


def test_a_listener_hears_one_stream_as_others_join_and_leave(core: Path) -> None:
    lines = ["leg 1 20", "leg 2 20", "leg 1 20", "hear 3 1"]
    ways = ["hear 3 1 2", "hear 3 2", "hear 3 1 2", "play 3 400", "hear 3", "mix 3 1", "hear 3 1"]
    for place in range(80):
        if place % 10 == 9:
            lines.append(ways[place // 10 % len(ways)])
        stamp = 160 * place
        lines.append(f"send 1 0 {place} {stamp} {'90' * 160}")
        lines.append(f"send 2 8 {place} {stamp} {'91' * 160}")
        lines.append("pass 20")
    frames = [one for one in run(core, lines) if one.leg == 3]
    assert len(frames) > 70
    for one, after in pairwise(frames):
        assert after.sequence == (one.sequence + 1) % 65536
        assert 0 < (after.timestamp - one.timestamp) % 2**32 <= 640


def test_what_is_held_or_gone_is_not_heard(core: Path) -> None:
    times = range(0, 2000, 20)
    lines = [*TWO, *steady(1, times)]
    silence = b"\xff" * 8 * 100
    held = [*lines[:60], "hold 1 1 0", *lines[60:]]
    assert heard_by(2, run(core, held)).endswith(silence)
    gone = [*lines, "close 1", "pass 200"]
    assert heard_by(2, run(core, gone)).endswith(silence)
    assert not heard_by(2, run(core, lines)).endswith(silence)


def test_a_listener_may_go_while_it_hears_many(core: Path) -> None:
    legs = ["leg 1 20"] * 12
    lines = ["mix " + " ".join(str(leg) for leg in (leg, *range(1, 13))) for leg in range(1, 13)]
    sent = run(core, [*legs, *lines, "pass 100", *(f"close {leg}" for leg in range(1, 13))])
    assert {one.leg for one in sent} == set(range(1, 13))
