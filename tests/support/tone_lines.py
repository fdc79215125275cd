"""Lines that tone detectors listen to: sounds through mu-law, noise and lost packets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.detection.bank import FRAME, Bank, BankFrames
from media.dtmf import FREQUENCIES
from media.g711 import decode, encode

Sound = NDArray[np.float64]
Hear = Callable[[NDArray[np.intp], BankFrames, NDArray[np.int64]], list[tuple[int, str]]]
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


def listen(
    lines: Sequence[Sound],
    hear: Hear,
    *,
    noise_db: float | None = None,
    lost: Sequence[int] = (),
    seed: int = 1,
) -> Told:
    """All lines at once; `lost`: numbers of the frames that do not arrive."""
    rng = np.random.default_rng(seed)
    length = -(-max(map(len, lines)) // FRAME) * FRAME
    sound = np.array([np.pad(line, (0, length - len(line))) for line in lines])
    if noise_db is not None:
        power = np.array([np.mean(line[line != 0] ** 2) for line in lines])
        sound += rng.normal(0, 1, sound.shape) * np.sqrt(power / 10 ** (noise_db / 10))[:, None]
    samples = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    floats = decode(encode(samples.reshape(-1))).reshape(sound.shape).astype(np.float32) / 32768
    bank, slots, told = Bank(), np.arange(len(lines)), Told([] for _ in lines)
    for number in range(length // FRAME):
        frame = floats[:, number * FRAME : (number + 1) * FRAME] * (number not in lost)
        whole = np.full(len(lines), number not in lost)
        valid = np.repeat(whole[:, None], FRAME, axis=1)
        power = np.einsum("ij,ij->i", frame, frame) / np.float32(FRAME)
        frames = bank.hear(np.asarray(frame, np.float32), power, valid, whole)
        for slot, what in hear(slots, frames, np.full(len(lines), number * FRAME)):
            told[slot].append((what, (number + 1) * FRAME / SAMPLE_RATE))
    return told


def names(told: Sequence[tuple[str, float]]) -> str:
    """What was told of a line, one after the other."""
    return " ".join(what for what, _ in told)
