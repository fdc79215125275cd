"""Whisper's features, straight from 8 kHz: log-mel spectra, 80 bands, 100 a second.

Whisper was trained on 16 kHz with frames of 400 samples. A frame of 200 samples at 8 kHz has its
bins at the same 40 Hz steps; the bins above 4 kHz hold nothing, as they do in telephone speech that
was brought to 16 kHz. So nothing is resampled, and half of each transform is saved.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "HOP", "log_mel"]

BANDS = 80
HOP = 80
"""Samples from frame to frame: 10 ms."""

Floats = NDArray[np.float32]

_FRAME = 200
_BIN_HZ = 40.0
# The frame has half the samples of the one Whisper was trained with: half the amplitude.
_POWER = np.float32(4.0)
_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)).astype(np.float32)


def _mel_of(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale: linear up to 1 kHz, logarithmic above."""
    above = 15.0 + np.log(np.maximum(hz, 1000.0) / 1000.0) * (27.0 / np.log(6.4))
    return np.asarray(np.where(hz < 1000.0, hz * (3.0 / 200.0), above))


def _hz_of(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = 1000.0 * np.exp((mel - 15.0) * (np.log(6.4) / 27.0))
    return np.asarray(np.where(mel < 15.0, mel * (200.0 / 3.0), above))


def _filters() -> Floats:
    """[101, 80] triangles of equal area, their corners equally far apart in mel up to 8 kHz."""
    corners = _hz_of(np.linspace(0.0, float(_mel_of(np.array([8000.0]))[0]), BANDS + 2))
    hz = np.arange(_FRAME // 2 + 1)[:, None] * _BIN_HZ
    widths = np.diff(corners)
    rising = (hz - corners[None, :-2]) / widths[None, :-1]
    falling = (corners[None, 2:] - hz) / widths[None, 1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (corners[2:] - corners[:-2]))).astype(np.float32)


_FILTERS = _filters()


def log_mel(samples: Floats) -> Floats:
    """[80, T] features of samples in -1..1 at 8 kHz, one column for each whole 10 ms."""
    frames = samples.size // HOP
    if frames == 0:
        return np.zeros((BANDS, 0), np.float32)
    padded = np.pad(samples, (_FRAME // 2, _FRAME // 2), mode="reflect")
    framed = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::HOP][:frames]
    spectrum = np.fft.rfft(framed * _WINDOW, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) * _POWER
    bands = np.log10(np.maximum(power @ _FILTERS, np.float32(1e-10)))
    bands = np.maximum(bands, bands.max() - np.float32(8.0))
    return np.ascontiguousarray(((bands + 4.0) / 4.0).T, np.float32)
