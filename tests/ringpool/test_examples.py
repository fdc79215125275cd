"""The custom pool and the search pool of the product's second call, step by step, in the core."""

from __future__ import annotations

import itertools

import pytest

from config.model import RecyclingPolicy
from ringpool.core import CallCount, allocate, count_calls, release, wanted
from ringpool.state import PoolState
from ringpool.sweep import sweep
from ringpool.values import Answer, HeldNumber, PoolRules, Request, Spare

_ids = itertools.count()
MINUTE = 60.0
DAY = 86400.0


class Hand:
    """A pool with the time and a stock in the hand."""

    def __init__(self, rules: PoolRules, own: list[str], stock: list[Spare] | None = None) -> None:
        self.now = 0.0
        self.stock = stock or []
        self.state = PoolState(rules, [HeldNumber(n, i) for i, n in enumerate(own)])

    def ask(self, *values: str, owner: str = "", draw: float = 0.0, **attributes: str) -> Answer:
        binding_id = f"b{next(_ids)}"
        request = Request(owner, values, binding_id, None, attributes, draw)
        sweep(self.state, now=self.now)
        wishes = wanted(self.state, [request], now=self.now)
        spares = self.stock if wishes else []
        return allocate(self.state, request, spares, now=self.now)

    def number(self, *values: str, owner: str = "", draw: float = 0.0) -> str | None:
        return self.ask(*values, owner=owner, draw=draw).number

    def call(self, number: str, calls: int = 1) -> None:
        binding = self.state.numbers[number].binding
        assert binding is not None
        count_calls(self.state, [CallCount(number, binding.binding_id, calls, self.now)])


def test_the_custom_pool_grows_for_new_values_and_keeps_the_number_of_known_ones() -> None:
    rules = PoolRules("Ad Placement", stock="toll free", maximum_size=2)
    pool = Hand(rules, ["+18888695345"], [Spare("+18001238888")])
    first = pool.ask("one", "footer", "home")
    assert (first.number, first.kind) == ("+18888695345", "free")
    second = pool.ask("one", "footer", "page3")
    assert (second.number, second.kind) == ("+18001238888", "grown")
    again = pool.ask("one", "footer", "home")
    assert (again.number, again.kind) == ("+18888695345", "same")
    assert again.binding == first.binding
    assert pool.stock == []


SEARCH = PoolRules("Paid Search", kind="search", overflow="+18001234444")
FOUR = ["+18001231111", "+18001232222", "+18001233333", "+18001235555"]


def test_the_search_pool_replaces_the_least_active_of_those_older_than_ten_minutes() -> None:
    pool = Hand(SEARCH, FOUR)
    assert pool.number("Local Newspaper", "Google") == "+18001231111"
    assert pool.number("Local Newspaper", "Yahoo") == "+18001232222"
    assert pool.number("Local Newspaper", "Google") == "+18001231111"
    pool.now = 5 * MINUTE
    assert pool.number("Local Newspaper", "Bing") == "+18001233333"
    assert pool.number("Sunday Paper", "Google") == "+18001235555"
    # None is free and none is older than ten minutes.
    full = pool.ask("Sunday Paper", "Yahoo")
    assert (full.number, full.kind, full.why) == ("+18001234444", "overflow", "exhausted")
    # Two are older than ten minutes; of these the second had fewer calls.
    pool.call("+18001231111", calls=2)
    pool.call("+18001232222")
    pool.now = 10 * MINUTE
    rebound = pool.ask("Sunday Paper", "Yahoo")
    assert (rebound.number, rebound.kind) == ("+18001232222", "rebound")
    # The first is the only one left that is old enough, whoever was called less.
    assert pool.number("Sunday Paper", "Bing") == "+18001231111"
    assert pool.ask("Weekly", "Google").overflow
    assert pool.number("Sunday Paper", "Yahoo") == "+18001232222"


def test_a_binding_can_be_replaced_at_the_minimum_lifetime_and_not_before() -> None:
    pool = Hand(SEARCH, FOUR[:1])
    pool.ask("a", "Google")
    pool.now = 599.999
    assert pool.ask("b", "Google").overflow
    pool.now = 600.0
    assert pool.ask("b", "Google").kind == "rebound"


def test_requests_and_calls_do_not_make_a_binding_younger() -> None:
    pool = Hand(SEARCH, FOUR[:1])
    pool.ask("a", "Google")
    pool.now = 599.0
    pool.ask("a", "Google")
    pool.call(FOUR[0])
    pool.now = 600.0
    assert pool.ask("b", "Google").kind == "rebound"


def test_without_a_threshold_a_binding_is_never_too_young() -> None:
    pool = Hand(PoolRules("p", minimum_lifetime=None), FOUR[:1])
    assert [pool.number(value) for value in "abc"] == [FOUR[0]] * 3


