"""The tone bank: how strong each of some twenty frequencies is in a frame of many legs, in one go.

A discrete Fourier transform over 20 ms at the frequencies that matter (DTMF of ITU-T Q.23, fax of
T.30, call progress of E.180), as one matrix product. 20 ms tell frequencies 50 Hz apart; who needs
more looks closer at the few frames that may be his (`single_tone`, `dtmf`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE

__all__ = [
    "BANK",
    "CED_TONE",
    "CNG_TONES",
    "DTMF_HIGH",
    "DTMF_LOW",
    "FAX_AND_SIT",
    "FRAME",
    "HALF",
    "HIGH_GROUP",
    "LOW_GROUP",
    "PROGRESS_TONES",
    "QUIET",
    "Bank",
    "BankFrames",
    "dominant_tone",
    "mean_square_of_dbm0",
    "single_tone",
]

FRAME: Final = 160
HALF: Final = FRAME // 2

LOW_GROUP: Final = (697.0, 770.0, 852.0, 941.0)
HIGH_GROUP: Final = (1209.0, 1336.0, 1477.0, 1633.0)
# CNG may be 38 Hz off, more than half a bin: two bins share it.
_CNG: Final = (1085.0, 1115.0)
_CED: Final = (2100.0,)
_SIT: Final = (950.0, 1400.0, 1800.0)
_PROGRESS: Final = (350.0, 400.0, 440.0, 480.0, 620.0)

BANK: Final = (*LOW_GROUP, *HIGH_GROUP, *_CNG, *_CED, *_SIT, *_PROGRESS)
"""Frequencies of the bank in Hz; the slices below say which rows are whose."""
DTMF_LOW: Final = slice(0, 4)
DTMF_HIGH: Final = slice(4, 8)
CNG_TONES: Final = slice(8, 10)
CED_TONE: Final = 10
FAX_AND_SIT: Final = slice(8, 14)
PROGRESS_TONES: Final = slice(14, 19)

# A sine that just does not clip has +3.14 dBm0 in A-law (G.711 table 5).
_FULL_SCALE_SINE_DBM0: Final = 3.14
_LEAST_VALID: Final = np.float32(0.5)
"""Share of a frame that must have arrived for it to be judged."""
_LIKELY_SHARE: Final = 0.7
"""Less of it in one tone is not worth a closer look; coloured noise makes it look like more."""


def mean_square_of_dbm0(level: float) -> float:
    """Mean square, samples in -1..1, of a sine of this level in dBm0."""
    return float(0.5 * 10 ** ((level - _FULL_SCALE_SINE_DBM0) / 10))


QUIET: Final = mean_square_of_dbm0(-48.0)
"""Weaker than any tone that a receiver must take (CNG reaches down to -43 dBm0)."""


@dataclass(slots=True)
class BankFrames:
    """What the bank says of one frame of M legs."""

    floats: NDArray[np.float32]
    """[M, 160] samples in -1..1, zero where none arrived."""
    power: NDArray[np.float32]
    """[M] mean square of what arrived."""
    tones: NDArray[np.float32]
    """[T, M] mean square of each frequency of BANK."""
    usable: NDArray[np.bool_] | None
    """[M] whether at least half of the frame arrived; None: all of all frames did."""
    valid: NDArray[np.bool_]
    """[M, 160] which samples arrived."""


class Bank:
    """A transform at a few frequencies."""

    def __init__(self, frequencies: tuple[float, ...] = BANK) -> None:
        self.frequencies = frequencies
        time = np.arange(FRAME) / SAMPLE_RATE
        angle = 2 * np.pi * np.outer(frequencies, time)
        # A sine's square summed over the frame comes out as its mean square.
        scale = np.sqrt(2.0) / FRAME
        waves = np.concatenate((np.cos(angle), -np.sin(angle))) * scale
        self._waves = np.ascontiguousarray(waves, np.float32)

    def transform(self, floats: NDArray[np.float32]) -> NDArray[np.float32]:
        """[M, 160] -> [2T, M]: real parts of all frequencies, then imaginary parts."""
        return np.asarray(self._waves @ floats.T, np.float32)

    def hear(
        self,
        floats: NDArray[np.float32],
        power: NDArray[np.float32],
        valid: NDArray[np.bool_],
        whole: NDArray[np.bool_],
    ) -> BankFrames:
        """How strong each frequency is in each frame. Frames of which less arrived count for what
        did."""
        parts = self.transform(floats)
        np.multiply(parts, parts, out=parts)
        count = len(self.frequencies)
        tones = parts[:count]
        tones += parts[count:]
        if whole.all():
            return BankFrames(floats, power, tones, None, valid)
        share = valid.mean(axis=1, dtype=np.float32)
        usable = share >= _LEAST_VALID
        # What is hardly there has no tone.
        scale = np.where(usable, 1 / np.maximum(share, _LEAST_VALID), np.float32(0))
        tones *= scale * scale
        return BankFrames(floats, power * scale, tones, usable, valid)


def single_tone(
    floats: NDArray[np.float32], frequency: float | NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.complex128]]:
    """Look closer at frames that should hold one tone: ([C] Hz, [C] share, [C] amplitude).

    `floats` [C, 160]; `frequency` the expected one, of all or [C]; true within 50 Hz, half a turn
    from one half of the frame to the other. The share of the frame's energy is that of a tone of
    the frequency found. The amplitude is complex, its phase that of the expected frequency at the
    frame's start.
    """
    turn = 2 * np.pi * np.atleast_1d(np.asarray(frequency, np.float64)) / SAMPLE_RATE
    wave = np.exp(-1j * turn[:, None] * np.arange(FRAME)).reshape(-1, 2, HALF)
    halves = np.einsum("chn,chn->ch", floats.reshape(-1, 2, HALF), np.broadcast_to(
        wave, (len(floats), 2, HALF)))  # fmt: skip
    halves *= 2 / HALF
    error = np.angle(halves[:, 1] * halves[:, 0].conj()) / (2 * np.pi) * (SAMPLE_RATE / HALF)
    lost = np.sinc(error * HALF / SAMPLE_RATE) ** 2
    power = np.einsum("cn,cn->c", floats, floats, dtype=np.float64) / FRAME
    tone = np.mean(np.abs(halves) ** 2, axis=1) / 2 / lost
    share = tone / np.maximum(power, 1e-12)
    return error + turn * SAMPLE_RATE / (2 * np.pi), share, halves.mean(axis=1)


def dominant_tone(
    floats: NDArray[np.float32], power: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequency of the tone that carries a frame, and its share: ([C] Hz, [C]; 0 for none).

    `floats` [C, 160], `power` [C] their mean square. Pisarenko's estimate from two lags finds where
    to look: one sine in white noise has r1 = s cos w and r2 = s cos 2w.
    """
    energy = np.maximum(power, 1e-12) * FRAME
    first = np.einsum("cn,cn->c", floats[:, 1:], floats[:, :-1]) / energy * (FRAME / (FRAME - 1))
    second = np.einsum("cn,cn->c", floats[:, 2:], floats[:, :-2]) / energy * (FRAME / (FRAME - 2))
    share = (np.sqrt(second * second + 8 * first * first) - second) / 2
    frequency, found = np.zeros(len(floats)), np.zeros(len(floats))
    likely = np.flatnonzero(share > _LIKELY_SHARE)
    if likely.size:
        cosine = np.clip(first[likely] / share[likely], -1, 1)
        guess = np.arccos(cosine) * (SAMPLE_RATE / (2 * np.pi))
        frequency[likely], found[likely], _ = single_tone(floats[likely], guess)
    return frequency, found
