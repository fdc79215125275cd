"""Lines that tone detectors listen to: sounds through mu-law, noise and lost packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.detection.detectors import ToneDetectors
from media.detection.signs import Sign, SignKind
from media.dtmf import FREQUENCIES
from media.g711 import decode, encode

FRAME = 160
Sound = NDArray[np.float64]
Told = list[list[tuple[str, float]]]
"""Of each line: what, and seconds from its first sample to the end of the frame that said it."""


def silence(seconds: float) -> Sound:
    """Nothing."""
    return np.zeros(round(seconds * SAMPLE_RATE))


def sine(frequency: float, seconds: float, level_dbm0: float = -13.0, phase: float = 1.0) -> Sound:
    """One tone."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(amplitude(level_dbm0) * np.sin(2 * np.pi * frequency * time + phase))


def amplitude(level_dbm0: float) -> float:
    """Of a sine."""
    return float(10 ** ((level_dbm0 - 3.14) / 20))


def key(
    digit: str,
    seconds: float,
    *,
    off: tuple[float, float] = (0.0, 0.0),
    level_dbm0: float = -10.0,
    twist_db: float = 0.0,
) -> Sound:
    """A key; `off`: how far each frequency is, as a share; `twist_db`: high over low tone."""
    low, high = FREQUENCIES[digit]
    return sine(low * (1 + off[0]), seconds, level_dbm0) + sine(
        high * (1 + off[1]), seconds, level_dbm0 + twist_db, 2.0
    )


@dataclass(frozen=True, slots=True)
class Round:
    """What the detectors say of one frame of each line."""

    number: int
    tonal: list[bool]
    beep: list[bool]
    signs: list[Sign]

    def told(self, kind: SignKind) -> list[tuple[int, str, float]]:
        """Line, what, and seconds until the frame's end."""
        at = (self.number + 1) * FRAME / SAMPLE_RATE
        return [(sign.slot, sign.name, at) for sign in self.signs if sign.kind is kind]


def rounds(
    detectors: ToneDetectors,
    lines: Sequence[Sound],
    *,
    noise_db: float | None = None,
    lost: Sequence[int] = (),
    seed: int = 1,
    begin: int = 0,
) -> Iterator[Round]:
    """All lines at once, in slots that are open; `lost`: numbers of the frames that do not arrive;
    `begin`: position of the first sample."""
    frames = _frames(lines, noise_db, seed)
    slots = np.arange(len(lines))
    for number in range(frames.shape[1]):
        there = number not in lost
        samples = np.ascontiguousarray(frames[:, number]) * np.int16(there)
        positions = np.full(len(lines), begin + number * FRAME)
        squares = np.square(samples / np.float32(32768))
        power = np.asarray(squares.mean(axis=1), np.float32)
        valid = np.full(samples.shape, there)
        tonal, beep, signs = detectors.hear(slots, samples, valid, positions, power)
        yield Round(number, tonal.tolist(), beep.tolist(), signs)


def _frames(lines: Sequence[Sound], noise_db: float | None, seed: int) -> NDArray[np.int16]:
    """What comes over the lines: [lines, frames, 160]."""
    rng = np.random.default_rng(seed)
    length = -(-max(map(len, lines)) // FRAME) * FRAME
    sound = np.array([np.pad(line, (0, length - len(line))) for line in lines])
    if noise_db is not None:
        power = np.array([np.mean(line[line != 0] ** 2) for line in lines])
        sound += rng.normal(0, 1, sound.shape) * np.sqrt(power / 10 ** (noise_db / 10))[:, None]
    samples = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    return decode(encode(samples.reshape(-1))).reshape(len(lines), -1, FRAME)


def listen(
    lines: Sequence[Sound],
    kind: SignKind,
    *,
    countries: Sequence[str] = (),
    noise_db: float | None = None,
    lost: Sequence[int] = (),
) -> Told:
    """What signs of this kind are told of each line, listened to for nothing else."""
    detectors, told = ToneDetectors(), Told([] for _ in lines)
    for slot in range(len(lines)):
        detectors.open(
            slot,
            country=countries[slot] if countries else "",
            keys=kind is SignKind.KEY,
            fax=kind is SignKind.FAX,
            progress=kind is SignKind.PROGRESS,
        )
    for one in rounds(detectors, lines, noise_db=noise_db, lost=lost):
        for slot, what, at in one.told(kind):
            told[slot].append((what, at))
    return told


def names(told: Sequence[tuple[str, float]]) -> str:
    """What was told of a line, one after the other."""
    return " ".join(what for what, _ in told)
