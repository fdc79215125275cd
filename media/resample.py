"""Change of sample rate to 8 kHz with a proper low-pass: a polyphase FIR filter in numpy.

Kaiser-windowed sinc, pass band to 3.4 kHz (the telephone's, ITU-T G.712), 70 dB down from 4 kHz on,
so that nothing folds back. Whole signals only; no state between calls.
"""

from math import gcd

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE

# Fractions of the lower of the two rates: 3.4 and 4.0 kHz at 8 kHz.
_PASS_BAND = 0.425
_STOP_BAND = 0.5
_ATTENUATION_DB = 70.0
# Rows of the sliding window multiplied at once: bounds the copy that numpy makes of an overlapping
# view.
_BLOCK_ROWS = 16_384


def to_telephone_rate(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Samples at `rate` (any positive integer) to 8 kHz; the length is rounded up, the delay is
    zero."""
    if rate == SAMPLE_RATE or samples.size == 0:
        return samples
    common = gcd(rate, SAMPLE_RATE)
    up, down = SAMPLE_RATE // common, rate // common
    half = _half_length(rate)
    length_out = -(-samples.size * up // down)
    padded = np.concatenate(
        [np.zeros(half, np.float32), samples, np.zeros(half + down, np.float32)]
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    out = np.empty(length_out, np.float32)
    for phase in range(min(up, length_out)):
        first, rest = divmod(phase * down, up)
        taps = _taps(rate, half, rest / up)
        out[phase::up] = _convolve(windows[first::down], taps, out[phase::up].size)
    return out


def _half_length(rate: int) -> int:
    """Taps on each side of the middle, by Kaiser's formula for the transition width."""
    transition = (_STOP_BAND - _PASS_BAND) * min(rate, SAMPLE_RATE) / rate
    return int(np.ceil((_ATTENUATION_DB - 7.95) / (2.285 * 2 * np.pi * transition) / 2))


def _taps(rate: int, half: int, offset: float) -> NDArray[np.float32]:
    """The filter for output that falls `offset` of an input sample after the window's middle."""
    cutoff = (_PASS_BAND + _STOP_BAND) / 2 * min(rate, SAMPLE_RATE) / rate
    beta = 0.1102 * (_ATTENUATION_DB - 8.7)
    time = np.arange(-half, half + 1) - offset
    window = np.i0(beta * np.sqrt(np.maximum(0.0, 1 - (time / (half + 1)) ** 2)))
    taps = np.sinc(2 * cutoff * time) * window
    return np.asarray(taps / taps.sum(), np.float32)


def _convolve(
    windows: NDArray[np.float32], taps: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    out = np.empty(count, np.float32)
    for start in range(0, count, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, count)
        out[start:stop] = windows[start:stop] @ taps
    return out
