"""How well keys, fax tones and call progress are found, and how often where there are none.

Keys: strings of eight, 50 to 100 ms with as long pauses, up to 1.5 % off, twisted by -8 to +4 dB,
from -4 to -20 dBm0, in white noise below the tones; a lost packet is 20 ms without sound. Fax: the
tolerances of T.30. All through mu-law. The same detectors on speech and music must say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.hearing.figure import Figure, at_least, at_most, stated
from bench.hearing.sounds import Sound, music, speech, through_mu_law
from media import SAMPLE_RATE
from media.detection.detectors import ToneDetectors
from media.detection.signs import SignKind
from media.dtmf import FREQUENCIES
from media.g711 import Samples
from rtp.engine import frame_power

FRAME = 160

Told = list[tuple[int, str, float]]
"""(leg, what, seconds from the leg's first sample)."""
Condition = tuple[str, float | None, float]
"""(name, dB of the tones over the noise, share of packets lost)."""
CONDITIONS: tuple[Condition, ...] = (
    ("clean", None, 0.0),
    ("20 dB", 20.0, 0.0),
    ("15 dB", 15.0, 0.0),
    ("10 dB", 10.0, 0.0),
    ("1 % lost", None, 0.01),
    ("15 dB, 1 % lost", 15.0, 0.01),
)
LEGS_AT_ONCE = 100


def run(*, quick: bool) -> list[Figure]:
    """Keys, fax, and what is told of speech and music."""
    count = 200 if quick else 1000
    figures = [_digits(condition, count) for condition in CONDITIONS]
    figures += _fax(100 if quick else 400)
    return figures + _false(360 if quick else 3600)


# Keys.


def _digits(condition: Condition, count: int) -> Figure:
    name, noise, lost = condition
    rng = np.random.default_rng(11)
    right = 0
    for _ in range(0, count, LEGS_AT_ONCE):
        strings = ["".join(rng.choice(list(FREQUENCIES), 8)) for _ in range(LEGS_AT_ONCE)]
        sounds = [_press(keys, rng) for keys in strings]
        told = hear(sounds, SignKind.KEY, noise_db=noise, lost=lost, rng=rng)
        heard = ["".join(what for leg, what, _ in told if leg == i) for i in range(len(strings))]
        right += sum(one == other for one, other in zip(strings, heard, strict=True))
    share = 100 * right / (-(-count // LEGS_AT_ONCE) * LEGS_AT_ONCE)
    return at_least(f"DTMF strings right, {name}", share, "%", 99.5)


def _press(keys: str, rng: np.random.Generator) -> Sound:
    level = rng.uniform(-20, -4)
    pieces = [np.zeros(rng.integers(400, 2400))]
    for key in keys:
        time = np.arange(int(rng.uniform(0.05, 0.1) * SAMPLE_RATE)) / SAMPLE_RATE
        off = 1 + rng.uniform(-0.015, 0.015, 2)
        twist = 10 ** (rng.uniform(-8, 4) / 20)
        low, high = (
            np.sin(2 * np.pi * frequency * error * time + rng.uniform(0, 6.28))
            for frequency, error in zip(FREQUENCIES[key], off, strict=True)
        )
        both = low + twist * high
        pieces.append(both * _amplitude(level) / np.sqrt(1 + twist**2))
        pieces.append(np.zeros(int(rng.uniform(0.05, 0.1) * SAMPLE_RATE)))
    return np.concatenate([*pieces, np.zeros(1600)])


def _amplitude(level_dbm0: float) -> float:
    return float(10 ** ((level_dbm0 - 3.14) / 20))


# Fax.


def _fax(count: int) -> list[Figure]:
    rng = np.random.default_rng(12)
    figures, worst = [], 0.0
    kinds: tuple[tuple[str, Callable[[np.random.Generator], tuple[Sound, float]]], ...] = (
        ("cng", _calling),
        ("ced", _answering),
        ("ansam", _modem),
    )
    for kind, make in kinds:
        found = of = 0
        for _, noise, lost in CONDITIONS:
            made = [make(rng) for _ in range(count)]
            told = hear([one for one, _ in made], SignKind.FAX, noise_db=noise, lost=lost, rng=rng)
            for leg, (_, until) in enumerate(made):
                first = next(((what, at) for one, what, at in told if one == leg), ("", 0.0))
                found += first[0] == kind and first[1] <= until
                worst = max(worst, first[1] - until + 1.5) if kind != "cng" else worst
            of += count
        figures.append(at_least(f"{kind.upper()} found in time", 100 * found / of, "%", 99.0))
    return [*figures, at_most("CED/ANSam told after, at worst", worst, "s", 1.5)]


def _calling(rng: np.random.Generator) -> tuple[Sound, float]:
    """Three bursts of CNG, and when the second one is over."""
    frequency, strength = 1100 + rng.uniform(-38, 38), _amplitude(rng.uniform(-33, -8))
    pieces, ends = [np.zeros(rng.integers(400, 4000))], []
    for _ in range(3):
        time = np.arange(int(0.5 * rng.uniform(0.85, 1.15) * SAMPLE_RATE)) / SAMPLE_RATE
        pieces.append(strength * np.sin(2 * np.pi * frequency * time))
        ends.append(sum(map(len, pieces)) / SAMPLE_RATE)
        pieces.append(np.zeros(int(3 * rng.uniform(0.85, 1.15) * SAMPLE_RATE)))
    return np.concatenate(pieces), ends[1] + FRAME / SAMPLE_RATE


def _answering(rng: np.random.Generator) -> tuple[Sound, float]:
    return _after_a_while(rng, 2100 + rng.uniform(-15, 15), lambda time: np.ones(time.size))


def _modem(rng: np.random.Generator) -> tuple[Sound, float]:
    """Reversals every 450 ms, most with V.8's modulation."""
    every, depth = rng.uniform(0.425, 0.475), rng.choice((0.2, 0.2, 0.0))

    def shape(time: Sound) -> Sound:
        reversals = 1 - 2 * (np.floor(time / every) % 2)
        return np.asarray(reversals * (1 + depth * np.sin(2 * np.pi * 15 * time)))

    return _after_a_while(rng, 2100 + rng.uniform(-1, 1), shape)


def _after_a_while(
    rng: np.random.Generator, frequency: float, shape: Callable[[Sound], Sound]
) -> tuple[Sound, float]:
    """A tone of 2.6 to 4 s, and when it must have been told: 1.5 s after its begin."""
    lead = int(rng.integers(400, 4000))
    time = np.arange(int(rng.uniform(2.6, 4.0) * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * frequency * time + rng.uniform(0, 6.28)) * shape(time)
    sound = np.concatenate([np.zeros(lead), tone * _amplitude(rng.uniform(-33, -8)), np.zeros(800)])
    return sound, lead / SAMPLE_RATE + 1.5


# Where there is none.


def _false(seconds: float) -> list[Figure]:
    """Per hour of speech, and of music."""
    talk, played = list(speech(seconds)), list(music(seconds))
    figures = []
    if talk:
        hours = _hours(talk)
        keys = _tell(talk, SignKind.KEY)
        figures.append(at_most("false digits an hour of speech", len(keys) / hours, "", 5.0, 1.0))
        figures.append(
            at_most("false fax tones in that speech", len(_tell(talk, SignKind.FAX)), "", 0)
        )
        figures.append(stated("speech heard", round(hours * 60, 1), "minutes"))
        figures.append(stated("voices", len({name for name, _ in talk})))
    else:
        figures.append(stated("false digits an hour of speech", "no synthesiser installed"))
    figures.append(at_most("false fax tones in the music", len(_tell(played, SignKind.FAX)), "", 0))
    plain = [one for one in played if one[0] != "two voices"]
    figures.append(
        stated("false digits an hour of music", len(_tell(plain, SignKind.KEY)) / _hours(plain))
    )
    pairs = [one for one in played if one[0] == "two voices"]
    figures.append(
        stated(
            "the same of two plain sines playing", len(_tell(pairs, SignKind.KEY)) / _hours(pairs)
        )
    )
    return figures


def _hours(pieces: Sequence[tuple[str, Samples]]) -> float:
    return max(sum(len(one) for _, one in pieces), 1) / SAMPLE_RATE / 3600


def _tell(pieces: Sequence[tuple[str, Samples]], kind: SignKind) -> Told:
    return hear([samples for _, samples in pieces], kind)


# Hearing.


def hear(
    sounds: Sequence[Sound | Samples],
    kind: SignKind,
    *,
    noise_db: float | None = None,
    lost: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Told:
    """All of these at once, a leg each; what was told in time's order."""
    rng = rng or np.random.default_rng(0)
    detectors, told = ToneDetectors(), Told()
    for slot in range(len(sounds)):
        detectors.open(slot, keys=kind is SignKind.KEY, fax=kind is SignKind.FAX)
    lines = [_line(sound, noise_db, rng) for sound in sounds]
    for number in range(max(len(line) for line in lines)):
        slots = np.array([i for i, line in enumerate(lines) if number < len(line)])
        whole = rng.random(slots.size) >= lost
        samples = np.array([lines[i][number] for i in slots]) * whole[:, None]
        valid = np.repeat(whole[:, None], FRAME, axis=1)
        positions = np.full(slots.size, number * FRAME)
        _, _, signs = detectors.hear(slots, samples, valid, positions, frame_power(samples))
        at = (number + 1) * FRAME / SAMPLE_RATE
        told += [(sign.slot, sign.name, at) for sign in signs if sign.kind is kind]
    return told


def _line(
    sound: Sound | Samples, noise_db: float | None, rng: np.random.Generator
) -> NDArray[np.int16]:
    """What comes over the line: [frames, 160]."""
    if noise_db is not None:
        power = np.mean(np.square(sound[sound != 0]))
        sound = sound + rng.normal(0, np.sqrt(power / 10 ** (noise_db / 10)), len(sound))
    whole = len(sound) // FRAME * FRAME
    return through_mu_law(sound[:whole]).reshape(-1, FRAME)
