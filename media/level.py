"""Speech made fit for the telephone: band, level, and no long silence around it.

Levels in dB of full scale (ITU-T P.56 in spirit: only what sounds is measured). Whole signals only.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.g711 import Samples
from media.resample import to_telephone_rate

TARGET_LEVEL_DBFS = -18.0
PEAK_LIMIT = 0.89
"""Share of full scale that no sample passes: 1 dB below."""

Signal = NDArray[np.floating[Any]]
"""Samples in -1..1."""

_FRAME = SAMPLE_RATE // 50
# Frames so far below the loudest one are pauses and breath.
_ACTIVE_RANGE_DB = 30.0
# Full scale to within this is digital silence or a synthesiser's hiss, never speech.
_SILENCE_DBFS = -60.0
_LEAD_IN = SAMPLE_RATE // 20
_LEAD_OUT = SAMPLE_RATE // 5
# The telephone passes nothing below 300 Hz (ITU-T G.712); hum and thumps there only take level
# away.
_STOP_HZ, _PASS_HZ = 150.0, 300.0


def to_telephone_speech(samples: Signal, rate: int) -> Samples:
    """Speech in -1..1 at any rate to int16 at 8 kHz, about -18 dBFS while it sounds.

    Empty when there is nothing to be heard.
    """
    speech = _without_rumble(to_telephone_rate(np.asarray(samples, np.float32), rate))
    speech = trim_silence(speech)
    if speech.size == 0:
        return np.zeros(0, np.int16)
    gain = 10 ** ((TARGET_LEVEL_DBFS - active_level(speech)) / 20)
    gain = min(gain, PEAK_LIMIT / float(np.abs(speech).max()))
    return np.asarray(np.rint(speech * gain * 32767), np.int16)


def active_level(speech: Signal) -> float:
    """Mean level in dBFS of the 20 ms frames that sound; -inf when none does."""
    levels = _frame_levels(speech)
    active = levels[levels > max(_SILENCE_DBFS, levels.max(initial=-np.inf) - _ACTIVE_RANGE_DB)]
    if active.size == 0:
        return float("-inf")
    return float(10 * np.log10(np.mean(10 ** (active / 10))))


def trim_silence(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut silence before and after, up to a short lead-in and lead-out."""
    sounding = np.flatnonzero(_frame_levels(speech) > _SILENCE_DBFS)
    if sounding.size == 0:
        return speech[:0]
    begin = max(0, int(sounding[0]) * _FRAME - _LEAD_IN)
    return speech[begin : (int(sounding[-1]) + 1) * _FRAME + _LEAD_OUT]


def _frame_levels(speech: Signal) -> NDArray[np.float64]:
    whole = np.pad(speech, (0, -speech.size % _FRAME)).reshape(-1, _FRAME)
    power = np.mean(np.square(whole, dtype=np.float64), axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float64)


def _without_rumble(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """High-pass with a raised-cosine edge, all of the signal at once (zero delay)."""
    if speech.size == 0:
        return speech
    # Room behind the signal, so that the filter's end does not wrap to its beginning.
    length = speech.size + SAMPLE_RATE // 10
    spectrum = np.fft.rfft(speech, length)
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    edge = np.clip((frequency - _STOP_HZ) / (_PASS_HZ - _STOP_HZ), 0.0, 1.0)
    filtered = np.fft.irfft(spectrum * (0.5 - 0.5 * np.cos(np.pi * edge)), length)
    return np.asarray(filtered[: speech.size], np.float32)
