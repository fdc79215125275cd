import numpy as np
import pytest
from numpy.typing import NDArray

from media.resample import to_telephone_rate


def sine(frequency: float, rate: int, seconds: float = 0.5) -> NDArray[np.float32]:
    time = np.arange(int(rate * seconds)) / rate
    return np.asarray(10000 * np.sin(2 * np.pi * frequency * time), np.float32)


RATES = (6000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 7999)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_in_the_pass_band_keeps_frequency_level_and_phase(rate: int) -> None:
    converted = to_telephone_rate(sine(1000, rate), rate)
    expected = sine(1000, 8000)
    middle = slice(400, 3600)
    difference = converted[: expected.size][middle] - expected[middle]
    assert np.abs(difference).max() < 10000 * 0.002


@pytest.mark.parametrize("rate", [r for r in RATES if r > 10000])
def test_a_tone_above_the_telephone_band_does_not_fold_back(rate: int) -> None:
    """5 kHz would come back as 3 kHz."""
    converted = to_telephone_rate(sine(5000, rate), rate)[400:-400]
    assert np.abs(converted).max() < 10000 * 10 ** (-60 / 20)


@pytest.mark.parametrize("rate", RATES)
def test_a_constant_stays_that_constant(rate: int) -> None:
    converted = to_telephone_rate(np.full(rate, 1234, np.float32), rate)
    assert np.allclose(converted[800:-800], 1234, rtol=1e-4)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_length_is_that_of_the_sound_rounded_up(rate: int, size: int) -> None:
    assert to_telephone_rate(np.zeros(size, np.float32), rate).size == -(-size * 8000 // rate)


def test_telephone_rate_is_left_alone() -> None:
    samples = sine(1000, 8000)
    assert to_telephone_rate(samples, 8000) is samples


def test_nothing_becomes_nothing() -> None:
    assert to_telephone_rate(np.zeros(0, np.float32), 48000).size == 0
