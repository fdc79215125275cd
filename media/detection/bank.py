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
    "kept_when_off",
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
_LIKELY_SHARE: Final = 0.82
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
    valid: NDArray[np.bool_] | None
    """[M, 160] which samples arrived; None: all."""


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
        rows: NDArray[np.intp] | None = None,
    ) -> BankFrames:
        """How strong each frequency is in each frame. Frames of which less arrived count for what
        did. `rows`: where each frame stands in `valid`, when not one by one."""
        parts = self.transform(floats)
        np.multiply(parts, parts, out=parts)
        count = len(self.frequencies)
        tones = parts[:count]
        tones += parts[count:]
        if whole.all():
            return BankFrames(floats, power, tones, None, None)
        valid = valid if rows is None else valid[rows]
        share = valid.mean(axis=1, dtype=np.float32)
        usable = share >= _LEAST_VALID
        # What is hardly there has no tone.
        scale = np.where(usable, 1 / np.maximum(share, _LEAST_VALID), np.float32(0))
        tones *= scale * scale
        return BankFrames(floats, power * scale, tones, usable, valid)


def single_tone(
    floats: NDArray[np.float32], frequency: float | NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.complex64]]:
    """Look closer at frames that should hold one tone: ([C] Hz, [C] share, [C] amplitude).

    `floats` [C, 160]; `frequency` the expected one, of all or [C]; true within 50 Hz, half a turn
    from one half of the frame to the other. The share of the frame's energy is that of a tone of
    the frequency found. The amplitude is complex, its phase that of the expected frequency (to 5
    Hz) at the frame's start.
    """
    steps = np.rint(np.asarray(frequency, np.float32) / _STEP_HZ).astype(np.intp)
    if steps.ndim:
        parts = np.matmul(floats.reshape(-1, 2, HALF), _WAVES[steps])
    else:
        parts = (floats.reshape(-1, HALF) @ _WAVES[steps]).reshape(-1, 2, 2)
    halves = parts.view(np.complex64)[:, :, 0]
    first, second = halves[:, 0], halves[:, 1] * _TURNS[steps]
    error = np.angle(second * first.conj()) * np.float32(SAMPLE_RATE / HALF / (2 * np.pi))
    kept = kept_when_off(error)
    power = np.einsum("cn,cn->c", floats, floats) * np.float32(1 / FRAME)
    tone = np.square(np.abs(halves)).sum(axis=1) / (4 * kept)
    share = tone / np.maximum(power, np.float32(1e-12))
    return error + steps * np.float32(_STEP_HZ), share, (first + second) / 2


def kept_when_off(error: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of a tone's power that a transform of 10 ms still sees when it is so many Hz off (up to
    50): the square of sin x / x, its series to the eighth power."""
    turns = np.square(error * np.float32(HALF / SAMPLE_RATE))
    kept = turns * np.float32(1.3388) - np.float32(3.0521)
    for term in (4.3293, -3.2899, 1.0):
        kept *= turns
        kept += np.float32(term)
    return np.asarray(kept, np.float32)


def _half_waves() -> tuple[NDArray[np.float32], NDArray[np.complex64]]:
    """Frequencies of every step: ([F, 80, 2] cos, -sin over half a frame, as strong as the sine's
    amplitude; [F] turn from one half to the next)."""
    turns = 2 * np.pi * _STEP_HZ / SAMPLE_RATE * np.arange(int(SAMPLE_RATE / 2 / _STEP_HZ) + 1)
    angles = np.outer(turns, np.arange(HALF))
    waves = np.stack((np.cos(angles), -np.sin(angles)), axis=2) * (2 / HALF)
    return np.asarray(waves, np.float32), np.exp(-1j * turns * HALF).astype(np.complex64)


_STEP_HZ: Final = 5.0
_WAVES, _TURNS = _half_waves()


def dominant_tone(
    floats: NDArray[np.float32],
    power: NDArray[np.float32],
    *,
    lowest: float,
    highest: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frequency of the tone that carries a frame, and its share: ([C] Hz, [C]; 0 for none in the
    band).

    `floats` [C, 160], `power` [C] their mean square. Pisarenko's estimate from two lags finds where
    to look: one sine in white noise has r1 = s cos w and r2 = s cos 2w.
    """
    scale = 1 / np.maximum(power * np.float32(FRAME), np.float32(1e-9))
    first = np.einsum("cn,cn->c", floats[:, 1:], floats[:, :-1]) * scale
    second = np.einsum("cn,cn->c", floats[:, 2:], floats[:, :-2]) * scale
    share = (np.sqrt(second * second + 8 * first * first) - second) / 2
    cosine = first / np.maximum(share, np.float32(_LIKELY_SHARE))
    likely = (share > _LIKELY_SHARE) & (cosine <= _cosine(lowest)) & (cosine >= _cosine(highest))
    rows = np.flatnonzero(likely)
    frequency, found = np.zeros(len(floats), np.float32), np.zeros(len(floats), np.float32)
    if rows.size:
        guess = np.arccos(cosine[rows]) * np.float32(SAMPLE_RATE / (2 * np.pi))
        frequency[rows], found[rows], _ = single_tone(floats[rows], guess)
    return frequency, found


_GUESSED_WITHIN_HZ: Final = 60.0


def _cosine(frequency: float) -> float:
    """Bound of the estimate for a bound of the frequency."""
    middle = SAMPLE_RATE / 4
    outwards = _GUESSED_WITHIN_HZ if frequency > middle / 2 else -_GUESSED_WITHIN_HZ
    return float(np.cos(2 * np.pi * (frequency + outwards) / SAMPLE_RATE))
