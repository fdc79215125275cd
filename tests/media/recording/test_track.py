"""A channel's frames go where the wall clock says, without a seam."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.recording.track import STEP, Track, stretched
from tests.support.taped_sound import FRAME, SAMPLE_NS, block, click_places, clicks

SECOND = 8000


def laid(track: Track, *blocks_: object) -> dict[int, int]:
    """Every sample laid, by its place; asserts that none is laid twice."""
    found: dict[int, int] = {}
    for one in blocks_:
        for start, samples in track.place(one, 0):  # type: ignore[arg-type]
            for offset, sample in enumerate(samples.tolist()):
                assert start + offset not in found
                found[start + offset] = sample
    return found


def test_frames_in_step_are_laid_as_they_are() -> None:
    sound = np.arange(SECOND, dtype=np.int16)
    found = laid(Track(), block(sound, start_ns=400 * SAMPLE_NS))
    assert list(found) == list(range(400, 400 + SECOND))
    assert list(found.values()) == sound.tolist()


def test_a_gap_in_the_senders_time_stays_a_gap() -> None:
    one = np.full(FRAME, 5, np.int16)
    before = block(one)
    after = block(one, start_ns=3 * FRAME * SAMPLE_NS, position=3 * FRAME)
    found = laid(Track(), before, after)
    assert list(found) == [*range(FRAME), *range(3 * FRAME, 4 * FRAME)]


@pytest.mark.parametrize("ppm", [100.0, -100.0, 300.0])
def test_two_legs_whose_clocks_drift_stay_within_two_milliseconds_for_ten_minutes(
    ppm: float,
) -> None:
    """Each sender clicks once a second by the wall clock, seen by its own clock."""
    track = Track()
    worst = 0
    rate = SECOND * (1 + ppm * 1e-6)
    total = int(600 * rate) // SECOND * SECOND
    sound = np.zeros(total, np.int16)
    for second in range(1, 599):
        place = round(second * rate)
        sound[place : place + 4] = 20_000
    tape = np.zeros(601 * SECOND, np.int16)
    for first in range(0, total, SECOND):
        start_ns = round(first * SAMPLE_NS / (1 + ppm * 1e-6))
        part = block(sound[first : first + SECOND], start_ns=start_ns, position=first, ppm=ppm)
        for start, samples in track.place(part, 0):
            tape[start : start + len(samples)] = samples
    places = click_places(tape)
    assert len(places) == 598
    worst = int(np.abs(places - np.arange(1, 599) * SECOND).max())
    assert worst <= 16


def test_a_jump_of_the_delay_is_followed_at_once_and_nothing_is_laid_twice() -> None:
    one = np.full(10 * FRAME, 7, np.int16)
    later = (10 * FRAME + 2 * STEP) * SAMPLE_NS
    earlier = (20 * FRAME - STEP) * SAMPLE_NS
    found = laid(
        Track(),
        block(one),
        block(one, start_ns=later, position=10 * FRAME),
        block(one, start_ns=earlier, position=20 * FRAME),
    )
    assert min(set(range(2300)) - set(found)) == 10 * FRAME
    assert max(found) == 30 * FRAME - STEP - 1


def test_a_small_shift_of_the_delay_is_made_up_for_slowly() -> None:
    """30 ms, as a path that became longer: one sample a frame at most."""
    track = Track()
    shift = 240
    places = []
    for second in range(8):
        start_ns = (second * SECOND + (shift if second else 0)) * SAMPLE_NS
        part = block(np.full(SECOND, 9, np.int16), start_ns=start_ns, position=second * SECOND)
        (piece,) = track.place(part, 0)
        places.append(len(piece[1]))
    assert max(places) == SECOND + 50
    assert sum(places) == 8 * SECOND + shift


def test_another_source_takes_the_channel_over_where_it_belongs() -> None:
    track = Track()
    one = np.full(FRAME, 1, np.int16)
    other = np.full(FRAME, 2, np.int16)
    found = laid(
        track,
        block(one, position=50_000),
        block(other, source=2, start_ns=FRAME // 2 * SAMPLE_NS, position=0),
    )
    assert list(found.values()) == [1] * FRAME + [2] * (FRAME // 2)


def test_a_block_wholly_in_the_past_is_left_out() -> None:
    track = Track()
    one = np.full(4 * FRAME, 1, np.int16)
    laid(track, block(one))
    assert laid(track, block(one, source=2)) == {}


@given(
    st.integers(-50, 50),
    st.lists(st.integers(-32768, 32767), min_size=160, max_size=1600),
)
def test_stretching_changes_the_length_by_exactly_so_much(change: int, values: list[int]) -> None:
    sound = np.array(values, np.int16)
    made = stretched(sound, change)
    assert len(made) == len(sound) + change
    assert made.dtype == np.int16
    assert made.min() >= sound.min()
    assert made.max() <= sound.max()


def test_samples_are_put_in_where_the_sound_moves_least() -> None:
    sound = clicks(FRAME, 80, first=10)
    assert click_places(stretched(sound, 1)).size == 2
    assert np.count_nonzero(stretched(sound, 1)) == 8
    assert np.count_nonzero(stretched(sound, -1)) == 8


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(-800, 2000), st.integers(1, 30)),
        min_size=1,
        max_size=20,
    )
)
def test_whatever_the_times_say_pieces_go_forward_and_do_not_overlap(
    steps: list[tuple[int, int, int]],
) -> None:
    track = Track()
    at = position = end = 0
    for gap, jitter, count in steps:
        position += gap * FRAME
        at += gap * FRAME
        sound = np.ones(count * FRAME, np.int16)
        start_ns = max(0, at + jitter) * SAMPLE_NS
        for start, samples in track.place(block(sound, start_ns=start_ns, position=position), 0):
            assert start >= end
            end = start + len(samples)
        position += count * FRAME
        at += count * FRAME
