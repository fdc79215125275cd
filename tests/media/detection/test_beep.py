"""The beep of an answering machine."""

from __future__ import annotations

import numpy as np
import pytest

from media import SAMPLE_RATE
from media.detection.detectors import ToneDetectors
from tests.support.tone_lines import FRAME, Sound, key, rounds, silence, sine


def hear(line: Sound, *, noise_db: float | None = None, lost: tuple[int, ...] = ()) -> list[float]:
    """When a beep was over, in seconds to the end of the frame that said it."""
    detectors = ToneDetectors()
    detectors.open(0, beep=True)
    heard = rounds(detectors, [line], noise_db=noise_db, lost=lost)
    return [(one.number + 1) * FRAME / SAMPLE_RATE for one in heard if one.beep[0]]


@pytest.mark.parametrize("frequency", [400, 440, 850, 1000, 1400, 2000, 2100])
@pytest.mark.parametrize("seconds", [0.15, 0.5, 1.95])
@pytest.mark.parametrize("noise_db", [None, 20.0, 12.0])
def test_a_beep_is_told_once_when_it_is_over(
    frequency: float, seconds: float, noise_db: float | None
) -> None:
    line = np.concatenate([silence(0.21), sine(frequency, seconds), silence(0.5)])
    (at,) = hear(line, noise_db=noise_db)
    assert 0 <= at - (0.21 + seconds) <= 3 * FRAME / SAMPLE_RATE


def test_a_lost_packet_in_or_behind_a_beep_does_not_hide_it() -> None:
    line = np.concatenate([silence(0.2), sine(1000, 0.4), silence(0.5)])
    for lost in (12, 20, 29, 30):
        assert len(hear(line, lost=(lost,))) == 1


@pytest.mark.parametrize(
    "sound",
    [
        sine(1000, 0.06),
        sine(1000, 2.5),
        sine(300, 0.5),
        sine(2400, 0.5),
        sine(480, 0.5) + sine(620, 0.5),
        key("5", 0.5),
        np.random.default_rng(1).normal(0, 0.1, 4000),
    ],
    ids=["short", "long", "low", "high", "busy", "key", "noise"],
)
def test_what_is_no_single_tone_of_its_length_is_no_beep(sound: Sound) -> None:
    assert hear(np.concatenate([silence(0.2), sound, silence(0.5)])) == []


def test_a_tone_into_which_somebody_speaks_on_is_no_beep() -> None:
    babble = np.random.default_rng(2).normal(0, 0.2, 4000)
    assert hear(np.concatenate([silence(0.2), sine(1000, 0.5), babble])) == []


def test_a_whistle_that_glides_is_no_beep() -> None:
    time = np.arange(4000) / SAMPLE_RATE
    glide = 0.2 * np.sin(2 * np.pi * (600 * time + 800 * time**2))
    assert hear(np.concatenate([silence(0.2), glide, silence(0.5)])) == []
