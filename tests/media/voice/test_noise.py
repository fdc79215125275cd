"""A rise of the noise on a leg."""

from __future__ import annotations

import numpy as np
import pytest

from media.voice.noise import LASTS, LOOKS_A_SECOND, RISE_DB, Rise, RiseWatch

SLOT = np.array([2])


def look(watch: RiseWatch, level: float, seconds: float) -> list[Rise]:
    rises: list[Rise] = []
    for _ in range(round(seconds * LOOKS_A_SECOND)):
        rises += watch.hear(SLOT, np.array([level], np.float32))
    return rises


def test_noise_that_rises_and_stays_is_told_once() -> None:
    watch = RiseWatch()
    assert look(watch, -60.0, 10) == []
    (rise,) = look(watch, -40.0, 30)
    assert rise.slot == 2
    assert rise.level_db == pytest.approx(-40.0)
    assert rise.before_db == pytest.approx(-60.0)


def test_noise_that_does_not_last_is_not_told() -> None:
    watch = RiseWatch()
    look(watch, -60.0, 10)
    assert look(watch, -30.0, (LASTS - 1) / LOOKS_A_SECOND) == []
    assert look(watch, -60.0, 10) == []


def test_a_smaller_rise_is_not_told() -> None:
    watch = RiseWatch()
    look(watch, -60.0, 10)
    assert look(watch, -60.0 + RISE_DB - 1.0, 30) == []


def test_a_rise_over_minutes_is_not_told() -> None:
    watch = RiseWatch()
    look(watch, -60.0, 10)
    for step in range(240):
        assert look(watch, -60.0 + step / 8, 1) == []


def test_a_leg_tells_it_once_a_minute_at_most() -> None:
    watch = RiseWatch()
    look(watch, -60.0, 10)
    assert len(look(watch, -40.0, 10)) == 1
    assert look(watch, -20.0, 40) == []
    assert len(look(watch, -20.0, 20)) == 1


def test_from_digital_silence_to_a_quiet_room_is_no_rise() -> None:
    watch = RiseWatch()
    look(watch, -100.0, 10)
    assert look(watch, -55.0, 30) == []


def test_a_slot_that_is_used_again_has_no_past() -> None:
    watch = RiseWatch()
    look(watch, -60.0, 10)
    watch.reset(2)
    assert look(watch, -30.0, 30) == []
