"""Voice by loudness above the noise of a leg."""

from __future__ import annotations

import numpy as np
import pytest

from media.voice.energy import (
    FIRST_FLOOR_DBFS,
    MINIMUM_NS,
    SILENCE_DBFS,
    EnergyActivity,
    level_of,
)

FRAME_NS = 20_000_000
ONE = np.array([0])


def hear(activity: EnergyActivity, level: float, seconds: float, *, from_ns: int = 0) -> float:
    """The last probability after so many seconds at a level."""
    likely = 0.0
    for frame in range(round(seconds * 50)):
        activity.turn(from_ns + frame * FRAME_NS)
        likely = float(activity.hear(ONE, np.array([level], np.float32))[0])
    return likely


def test_the_level_of_full_scale_is_zero_and_that_of_zeros_is_silence() -> None:
    assert level_of(np.array([1.0, 0.0], np.float32)) == pytest.approx([0.0, SILENCE_DBFS])


def test_who_speaks_at_once_is_heard_at_once() -> None:
    assert hear(EnergyActivity(), -25.0, 0.02) == 1.0


def test_silence_is_no_voice() -> None:
    assert hear(EnergyActivity(), SILENCE_DBFS, 1.0) == 0.0


def test_steady_noise_is_no_voice_once_it_is_known() -> None:
    activity = EnergyActivity()
    assert hear(activity, -38.0, 0.1) > 0.5
    assert hear(activity, -38.0, 3.5) == 0.0
    assert activity.floor_db[0] == pytest.approx(-38.0, abs=0.1)


def test_noise_that_begins_loud_is_known_as_steady_soon() -> None:
    activity = EnergyActivity()
    assert hear(activity, -25.0, 0.7) == 0.0
    assert activity.floor_db[0] == pytest.approx(-25.0, abs=0.5)


def test_a_held_vowel_is_taken_for_noise_until_it_falls_only() -> None:
    activity = EnergyActivity()
    hear(activity, -25.0, 0.7)
    hear(activity, -45.0, 0.1, from_ns=700_000_000)
    assert hear(activity, -25.0, 0.06, from_ns=800_000_000) == 1.0


def test_who_was_cut_off_in_a_word_is_heard_again_after_the_gap() -> None:
    activity = EnergyActivity()
    hear(activity, -70.0, 4.0)
    hear(activity, -22.0, 0.2, from_ns=4 * 10**9)
    for tenth in range(50):
        activity.turn(42 * 10**8 + tenth * 10**8)  # nothing comes
    assert hear(activity, -22.0, 0.1, from_ns=92 * 10**8) == 1.0


def test_voice_above_known_noise_is_voice() -> None:
    activity = EnergyActivity()
    hear(activity, -38.0, 3.5)
    assert hear(activity, -26.0, 0.04, from_ns=3_500_000_000) > 0.5


def test_speech_with_pauses_does_not_raise_the_noise() -> None:
    activity = EnergyActivity()
    for second in range(8):
        hear(activity, -22.0, 0.8, from_ns=second * 10**9)
        hear(activity, -60.0, 0.2, from_ns=second * 10**9 + 800_000_000)
    assert activity.floor_db[0] < -50.0
    assert hear(activity, -22.0, 0.04, from_ns=8 * 10**9) == 1.0


def test_the_hiss_of_a_codec_is_no_voice_after_digital_silence() -> None:
    activity = EnergyActivity()
    hear(activity, SILENCE_DBFS, 2 * MINIMUM_NS / 1e9 + 0.1)
    assert hear(activity, -59.0, 0.1, from_ns=4 * 10**9) < 0.35


def test_rows_are_kept_when_more_are_added_and_forgotten_when_reset() -> None:
    activity = EnergyActivity()
    hear(activity, -70.0, 4.0)
    activity.grow(256)
    assert activity.floor_db[0] == pytest.approx(-70.0, abs=0.1)
    assert activity.floor_db[255] == FIRST_FLOOR_DBFS
    activity.reset(0)
    assert activity.floor_db[0] == FIRST_FLOOR_DBFS


def test_legs_do_not_hear_each_other() -> None:
    together, alone = EnergyActivity(), EnergyActivity()
    slots = np.array([5, 2])
    for frame in range(200):
        levels = np.array([-30.0 - frame % 7, -90.0], np.float32)
        both = together.hear(slots, levels)
        single = alone.hear(slots[:1], levels[:1])
        assert both[0] == single[0]
        assert both[1] == 0.0
