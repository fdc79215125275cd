"""How strong frames are, and what they are in floating point: as numpy would say it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.engine import frame_floats, frame_power


def frames(
    count: int, seed: int, loudest: int = 32767
) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    chance = np.random.default_rng(seed)
    return chance.integers(-loudest - 1, loudest, (count, 160), dtype=np.int16, endpoint=True)


@given(st.integers(0, 40), st.integers(0, 1000), st.sampled_from([0, 1, 30, 5000, 32767]))
def test_the_power_is_the_mean_square(count: int, seed: int, loudest: int) -> None:
    samples = frames(count, seed, loudest)
    expected = np.mean((samples / 32768.0) ** 2, axis=1) if count else np.zeros(0)
    found = frame_power(samples)
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-5, atol=1e-12)


def test_the_loudest_frame_there_is_has_a_power_of_one() -> None:
    assert frame_power(np.full((1, 160), -32768, np.int16))[0] == pytest.approx(1.0)


@given(st.integers(1, 40), st.data())
def test_frames_are_picked_by_their_rows(count: int, data: st.DataObject) -> None:
    samples = frames(count, count)
    rows = np.array(data.draw(st.lists(st.integers(0, count - 1))), np.intp)
    assert np.array_equal(frame_floats(samples, rows), samples[rows].astype(np.float32) / 32768)


def test_what_are_no_frames_is_refused() -> None:
    good, rows = np.zeros((2, 160), np.int16), np.array([0], np.intp)
    wrong: tuple[Any, ...] = (
        np.zeros((2, 80), np.int16),
        np.zeros((2, 160), np.int32),
        np.zeros(160, np.int16),
    )
    for bad in wrong:
        with pytest.raises(ValueError, match="frames are"):
            frame_power(bad)
        with pytest.raises(ValueError, match="frames are"):
            frame_floats(bad, rows)
    for row in (-1, 2):
        with pytest.raises(IndexError, match="no such frame"):
            frame_floats(good, np.array([row], np.intp))
    with pytest.raises(ValueError, match="rows are"):
        frame_floats(good, np.array([0], np.int32))
