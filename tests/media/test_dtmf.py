"""Push-button tones: each key is its two frequencies, and nothing else."""

import numpy as np
import pytest

from media import SAMPLE_RATE, dtmf


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_a_key_is_its_two_frequencies_at_one_level(digit: str) -> None:
    samples = dtmf.render(digit, seconds=0.1, gap=0.06).astype(float)
    spectrum = np.abs(np.fft.rfft(samples[:800] * np.hanning(800)))
    frequencies = np.fft.rfftfreq(800, 1 / SAMPLE_RATE)
    low, high = dtmf.FREQUENCIES[digit]
    at_low, at_high = (spectrum[np.abs(frequencies - one).argmin()] for one in (low, high))
    assert abs(20 * np.log10(at_low / at_high)) < 4, "the twist that Q.24 allows"
    others = spectrum[(np.abs(frequencies - low) > 40) & (np.abs(frequencies - high) > 40)]
    assert others.max() < 0.05 * min(at_low, at_high)


def test_keys_follow_each_other_with_silence_between() -> None:
    samples = dtmf.render("12", seconds=0.1, gap=0.06)
    assert samples.size == 2 * 1280
    assert not samples[800:1280].any()
    assert samples[1280:2080].any()
    assert np.abs(samples).max() < 32767


def test_all_sixteen_keys_are_there_and_no_others() -> None:
    assert "".join(sorted(dtmf.DIGITS)) == "#*0123456789ABCD"
    with pytest.raises(KeyError):
        dtmf.render("E")
