"""What the tick costs: packets of many legs to frames, through the tone bank and all detectors.

A tick's packets after another go through the framer and the stage as they come from the engine's
taps. Of a thousand legs 400 talk and 30 are ringing, each at its own time: what 500 calls of three
minutes come to, each with ten seconds of ringing. Two press keys without end, ten are watched for a
beep, one sends CNG, one CED every ten seconds: more than such calls do. The others are silent but
for the line's noise. The cost is the thread's processor time, so that what else runs counts least.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.hearing.figure import Figure, at_most, stated
from bench.hearing.sounds import speech, through_mu_law
from media import SAMPLE_RATE, dtmf
from media.g711 import Samples, encode
from media.tones import render, tone_plan
from rtp.engine import TAP_ENTRY, Framer, TapBatch, TapCodec
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.tones import ToneStage

TICK_NS = 20_000_000
LEGS = (1, 10, 100, 1000)
FLOOR_MS = 1.0
AIM_MS = 0.4
FLOOR_SHARE = 5.0


def run(*, quick: bool) -> list[Figure]:
    """By number of legs."""
    ticks = 150 if quick else 750
    figures = []
    for legs in LEGS:
        frames, tones = _measure(legs, ticks)
        both = frames + tones
        figures += _told(legs, both) if legs == LEGS[-1] else [_stated(legs, both)]
        if legs == LEGS[-1]:
            figures.append(stated("of it framing", _middle(frames), "ms"))
            figures.append(
                stated("of it tones, decoding to floats and energy", _middle(tones), "ms")
            )
    return figures


def _told(legs: int, cost: NDArray[np.float64]) -> list[Figure]:
    middle = _middle(cost)
    share = 100 * float(cost.mean()) / 20
    return [
        at_most(f"tick for {legs} legs, all tone detectors", middle, "ms", FLOOR_MS, AIM_MS),
        at_most("share of a core", round(share, 2), "%", FLOOR_SHARE),
        stated("99 of 100 ticks within", round(float(np.percentile(cost, 99)), 3), "ms"),
    ]


def _stated(legs: int, cost: NDArray[np.float64]) -> Figure:
    return stated(f"tick for {legs} legs", _middle(cost), "ms")


def _middle(cost: NDArray[np.float64]) -> float:
    return round(float(np.median(cost)), 3)


def _measure(legs: int, ticks: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ms of framing, and of tones, tick by tick."""
    sounds = _sounds(legs, ticks)
    stage, framer = ToneStage(), Framer()
    watched: list[Any] = []
    stage.hear_beeps_of(watched)
    spent = np.zeros((ticks, 2))
    for tick in range(ticks):
        batch, now_ns = _batch(sounds, tick), (tick + 1) * TICK_NS
        began = time.thread_time_ns()
        framer.push(batch)
        for number, slot in framer.new_legs():
            ear = _ear(number, slot)
            stage.open(ear)
            if number % 100 == 2:
                watched.append(ear.leg)
        rounds = []
        while (frames := framer.round(now_ns)) is not None:
            rounds.append(frames)
        framed = time.thread_time_ns()
        for frames in rounds:
            stage.hear(Heard(*frames, now_ns))
        stage.after(now_ns)
        spent[tick] = framed - began, time.thread_time_ns() - framed
    warm = ticks // 10
    return spent[warm:, 0] / 1e6, spent[warm:, 1] / 1e6


class _Leg(SimpleNamespace):
    """As far as the stage looks at one."""

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


def _ear(number: int, slot: int) -> Ear:
    """A leg that nobody listens to."""
    nothing = lambda *_: None  # noqa: E731
    leg: Any = _Leg(
        side="called" if number % 2 == 0 or _rings(number - 1) else "calling",
        answered=not _rings(number - 1),
        call=None,
        leg_id=str(number),
        on_digit=nothing,
        on_fax=nothing,
        on_tone=nothing,
        on_key_sounds=nothing,
    )
    campaign: Any = SimpleNamespace(ringback="us")
    return Ear(slot, leg, campaign, 0)


def _batch(sounds: NDArray[np.uint8], tick: int) -> TapBatch:
    """A packet of each leg, as the engine's taps hand it over."""
    legs = len(sounds)
    entries = np.zeros(legs, TAP_ENTRY)
    entries["leg"] = np.arange(1, legs + 1)
    entries["timestamp"] = tick * FRAME
    entries["sequence"] = tick
    entries["arrived_ns"] = tick * TICK_NS + np.arange(legs)
    entries["offset"] = np.arange(legs) * FRAME
    entries["length"] = entries["samples"] = FRAME
    entries["codec"] = TapCodec.PCMU
    return TapBatch(entries, np.ascontiguousarray(sounds[:, tick]).reshape(-1))


def _sounds(legs: int, ticks: int) -> NDArray[np.uint8]:
    """[legs, ticks, 160] mu-law."""
    rng = np.random.default_rng(21)
    length = ticks * FRAME
    talk, tones = _talk(length), _tones(length)
    ringing = np.resize(render(tone_plan("us").ringback), 2 * length)
    out = np.zeros((legs, length), np.uint8)
    for leg in range(legs):
        if legs > 10 and leg % 250 == 0:
            samples = tones[leg // 250 % len(tones)]
        elif _rings(leg):
            start = rng.integers(length)
            samples = ringing[start : start + length]
        elif leg % 5 < 2:
            start = rng.integers(talk.size - length)
            samples = talk[start : start + length]
        else:
            samples = through_mu_law(rng.normal(0, 2e-4, length))
        out[leg] = np.frombuffer(encode(samples), np.uint8)
    return out.reshape(legs, ticks, FRAME)


def _rings(leg: int) -> bool:
    return leg % 33 == 1


def _talk(length: int) -> Samples:
    pieces = [samples for _, samples in speech(2 * length / SAMPLE_RATE + 60)]
    if pieces:
        return np.concatenate(pieces)
    noise = np.random.default_rng(22).normal(0, 0.05, 2 * length + 480_000)
    return through_mu_law(noise)


def _tones(length: int) -> Sequence[Samples]:
    """Keys twice, CNG, CED."""
    time = np.arange(length) / SAMPLE_RATE
    keys = np.resize(dtmf.render("0123456789*#", seconds=0.1, gap=0.1), length)
    return (
        keys,
        through_mu_law(0.3 * np.sin(2 * np.pi * 1100 * time) * (time % 3.5 < 0.5)),
        np.roll(keys, 5000),
        through_mu_law(0.3 * np.sin(2 * np.pi * 2100 * time) * (time % 10 < 3.3)),
    )