def test_the_same_values_of_another_owner_get_another_number() -> None:
    pool = Hand(SEARCH, FOUR)
    assert pool.number("a", "b", owner="acme") != pool.number("a", "b", owner="bricks")


def test_values_are_not_joined_before_they_are_compared() -> None:
    pool = Hand(SEARCH, FOUR)
    assert pool.number("a,b", "c") != pool.number("a", "b,c")


@pytest.mark.parametrize(
    ("policy", "draw", "expected"),
    [
        ("least_active", 0.0, "+18001232222"),
        ("most_active", 0.0, "+18001233333"),
        ("oldest", 0.0, "+18001231111"),
        ("newest", 0.0, "+18001233333"),
        ("round_robin", 0.0, "+18001231111"),
        # Weights 1/2, 1 and 1/4 of 7/4.
        ("weighted", 0.28, "+18001231111"),
        ("weighted", 0.29, "+18001232222"),
        ("weighted", 0.85, "+18001232222"),
        ("weighted", 0.86, "+18001233333"),
        ("weighted", 0.999, "+18001233333"),
    ],
)
def test_policies(policy: RecyclingPolicy, draw: float, expected: str) -> None:
    pool = Hand(PoolRules("p", policy=policy), FOUR[:3])
    for value, calls in (("a", 1), ("b", 0), ("c", 3)):
        number = pool.number(value)
        assert number is not None
        if calls:
            pool.call(number, calls)
        pool.now += MINUTE
    pool.now = 20 * MINUTE
    assert pool.number("d", draw=draw) == expected


def test_round_robin_goes_around() -> None:
    pool = Hand(PoolRules("p", policy="round_robin", minimum_lifetime=None), FOUR)
    for value in "abcd":
        pool.ask(value)
    assert [pool.number(value) for value in "efghi"] == [*FOUR, FOUR[0]]


def test_ties_go_to_the_binding_unused_longest_then_to_the_lower_number() -> None:
    pool = Hand(PoolRules("p"), FOUR[:3])
    for value in "abc":
        pool.ask(value)
    pool.now = 5 * MINUTE
    pool.ask("a")
    pool.now = 20 * MINUTE
    assert [pool.number(value) for value in "def"] == [FOUR[1], FOUR[2], FOUR[0]]


def test_a_released_number_is_used_again_only_after_all_that_were_never_used() -> None:
    pool = Hand(SEARCH, FOUR[:3])
    pool.ask("a", "x")
    release(pool.state, FOUR[0], why="released", now=pool.now)
    assert [pool.number(v, "x") for v in "bcd"] == [FOUR[1], FOUR[2], FOUR[0]]


def test_somebody_who_comes_back_gets_the_same_number_while_it_is_free() -> None:
    pool = Hand(SEARCH, FOUR[:3])
    pool.ask("a", "x")
    release(pool.state, FOUR[0], why="released", now=pool.now)
    assert pool.number("a", "x") == FOUR[0]


# Attributes.


def test_a_request_gets_a_number_as_it_asked_for_or_none() -> None:
    spares = [
        Spare("+16025550001", 0, {"area_code": "602", "toll_free": "no"}),
        Spare("+18005550002", 1, {"area_code": "800", "toll_free": "yes", "vanity": "flowers"}),
        Spare("+18005550003", 2, {"area_code": "800", "toll_free": "yes"}),
    ]
    rules = PoolRules("p", stock="s", maximum_size=3, attributes={"toll_free": "yes"})
    pool = Hand(rules, [], spares)
    assert pool.ask("a").number == "+18005550002"  # as the pool wants it
    assert pool.ask("b", area_code="303").overflow
    assert pool.ask("c", toll_free="no").number == "+16025550001"  # as the request does
    assert pool.ask("d", vanity="flowers").overflow  # taken, and too young
    pool.now = 20 * MINUTE
    assert pool.ask("d", vanity="flowers").kind == "rebound"


# Exclusive pools.


def test_an_exclusive_binding_is_not_replaced_however_old() -> None:
    pool = Hand(PoolRules("p", kind="exclusive", overflow="+1"), FOUR[:1])
    pool.ask("visitor 1")
    pool.now = 1000 * DAY
    assert pool.ask("visitor 2").overflow
    assert pool.number("visitor 1") == FOUR[0]


def test_an_exclusive_binding_ends_a_period_after_its_last_use() -> None:
    pool = Hand(PoolRules("p", kind="exclusive", period=100.0), FOUR[:1])
    pool.ask("visitor 1")
    pool.now = 90.0
    pool.call(FOUR[0])
    pool.now = 180.0
    pool.ask("visitor 1")  # the same visitor, on another device
    pool.now = 279.0
    assert pool.ask("visitor 2").overflow
    pool.now = 290.0
    taken = pool.ask("visitor 2")
    assert (taken.number, taken.kind, taken.expires_at) == (FOUR[0], "free", 390.0)
    [ended] = pool.state.take_changes().ended
    assert (ended.why, ended.ended_at) == ("inactive", 280.0)


