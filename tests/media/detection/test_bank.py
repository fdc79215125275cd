"""The tone bank, closer looks, and the rows that state is kept in."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from media.detection.bank import (
    BANK,
    FRAME,
    Bank,
    BankFrames,
    dominant_tone,
    kept_when_off,
    single_tone,
)
from media.detection.slots import MAX_SLOTS, SlotState, size_for
from tests.support.tone_lines import Sound, sine

Floats = NDArray[np.float32]


def frame(*sounds: Sound) -> Floats:
    return np.array([np.sum(sounds, axis=0)[:FRAME]], np.float32)


def heard(floats: Floats, valid: NDArray[np.bool_] | None = None) -> BankFrames:
    valid = np.ones(floats.shape, np.bool_) if valid is None else valid
    floats = floats * valid
    power = np.einsum("ij,ij->i", floats, floats) / np.float32(FRAME)
    return Bank().hear(floats, power, valid, np.asarray(valid.all(axis=1)))


@pytest.mark.parametrize("frequency", BANK)
def test_a_tone_of_the_bank_has_its_mean_square_in_its_row(frequency: float) -> None:
    frames = heard(frame(sine(frequency, 0.02)))
    assert frames.tones[BANK.index(frequency), 0] == pytest.approx(frames.power[0], rel=0.1)


def test_what_is_missing_of_a_frame_is_made_up_for() -> None:
    floats = frame(sine(1336.0, 0.02))
    valid = np.ones((1, FRAME), np.bool_)
    valid[:, :60] = False
    frames, whole = heard(floats, valid), heard(floats)
    assert frames.usable is not None
    assert frames.usable.tolist() == [True]
    assert frames.power[0] == pytest.approx(whole.power[0], rel=0.1)
    row = BANK.index(1336.0)
    assert frames.tones[row, 0] == pytest.approx(whole.tones[row, 0], rel=0.1)


def test_a_frame_of_which_less_than_half_arrived_says_nothing() -> None:
    valid = np.zeros((1, FRAME), np.bool_)
    valid[:, :70] = True
    frames = heard(frame(sine(1336.0, 0.02)), valid)
    assert frames.usable is not None
    assert not frames.usable.any()
    assert not frames.tones.any()
    assert frames.power[0] == 0


@pytest.mark.parametrize("off", [-40.0, -12.5, 0.0, 3.0, 45.0])
def test_a_closer_look_finds_frequency_and_share(off: float) -> None:
    frequency, share, _ = single_tone(frame(sine(1100 + off, 0.02)), 1100.0)
    assert frequency[0] == pytest.approx(1100 + off, abs=3)
    assert share[0] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("frequency", [400.0, 1003.0, 1999.0])
def test_the_tone_that_carries_a_frame_is_found_wherever_it_is(frequency: float) -> None:
    floats = frame(sine(frequency, 0.02))
    power = np.mean(floats**2, axis=1)
    found, share = dominant_tone(floats, power, lowest=390.0, highest=2120.0)
    assert found[0] == pytest.approx(frequency, abs=6)
    assert share[0] > 0.9


def test_noise_is_carried_by_no_tone() -> None:
    floats = np.random.default_rng(1).normal(0, 0.1, (50, FRAME)).astype(np.float32)
    power = np.mean(floats**2, axis=1)
    _, share = dominant_tone(floats, power, lowest=390.0, highest=2120.0)
    assert share.max() < 0.5


def test_the_series_for_what_is_lost_off_frequency_is_near() -> None:
    off = np.linspace(-50, 50, 101).astype(np.float32)
    assert np.allclose(kept_when_off(off), np.sinc(off * 0.01) ** 2, atol=0.002)


def test_rows_grow_with_what_is_in_them_and_reset_to_what_was_declared() -> None:
    state = SlotState(2, count=(np.int32, 7), pair_each=(np.float32, 1.5))
    state["count"][3] = 1
    state["pair_each"][3] = 4
    state.grow(1000)
    assert len(state) == 1024
    assert state["count"][[3, 999]].tolist() == [1, 7]
    assert state["pair_each"][3].tolist() == [4, 4]
    state.reset(3)
    assert state["count"][3] == 7
    assert state["pair_each"][3].tolist() == [1.5, 1.5]


def test_there_is_an_end_to_growing() -> None:
    assert size_for(MAX_SLOTS) == MAX_SLOTS
    with pytest.raises(ValueError, match="more than"):
        size_for(MAX_SLOTS + 1)
