"""Numbers of pools, looked up when a call comes: bound, free, of a stock, overflow, reserved."""

from __future__ import annotations

from datetime import UTC, datetime

from ringpool.live import LiveBindings
from ringpool.lookup import NumberMatch, NumberTable
from ringpool.values import Binding, Ended, LiveChange
from tests.support.configurations import loaded

OWN, GROWN, SPARE, OVERFLOW = "+18888695345", "+18001238888", "+18001239999", "+18001234444"

TEXT = """\
switch: {time_zone: America/Los_Angeles}
trunks: {a: h}
stocks: {main: [+1 800 123 8888, +1 800 123 9999]}
pools:
  ads:
    parameters: [website, path]
    campaign: sale
    publisher: press
    numbers: [+1 888 869 5345]
    maximum_size: 3
    overflow: +1 800 123 4444
    ends: 2030-12-31
    reserve: {time: 2 days, treatment: sorry}
campaigns: {sale: {treatment: t, publisher: radio}}
treatments: {t: [hang_up], sorry: [hang_up]}
"""
LAST_MOMENT = datetime(2031, 1, 1, 8, tzinfo=UTC).timestamp()
"""Midnight in Los Angeles."""
DAY = 86400.0


def binding(name: str, *values: str, publisher: str | None = None, at: float = 100.0) -> Binding:
    return Binding(name, "acme", publisher, values, at, at)


def live(**cooldowns: float) -> LiveBindings:
    table = LiveBindings(cooldowns)
    table.apply(
        [
            LiveChange("ads", OWN, True, binding("b1", "one", "home")),
            LiveChange("ads", GROWN, True, binding("b2", "one", "page3", publisher="p7")),
        ]
    )
    return table


def find(
    called: str, *, at: float | None = 200.0, table: LiveBindings | None = None, text: str = TEXT
) -> NumberMatch | None:
    return NumberTable(loaded(text), live() if table is None else table).find(called, at=at)


def test_a_call_to_a_bound_number_carries_its_binding() -> None:
    assert find("8888695345") == NumberMatch(
        number=OWN,
        called="8888695345",
        campaign="sale",
        publisher="press",
        pool="ads",
        binding={"website": "one", "path": "home"},
        pattern=OWN,
        refuse=None,
        binding_id="b1",
        owner="acme",
    )


def test_a_number_taken_from_the_stock_is_live_for_its_pool() -> None:
    match = find("sip:+18001238888@192.0.2.1")
    assert match is not None
    assert (match.campaign, match.pool, match.publisher) == ("sale", "ads", "p7")
    assert match.binding == {"website": "one", "path": "page3"}


def test_a_number_that_is_in_the_stock_is_not_live() -> None:
    assert find(SPARE) is None
    assert find(GROWN, table=LiveBindings({})) is None


def test_a_number_of_the_pool_without_a_binding_is_live_and_stands_for_nothing() -> None:
    match = find(OWN, table=LiveBindings({}))
    assert match is not None
    assert (match.pool, match.binding, match.binding_id) == ("ads", {}, None)


def test_the_overflow_number_says_that_the_pool_ran_out() -> None:
    match = find("800 123 4444")
    assert match is not None
    assert (match.overflow, match.pool, match.campaign, match.binding) == (True, "ads", "sale", {})
    assert match.publisher == "press"


def test_a_late_call_goes_to_the_earlier_binding_and_says_so() -> None:
    table = live(ads=60.0)
    earlier = Ended(OWN, binding("b1", "one", "home"), 150.0, "rebound")
    table.apply([LiveChange("ads", OWN, True, binding("b3", "two", "x", at=150.0), (earlier,))])
    found = [find(OWN, at=at, table=table) for at in (149.0, 150.0, 209.0, 210.0)]
    assert [(one.binding_id, one.late, one.binding["path"]) for one in found if one] == [
        ("b1", False, "home"),
        ("b1", True, "home"),
        ("b1", True, "home"),
        ("b3", False, "x"),
    ]


def test_after_the_end_of_a_pool_its_numbers_get_the_treatment_of_the_reserve() -> None:
    for number in (OWN, GROWN):
        last, first = find(number, at=LAST_MOMENT - 1), find(number, at=LAST_MOMENT)
        assert last is not None
        assert first is not None
        assert (last.treatment, first.treatment) == (None, "sorry")
        assert find(number, at=LAST_MOMENT + 2 * DAY - 1) is not None
        assert find(number, at=LAST_MOMENT + 2 * DAY) is None


def test_without_a_treatment_numbers_of_an_ended_pool_are_not_live() -> None:
    text = TEXT.replace("    reserve: {time: 2 days, treatment: sorry}\n", "")
    assert find(OWN, at=LAST_MOMENT - 1, text=text) is not None
    assert find(OWN, at=LAST_MOMENT, text=text) is None
    text = TEXT.replace(", treatment: sorry", "")
    assert find(GROWN, at=LAST_MOMENT, text=text) is None


def test_the_overflow_number_of_an_ended_pool_stays_live() -> None:
    assert find(OVERFLOW, at=LAST_MOMENT + 9 * DAY) is not None


def test_a_number_in_a_list_is_found_before_one_of_the_same_digits_in_a_pattern() -> None:
    text = TEXT + "numbers: {+1800123xxxx: sale}\n"
    match = find(GROWN, text=text)
    assert match is not None
    assert match.pool == "ads"
    spare = find(SPARE, text=text)
    assert spare is not None
    assert (spare.pool, spare.pattern) == (None, "+1800123XXXX")


def test_a_binding_of_a_pool_that_is_gone_is_nobodys() -> None:
    table = LiveBindings({})
    table.apply([LiveChange("gone", GROWN, True, binding("b", "x"))])
    assert find(GROWN, table=table) is None
