"""Voice activity: how much of speech is found, what else is taken for it, and what it costs.

Speech with pauses in many voices, clean and in noise; truth is the loudness of the clean sound.
Every detector hears through the voice stage, as legs of calls do, with and without the tones stage
before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from bench.figures import table
from bench.hearing import sounds
from bench.hearing.figure import Figure, stated
from bench.hearing.greetings import FRAME, pink
from bench.hearing.stand_ins import FRAME_NS, StandInCall, VirtualLoop, round_of
from config.model import Campaign, Hearing, VoiceActivity
from media import SAMPLE_RATE
from media.level import TARGET_LEVEL_DBFS
from media.tones import Segment, Tone, render, tone_plan
from softswitch.hearing.ear import Ear
from softswitch.hearing.tones import ToneStage
from softswitch.hearing.voice import VoiceStage

__all__ = ["run"]

DETECTORS: Final[tuple[VoiceActivity, ...]] = ("silero", "webrtc", "energy")
COSTS: Final[dict[VoiceActivity, tuple[int, ...]]] = {
    "silero": (1, 100, 400),
    "energy": (1, 100, 1000),
}
"""Legs whose cost is measured."""
RATIOS_DB: Final = (None, 20.0, 10.0)
LOUD_DBFS: Final = TARGET_LEVEL_DBFS - 22.0
"""Frames of the clean sound above this are speech: what is fainter is not missed."""
NEAR_FRAMES: Final = 20
"""Frames so near to speech are neither right nor wrong: they belong to lead and trail."""
Mask = NDArray[np.bool_]
Sound = NDArray[np.int16]


def run(*, quick: bool) -> list[Figure]:
    """Finds speech in noise, tones and music; then times it."""
    speech = _with_pauses(60.0 if quick else 300.0)
    figures: list[Figure] = []
    if len(speech):
        figures += _accuracy(speech)
    for detector, legs in COSTS.items():
        for count in legs:
            engine, cost = _cost(detector, count, 60 if quick else 200)
            if engine == detector:
                name = f"voice stage, {engine}, {count} legs, a tick"
                figures.append(stated(name, round(cost * 1000, 3), "ms CPU"))
    return figures


# How much is found.


@dataclass(slots=True)
class Findings:
    """What a detector made of some lines."""

    engine: str
    voiced: list[Mask]
    """[frames] of each line: somebody talks."""
    spoken: list[Mask]
    """[frames] of each line: within what was told as a stretch, lead and trail included."""
    told: list[list[int]]
    """Frames of each line after which the end of a stretch was told."""


def _accuracy(speech: Sound) -> list[Figure]:
    truth, near = _truth(speech)
    rows, figures = [], []
    others = _others()
    for detector in DETECTORS:
        found = _hear(detector, [_noisy(speech, ratio) for ratio in RATIOS_DB], tones=False)
        if found.engine != detector:
            print(f"\n{detector}: not installed")
            continue
        cells = []
        for ratio, mask in zip(RATIOS_DB, found.spoken, strict=True):
            where = "clean" if ratio is None else f"{ratio:g} dB"
            cells.append(f"{_share(mask, truth):.1f} / {_share(mask, ~near):.1f}")
            figures.append(stated(f"speech found / false, {where}, {detector}", cells[-1], "%"))
        name = f"end of speech told after, p50 / p90, {detector}"
        figures.append(stated(name, _delays(truth, found.told[0]), "s"))
        rows.append([detector, *cells, *_taken_for_speech(detector, list(others.values()))])
    print(
        "\nVoice activity, % of frames: speech found / false; of what is no speech: taken for it,"
    )
    print("without / with the tones stage before it\n")
    print(table(["detector", "clean", "20 dB", "10 dB", *others], rows))
    return figures


def _taken_for_speech(detector: VoiceActivity, lines: Sequence[Sound]) -> list[str]:
    bare = _hear(detector, lines, tones=False).voiced
    told = _hear(detector, lines, tones=True).voiced
    both = zip(bare, told, strict=True)
    return [f"{100 * one.mean():.0f} / {100 * two.mean():.0f}" for one, two in both]


def _delays(truth: Mask, told: Sequence[int]) -> str:
    """From the true end of speech, before a pause of a second, to its telling."""
    edges = np.flatnonzero(np.diff(truth.astype(np.int8)))
    ends = [a for a, b in pairwise(edges) if truth[a] and b - a >= 50]
    after = np.array(told)
    delays = [int(after[after >= end][0]) - int(end) for end in ends if (after >= end).any()]
    p50, p90 = np.percentile(np.array(delays or [0]), (50, 90)) * 0.02
    return f"{p50:.2f} / {p90:.2f}"


def _hear(detector: VoiceActivity, lines: Sequence[Sound], *, tones: bool) -> Findings:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_heard(detector, lines, tones))


async def _heard(detector: VoiceActivity, lines: Sequence[Sound], tones: bool) -> Findings:
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    voice = VoiceStage(loop, Hearing(voice_activity=detector))
    await voice.prepare()
    stages: list[Any] = [ToneStage(), voice] if tones else [voice]
    for leg in _legs(len(lines), loop):
        for stage in stages:
            stage.open(leg.ear)
    count = min(map(len, lines)) // FRAME
    frames = np.stack([line[: count * FRAME] for line in lines]).reshape(-1, count, FRAME)
    marks = [np.zeros((len(lines), count), np.bool_) for _ in range(2)]
    spans = _Spans(loop, marks[1])
    voice.segments.append(spans)
    none_lost = np.zeros(len(lines), np.bool_)
    for number in range(count):
        start_ns = int(loop.clock * 1e9)
        loop.clock += 0.02
        picture = round_of(frames[:, number], none_lost, number * FRAME, start_ns)
        for stage in stages:
            stage.hear(picture)
        if picture.voiced is not None:
            marks[0][:, number] = picture.voiced
    return Findings(voice.detector, list(marks[0]), list(marks[1]), spans.told)


class _Spans:
    """Marks the frames of stretches, and when their ends were told."""

    def __init__(self, loop: VirtualLoop, spoken: Mask) -> None:
        self._loop = loop
        self._begun = loop.clock
        self._spoken = spoken
        self.told: list[list[int]] = [[] for _ in spoken]

    def on_start(self, ear: Ear, at_ns: int) -> None:
        """Its end will tell."""

    def on_end(self, ear: Ear, start_ns: int, end_ns: int) -> None:
        """A stretch is whole."""
        first, last = (round((at / 1e9 - self._begun) * 50) for at in (start_ns, end_ns))
        self._spoken[ear.slot, max(first, 0) : last] = True
        self.told[ear.slot].append(round((self._loop.clock - self._begun) * 50))


def _legs(count: int, loop: VirtualLoop) -> list[StandInCall]:
    campaign = replace(Campaign(name="bench", treatment="bench"), transcribe=True)
    return [
        StandInCall(slot, loop.clock, campaign, lambda _call, _event: None) for slot in range(count)
    ]


# Sound.


def _with_pauses(seconds: float) -> Sound:
    """Sentences of all voices, one second of silence after every two or so."""
    pieces: list[Sound] = []
    generator = np.random.default_rng(7)
    for _voice, samples in sounds.speech(seconds / 2):
        cuts = np.arange(0, len(samples), 3 * SAMPLE_RATE)[1:]
        for piece in np.split(samples, cuts):
            pause = generator.uniform(0.8, 4.0)
            pieces += [piece, np.zeros(int(pause * SAMPLE_RATE), np.int16)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def _noisy(speech: Sound, ratio: float | None) -> Sound:
    if ratio is None:
        return speech
    noise = pink(len(speech), np.random.default_rng(11))
    level = np.float32(10 ** ((TARGET_LEVEL_DBFS - ratio) / 20))
    return sounds.through_mu_law(speech.astype(np.float32) / np.float32(32768) + noise * level)


def _others() -> dict[str, Sound]:
    """What is no speech: 20 seconds of each."""
    plan = tone_plan("us")
    calling = Tone((Segment((1100.0,), 500), Segment((), 3000)))
    key = Tone((Segment((770.0, 1336.0), 100), Segment((), 100)))
    found = {"ringback": plan.ringback, "busy": plan.busy, "CNG": calling, "keys": key}
    seconds = 20 * SAMPLE_RATE
    sound = {name: np.resize(render(tone), seconds) for name, tone in found.items()}
    for kind, samples in sounds.music(60.0):
        sound[f"music, {kind}"] = np.resize(samples, seconds)
    return sound


def _truth(speech: Sound) -> tuple[Mask, Mask]:
    """(frames that are speech, frames that are speech or near it)."""
    frames = speech[: len(speech) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64) / 32768
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    truth = level > LOUD_DBFS
    near = np.convolve(truth, np.ones(2 * NEAR_FRAMES + 1), "same") > 0
    return truth, near


def _share(found: Mask, of: Mask) -> float:
    count = min(len(found), len(of))
    return float(100 * np.mean(found[:count][of[:count]]))


# Cost.


def _cost(detector: VoiceActivity, legs: int, ticks: int) -> tuple[str, float]:
    """(what heard, seconds of CPU of a tick of so many legs that talk half of the time)."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_timed(detector, legs, ticks))


async def _timed(detector: VoiceActivity, legs: int, ticks: int) -> tuple[str, float]:
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    voice = VoiceStage(loop, Hearing(voice_activity=detector))
    await voice.prepare()
    for leg in _legs(legs, loop):
        voice.open(leg.ear)
    generator = np.random.default_rng(13)
    noise = generator.normal(0, 1, (legs, FRAME))
    phase = generator.uniform(0, 6, legs)
    none_lost = np.zeros(legs, np.bool_)
    costs = []
    for number in range(ticks):
        loud = np.where(np.sin(number / 25 + phase) > 0, 3000, 20)
        frames = (noise * loud[:, None]).astype(np.int16)
        start_ns = int(loop.clock * 1e9)
        loop.clock += 0.02
        picture = round_of(frames, none_lost, number * FRAME, start_ns)
        # What all stages share is not this one's cost.
        _ = picture.whole, picture.power, picture.floats
        begun = time.process_time()
        voice.hear(picture)
        voice.after(start_ns + FRAME_NS)
        costs.append(time.process_time() - begun)
    return voice.detector, float(np.mean(costs))
