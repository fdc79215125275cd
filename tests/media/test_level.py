import numpy as np
import pytest
from numpy.typing import NDArray

from media.level import active_level, to_telephone_speech, trim_silence


def voice(seconds: float, rate: int = 8000, level: float = 0.05) -> NDArray[np.float32]:
    """Something like speech: harmonics of 150 Hz, in syllables."""
    time = np.arange(int(seconds * rate)) / rate
    harmonics = sum(np.sin(2 * np.pi * 150 * n * time + n) / n for n in range(1, 20))
    syllables = np.maximum(0.0, np.sin(2 * np.pi * 3 * time))
    return np.asarray(level * harmonics * syllables, np.float32)


@pytest.mark.parametrize("level", [0.005, 0.02, 0.2])
@pytest.mark.parametrize("rate", [8000, 22050, 24000])
def test_speech_of_any_level_and_rate_comes_out_at_the_target(level: float, rate: int) -> None:
    samples = to_telephone_speech(voice(2, rate, level), rate)
    assert active_level(samples.astype(np.float32) / 32768) == pytest.approx(-18, abs=2)
    assert samples.size == pytest.approx(2 * 8000, abs=2500)


def test_no_sample_passes_the_peak_limit() -> None:
    speech = voice(1)
    speech[4000] = 1.0
    assert np.abs(to_telephone_speech(speech, 8000)).max() <= 0.89 * 32768


def test_what_is_below_the_telephone_band_is_taken_away() -> None:
    time = np.arange(16_000) / 8000
    hum = np.asarray(0.1 * np.sin(2 * np.pi * 50 * time), np.float32)
    samples = to_telephone_speech(
        hum + 0.1 * np.sin(2 * np.pi * 1000 * time, dtype=np.float32), 8000
    )
    spectrum = np.abs(np.fft.rfft(samples[:8000]))
    assert spectrum[50] < spectrum[1000] / 1000


def test_silence_is_cut_to_a_short_lead_in_and_lead_out() -> None:
    quiet = np.zeros(8000, np.float32)
    tone = np.full(1600, 0.5, np.float32)
    trimmed = trim_silence(np.concatenate([quiet, tone, quiet]))
    assert trimmed.size == 400 + 1600 + 1600
    assert np.flatnonzero(trimmed)[0] == 400


@pytest.mark.parametrize("size", [0, 1, 159, 8000])
def test_silence_is_nothing_to_be_heard(size: int) -> None:
    assert to_telephone_speech(np.zeros(size, np.float32), 8000).size == 0
    assert active_level(np.zeros(size, np.float32)) == float("-inf")
