"""What campaigns have spent within an hour: minutes as they begin, and what is paid."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from softswitch.campaign.spend import SpendBook

CENT = Decimal("0.01")
HOUR = 3600.0


def test_a_leg_costs_each_minute_that_has_begun() -> None:
    book = SpendBook()
    book.begin("leg", "a", CENT, 0.0)
    assert book.spent("a", 0.0) == CENT
    assert book.spent("a", 59.9) == CENT
    assert book.spent("a", 60.0) == 2 * CENT
    assert book.spent("a", 600.0) == 11 * CENT
    book.end("leg", 601.0)
    assert book.spent("a", 1000.0) == 11 * CENT
    assert book.legs == 0


def test_campaigns_spend_for_themselves() -> None:
    book = SpendBook()
    book.begin("1", "a", CENT, 0.0)
    book.pay("b", Decimal(5), 0.0)
    assert (book.spent("a", 1.0), book.spent("b", 1.0)) == (CENT, Decimal(5))
    assert book.spent("c", 1.0) == 0


def test_what_is_an_hour_ago_counts_no_more() -> None:
    book = SpendBook()
    book.pay("a", Decimal(5), 10.0)
    book.pay("a", Decimal(3), 1800.0)
    assert book.spent("a", HOUR - 1.0) == 8
    assert book.spent("a", HOUR + 10.0) == 3
    assert book.spent("a", 3 * HOUR) == 0


def test_a_leg_that_never_began_ends_too() -> None:
    book = SpendBook()
    book.end("leg", 1.0)
    assert book.spent("a", 1.0) == 0


def test_sums_take_no_room_by_calls() -> None:
    book = SpendBook()
    for number in range(10_000):
        book.begin(str(number), "a", CENT, float(number))
        book.end(str(number), float(number) + 1.0)
    assert book.spent("a", 10_000.0) <= 61 * 60 * CENT
    assert len(book._sums["a"].minutes) <= 60
    assert len(book._due) <= 60


@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(0, 5000)), max_size=30))
def test_the_sum_is_that_of_the_minutes_begun_within_the_hour(legs: list[tuple[int, int]]) -> None:
    """Against a plain count of all minutes, at the end of it."""
    book = SpendBook()
    moments = sorted(
        [(begin, 0, number) for number, (begin, _) in enumerate(legs)]
        + [(begin + lasts, 1, number) for number, (begin, lasts) in enumerate(legs)]
    )
    for at, is_end, number in moments:
        if is_end:
            book.end(str(number), float(at))
        else:
            book.begin(str(number), "a", CENT, float(at))
    now = 12_300
    first = (now // 60 - 59) * 60
    begun = [
        at for begin, lasts in legs for at in range(begin, begin + lasts + 1, 60) if at >= first
    ]
    assert book.spent("a", float(now)) == len(begun) * CENT


# Other nodes.


def test_what_others_have_spent_counts_for_an_hour_after_it_was_heard() -> None:
    book = SpendBook()
    book.pay("a", CENT, 0.0)
    book.hear({"a": 2 * CENT, "b": CENT}, 10.0)
    assert (book.spent("a", 11.0), book.spent("b", 11.0)) == (3 * CENT, CENT)
    assert book.spent("b", HOUR + 11.0) == 0


def test_news_are_told_once_and_again_where_nobody_heard_them() -> None:
    book = SpendBook()
    book.is_shared = True
    book.begin("leg", "a", CENT, 30.0)
    first = book.news(30.0, most=10)
    assert first == [("a", 0, CENT)]
    assert book.news(30.0, most=10) == []
    book.tell_again(first)
    book.pay("a", CENT, 40.0)
    assert book.news(100.0, most=1) == [("a", 0, 2 * CENT)]
    assert book.news(100.0, most=1) == [("a", 1, CENT)]


def test_old_news_are_no_news() -> None:
    book = SpendBook()
    book.is_shared = True
    book.pay("a", CENT, 0.0)
    assert book.news(HOUR + 60.0, most=10) == []
    assert book.news(0.0, most=10) == []


def test_nobody_is_told_news_for_whom_nobody_asks() -> None:
    book = SpendBook()
    book.pay("a", CENT, 0.0)
    assert book.news(0.0, most=10) == []


def test_a_book_that_is_cleared_knows_nothing() -> None:
    book = SpendBook()
    book.is_shared = True
    book.begin("leg", "a", CENT, 0.0)
    book.hear({"a": CENT}, 0.0)
    book.clear()
    assert book.spent("a", 500.0) == Decimal(0)
    assert book.legs == 0
    assert book.news(500.0, most=10) == []