# Back to the stock.


def test_an_idle_number_goes_back_and_is_left_alone_for_the_cooldown() -> None:
    rules = PoolRules("p", stock="s", maximum_size=2, idle=DAY, cooldown=2 * DAY)
    pool = Hand(rules, ["+1"], [Spare("+2")])
    pool.ask("a")
    pool.ask("b")
    pool.state.take_changes()
    pool.now = DAY - 1
    sweep(pool.state, now=pool.now)
    assert set(pool.state.numbers) == {"+1", "+2"}
    pool.now = 1.5 * DAY
    sweep(pool.state, now=pool.now)
    changes = pool.state.take_changes()
    assert set(pool.state.numbers) == {"+1"}  # the pool's own stays
    assert [(one.why, one.ended_at) for one in changes.ended] == [("idle", DAY)]
    assert [(left.number, left.available_at) for left in changes.left] == [("+2", 3 * DAY)]


ENDING = PoolRules(
    "p", stock="s", maximum_size=2, overflow="+9", ends_at=DAY, reserve=30 * DAY, reserve_below=2
)


def test_after_its_end_a_pool_gives_the_overflow_number() -> None:
    pool = Hand(ENDING, ["+1"])
    assert pool.ask("a").expires_at == 600.0
    pool.now = DAY
    late = pool.ask("a")
    assert (late.number, late.why) == ("+9", "ended")
    [ended] = pool.state.take_changes().ended
    assert (ended.why, ended.ended_at) == ("pool ended", DAY)


def test_numbers_of_an_ended_pool_are_reserved() -> None:
    pool = Hand(
        PoolRules("p", stock="s", maximum_size=1, ends_at=DAY, reserve=DAY), [], [Spare("+2")]
    )
    pool.ask("a")
    pool.now = 2 * DAY - 1
    sweep(pool.state, now=pool.now)
    assert set(pool.state.numbers) == {"+2"}
    pool.now = 2 * DAY
    sweep(pool.state, now=pool.now)
    assert pool.state.numbers == {}


def test_or_until_a_day_brought_fewer_calls_than_the_threshold() -> None:
    pool = Hand(ENDING, [], [Spare("+2")])
    pool.ask("a")
    for day, calls in ((1, 3), (2, 2), (3, 1)):
        pool.now = (day + 0.5) * DAY
        sweep(pool.state, now=pool.now)
        assert "+2" in pool.state.numbers
        count_calls(pool.state, [CallCount("+2", None, calls, pool.now)])
    pool.now = 4 * DAY - 1
    sweep(pool.state, now=pool.now)
    assert "+2" in pool.state.numbers
    pool.now = 4 * DAY
    sweep(pool.state, now=pool.now)
    assert pool.state.numbers == {}


def test_a_number_with_fixed_values_is_given_whoever_asks_and_never_replaced() -> None:
    rules = PoolRules("p", minimum_lifetime=None, fixed={("a",): "+7"}, stock="s", maximum_size=2)
    pool = Hand(rules, [], [Spare("+1"), Spare("+2")])
    assert pool.ask("a", owner="x").number == pool.ask("a", owner="y").number == "+7"
    # It counts as a number of the pool, which has room for one more.
    assert [pool.number(value) for value in "bc"] == ["+1", "+1"]


def test_running_out_is_told_once_until_there_was_a_number_again() -> None:
    pool = Hand(SEARCH, FOUR[:1])
    pool.ask("a", "x")
    told = []
    for minute, value in ((1, "b"), (2, "c"), (11, "d"), (12, "e")):
        pool.now = minute * MINUTE
        pool.ask(value, "x")
        told.append(pool.state.take_changes().exhausted)
    assert told == [True, False, False, True]


def test_calls_count_for_the_binding_they_belong_to() -> None:
    pool = Hand(SEARCH, FOUR[:1])
    first = pool.ask("a", "x").binding
    pool.now = 700.0
    pool.ask("b", "x")
    assert first is not None
    count_calls(pool.state, [CallCount(FOUR[0], first.binding_id, 2, 701.0)])
    binding = pool.state.numbers[FOUR[0]].binding
    assert binding is not None
    assert binding.calls == 0
    assert pool.state.take_changes().late_calls == {first.binding_id: 2}


def test_a_page_asked_for_many_times_a_second_is_one_change() -> None:
    pool = Hand(SEARCH, FOUR[:1])
    pool.ask("a", "x")
    pool.state.take_changes()
    changed = []
    for now in (0.3, 0.9, 1.0, 1.5, 2.0):
        pool.now = now
        pool.ask("a", "x")
        changed.append(pool.state.take_changes().any)
    assert changed == [False, False, True, False, True]
