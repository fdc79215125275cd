import numpy as np

from media.speech.recognition.mel import BANDS, log_mel
from media.speech.recognition.wide import WIDE_RATE, widened


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time = np.arange(int(8000 * seconds)) / 8000
    return (0.1 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def test_a_column_is_ten_milliseconds() -> None:
    assert log_mel(np.zeros(8000, np.float32)).shape == (BANDS, 100)
    assert log_mel(np.zeros(8079, np.float32)).shape == (BANDS, 100)


def test_less_than_a_column_is_none() -> None:
    assert log_mel(np.zeros(79, np.float32)).shape == (BANDS, 0)


def test_a_higher_tone_is_in_a_higher_band() -> None:
    loudest = [int(log_mel(tone(hertz))[:, 20].argmax()) for hertz in (300, 1000, 2000, 3400)]
    assert loudest == sorted(set(loudest))
    # 15 mel is 1 kHz on Slaney's scale; 80 bands share the 45.2 mel up to 8 kHz.
    assert abs(loudest[1] - 15.0 / 45.245 * 81) <= 1


def test_nothing_is_more_than_eight_decades_below_the_loudest() -> None:
    mel = log_mel(tone(1000))
    assert np.isclose(mel.max() - mel.min(), 8.0 / 4.0)


def test_ten_times_the_level_is_two_decades_of_power() -> None:
    quiet, loud = log_mel(tone(1000)), log_mel(tone(1000) * 10)
    assert np.isclose(loud.max() - quiet.max(), 2.0 / 4.0, atol=0.01)


def test_widened_speech_is_twice_as_many_samples_of_the_same_tone() -> None:
    narrow = (tone(1000) * 32767).astype(np.int16)
    wide = widened(narrow)
    spectrum = np.abs(np.fft.rfft(wide.astype(float)))
    assert wide.size == 2 * narrow.size
    assert int(spectrum.argmax()) * WIDE_RATE / wide.size == 1000
    assert abs(int(wide.max()) - int(narrow.max())) < 200


def test_nothing_stays_nothing_when_widened() -> None:
    assert widened(np.zeros(0, np.int16)).size == 0
