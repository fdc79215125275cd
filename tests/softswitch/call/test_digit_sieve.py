"""Keys that are told in several ways count once, and twice when they were pressed twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.call.digit_sieve import MAX_HELD_SECONDS, MAX_PRESSES, WINDOW_SECONDS, DigitSieve

Report = tuple[str, str, float]


def sifted(*reports: Report) -> str:
    sieve = DigitSieve()
    return "".join(digit for digit, source, at in reports if sieve.is_new(digit, source, now=at))


def test_a_key_told_in_three_ways_is_one_key() -> None:
    assert sifted(("5", "inband", 0.05), ("5", "rfc4733", 0.06), ("5", "info", 0.4)) == "5"


def test_a_key_pressed_twice_quickly_is_two_keys_in_two_ways_each() -> None:
    told = (("1", "rfc4733", 0.0), ("1", "info", 0.1), ("1", "rfc4733", 0.2), ("1", "info", 0.3))
    assert sifted(*told) == "11"
    late = (("1", "rfc4733", 0.0), ("1", "rfc4733", 0.2), ("1", "info", 0.5), ("1", "info", 0.6))
    assert sifted(*late) == "11"


def test_one_way_alone_is_never_sieved() -> None:
    assert sifted(*(("1", "info", 0.01 * i) for i in range(20))) == "1" * 20


def test_another_digit_is_another_key() -> None:
    assert sifted(("1", "rfc4733", 0.0), ("2", "info", 0.1)) == "12"


def test_after_the_window_it_is_another_key() -> None:
    assert sifted(("1", "rfc4733", 0.0), ("1", "info", WINDOW_SECONDS)) == "1"
    assert sifted(("1", "rfc4733", 0.0), ("1", "info", WINDOW_SECONDS + 0.01)) == "11"


def test_what_is_told_when_the_key_is_let_go_is_the_key_that_was_told_when_it_went_down() -> None:
    sieve = DigitSieve()
    assert sieve.is_new("1", "rfc4733", now=0.0)
    assert not sieve.is_new("1", "info", now=3.2, held=3.0)
    assert sieve.is_new("2", "rfc4733", now=4.0)
    assert sieve.is_new("2", "info", now=4.5 + MAX_HELD_SECONDS + WINDOW_SECONDS, held=1e9)
    assert sieve.is_new("3", "rfc4733", now=50.0)
    assert sieve.is_new("3", "info", now=52.0, held=-5.0)


def test_who_sends_events_is_not_heard_pressing_keys() -> None:
    told = (("1", "inband", 0.0), ("1", "rfc4733", 0.1), ("2", "inband", 5.0), ("3", "info", 9.0))
    assert sifted(*told) == "13"


def test_it_is_known_whether_there_is_but_one_way() -> None:
    sieve = DigitSieve()
    assert sieve.is_only("info")
    sieve.is_new("1", "info", now=0.0)
    assert sieve.is_only("info")
    sieve.is_new("1", "inband", now=0.1)
    assert not sieve.is_only("info")


def test_a_press_knows_by_which_ways_it_was_told() -> None:
    sieve = DigitSieve()
    sieve.is_new("1", "info", now=0.0)
    press = sieve.newest
    assert press.sources == {"info"}
    sieve.is_new("1", "rfc4733", now=0.3)
    assert press.sources == {"info", "rfc4733"}


WAYS = ("rfc4733", "info")
PRESSES = st.lists(st.tuples(st.sampled_from("12#"), st.floats(0.06, 2.0)), max_size=20)
DELAYS = st.lists(st.floats(0.0, 0.9), min_size=20, max_size=20)


@given(PRESSES, DELAYS)
def test_the_keys_are_those_that_were_pressed_whatever_the_delay_of_the_second_way(
    presses: Sequence[tuple[str, float]], delays: Sequence[float]
) -> None:
    at, reports, behind = 0.0, [], 0.0
    for (digit, gap), delay in zip(presses, delays, strict=False):
        at += gap
        # One way keeps its order: SIP by CSeq.
        behind = max(behind, at + delay)
        reports += [(at, 0, digit, WAYS[0]), (behind, 1, digit, WAYS[1])]
    late = any(told - pressed > WINDOW_SECONDS for pressed, told in _pairs(reports))
    if not late:
        told = sifted(*((digit, way, when) for when, _, digit, way in sorted(reports)))
        assert sorted(told) == sorted(digit for digit, _ in presses)


def _pairs(reports: Sequence[tuple[float, int, str, str]]) -> list[tuple[float, float]]:
    return [(a[0], b[0]) for a, b in zip(reports[::2], reports[1::2], strict=True)]


@pytest.mark.parametrize("count", [MAX_PRESSES, 10 * MAX_PRESSES])
def test_what_is_remembered_is_bounded(count: int) -> None:
    sieve = DigitSieve()
    for _ in range(count):
        assert sieve.is_new("1", "info", now=0.0)
    told = sum(not sieve.is_new("1", "rfc4733", now=0.1) for _ in range(count))
    assert told == MAX_PRESSES
