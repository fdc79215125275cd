"""Tones that carry a frame, so that there is no speech in it."""

from __future__ import annotations

import numpy as np
import pytest

from media import SAMPLE_RATE
from media.detection.detectors import ToneDetectors
from media.tones import TONE_PLANS, render
from tests.support.tone_lines import Sound, key, rounds, silence, sine

LEAST_FRAMES = 4


def tonal(line: Sound) -> list[bool]:
    """Frame by frame."""
    detectors = ToneDetectors()
    detectors.open(0)
    return [one.tonal[0] for one in rounds(detectors, [line])]


@pytest.mark.parametrize(
    "sound",
    [
        sine(440, 1) + sine(480, 1),
        sine(480, 1) + sine(620, 1),
        sine(425, 1),
        sine(350, 1) + sine(440, 1),
        sine(1100, 1),
        sine(2100, 1),
        key("8", 1),
        render(TONE_PLANS["gb"].busy)[:2400] / 32768,
    ],
)
def test_a_tone_that_lasts_is_one_from_its_fourth_frame_to_its_end(sound: Sound) -> None:
    found = tonal(np.concatenate([sound[: sound.size // 160 * 160], silence(0.2)]))
    frames = sound.size // 160
    assert all(found[LEAST_FRAMES : frames - 1])
    assert not any(found[: LEAST_FRAMES - 1])
    assert not any(found[frames + 1 :])


def test_noise_and_gliding_harmonics_are_none() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * (150 * time + 15 * np.sin(2 * np.pi * 1.5 * time))
    voice = sum(np.sin(n * phase) / n for n in range(1, 12)) * 0.1
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    assert not any(tonal(rng.normal(0, 0.1, 2 * SAMPLE_RATE)))
    assert np.mean(tonal(np.asarray(voice * swell))) < 0.02


def test_what_is_quiet_is_none() -> None:
    assert not any(tonal(sine(440, 1, -60.0)))
