"""Erlang's loss formula against its tables and its definition."""

from __future__ import annotations

from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpool.sizing import blocking_of, numbers_needed


@pytest.mark.parametrize(
    ("numbers", "load", "blocking"),
    # Loads that a group of so many lines carries at 1 %, as every table of Erlang B has them.
    [(1, 0.0101, 0.01), (5, 1.361, 0.01), (10, 4.461, 0.01), (20, 12.03, 0.01), (50, 37.90, 0.01)],
)
def test_tables(numbers: int, load: float, blocking: float) -> None:
    assert blocking_of(load, numbers) == pytest.approx(blocking, rel=0.01)


@given(st.floats(0.01, 20), st.integers(0, 30))
def test_the_definition(load: float, numbers: int) -> None:
    terms = [load**n / factorial(n) for n in range(numbers + 1)]
    assert blocking_of(load, numbers) == pytest.approx(terms[-1] / sum(terms))


@given(st.floats(0, 5000), st.floats(0, 3600), st.floats(0.0001, 0.5))
def test_the_pool_is_large_enough_and_not_larger(
    visits: float, seconds: float, blocking: float
) -> None:
    found = numbers_needed(visits, seconds, blocking)
    assert found.blocking <= blocking
    assert found.blocking == pytest.approx(blocking_of(found.load, found.numbers))
    if found.numbers > 1:
        assert blocking_of(found.load, found.numbers - 1) > blocking


@pytest.mark.parametrize(
    ("visits", "seconds", "blocking"), [(1, 1, 0), (1, 1, 1), (-1, 1, 0.1), (1, -1, 0.1)]
)
def test_what_makes_no_sense_is_refused(visits: float, seconds: float, blocking: float) -> None:
    with pytest.raises(ValueError, match=r"blocking|negative"):
        numbers_needed(visits, seconds, blocking)


def test_more_numbers_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1000000 numbers"):
        numbers_needed(1e9, 3600, 0.01)
