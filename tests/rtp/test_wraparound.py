from hypothesis import given
from hypothesis import strategies as st

from rtp.wraparound import TimestampExtender, sequence_distance, timestamp_distance


@given(st.integers(0, 2**40), st.integers(-0x8000, 0x7FFF))
def test_sequence_distance_is_that_of_numbers_that_do_not_wrap(start: int, step: int) -> None:
    assert sequence_distance((start + step) & 0xFFFF, start & 0xFFFF) == step


@given(st.integers(0, 2**40), st.integers(-(2**31), 2**31 - 1))
def test_timestamp_distance_is_that_of_numbers_that_do_not_wrap(start: int, step: int) -> None:
    assert timestamp_distance((start + step) & 0xFFFFFFFF, start & 0xFFFFFFFF) == step


@given(st.integers(0, 0xFFFFFFFF), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=30))
def test_an_extender_follows_numbers_that_do_not_wrap(first: int, steps: list[int]) -> None:
    extender = TimestampExtender()
    position = first
    assert extender.extend(first) == first
    for step in steps:
        position += step
        assert extender.extend(position & 0xFFFFFFFF) == position
