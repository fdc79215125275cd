"""The order of destinations and campaigns, by every policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import get_args

import pytest

from config.model import DistributionPolicy
from softswitch.routing import distribution
from softswitch.routing.distribution import (
    Arrangement,
    Candidate,
    DistributionMemory,
    Served,
    arrange,
)


def never() -> float:
    raise AssertionError("nothing is drawn")


def ordered(
    policy: DistributionPolicy,
    *candidates: Candidate,
    turn: int = 0,
    draw: Callable[[], float] = never,
) -> str:
    found = arrange(policy, candidates, turn=turn, draw=draw)
    return "".join(candidates[place].name for place in found.order)


def test_as_written_is_as_written() -> None:
    assert ordered("order", Candidate("a"), Candidate("b"), Candidate("c")) == "abc"


def test_round_robin_goes_round() -> None:
    abc = (Candidate("a"), Candidate("b"), Candidate("c"))
    found = [ordered("round_robin", *abc, turn=turn) for turn in range(4)]
    assert found == ["abc", "bca", "cab", "abc"]


def test_one_who_is_full_does_not_shift_the_turns_of_others() -> None:
    full = Candidate("b", max_calls=1, served=Served(in_progress=1))
    found = [ordered("round_robin", Candidate("a"), full, Candidate("c"), turn=t) for t in range(3)]
    assert found == ["ac", "ca", "ca"]


def test_weights_are_shares() -> None:
    draw = Random(7).random
    first = Counter(
        ordered("weighted", Candidate("a", weight=3), Candidate("b", weight=1), draw=draw)[0]
        for _ in range(4000)
    )
    assert first["a"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_a_weighted_order_names_everybody_once_and_says_what_was_drawn() -> None:
    abc = [Candidate(name, weight=weight) for name, weight in (("a", 1), ("b", 2), ("c", 3))]
    draws = iter([0.99, 0.0, 0.5])
    found = arrange("weighted", abc, draw=lambda: next(draws))
    assert found == Arrangement(
        (2, 0, 1), {"weights": {"a": 1, "b": 2, "c": 3}, "draws": [0.99, 0.0, 0.5]}
    )


def test_the_highest_price_comes_first_and_no_price_last() -> None:
    candidates = (
        Candidate("a"),
        Candidate("b", price=Decimal("9.50")),
        Candidate("c", price=Decimal("12")),
        Candidate("d", price=Decimal("9.5")),
    )
    assert ordered("price", *candidates) == "cbda"
    assert arrange("price", candidates, draw=never).inputs == {
        "prices": {"a": None, "b": "9.50", "c": "12", "d": "9.5"}
    }


def test_the_best_conversion_rate_comes_first_when_enough_is_known() -> None:
    good = Candidate("g", served=Served(calls=100, conversions=70))
    bad = Candidate("b", served=Served(calls=100, conversions=20))
    lucky = Candidate("l", served=Served(calls=1, conversions=1))
    fresh = Candidate("f")
    assert ordered("conversion", bad, fresh, lucky, good) == "glfb"


def test_most_free_places_come_first_and_full_ones_are_left_out() -> None:
    two = Candidate("2", max_calls=3, served=Served(in_progress=1))
    one = Candidate("1", max_calls=1)
    full = Candidate("0", max_calls=1, served=Served(in_progress=1))
    free = Candidate("f", served=Served(in_progress=50))
    assert ordered("availability", one, full, two, free) == "f21"
    assert arrange("availability", [full], draw=never).inputs["full"] == ["0"]


def test_who_has_the_fewest_calls_comes_first() -> None:
    busy = Candidate("b", served=Served(in_progress=2, calls=2))
    used = Candidate("u", served=Served(calls=9))
    fresh = Candidate("f")
    assert ordered("least_used", busy, used, fresh) == "fub"


def test_the_nearest_comes_first_and_unknown_places_are_none() -> None:
    far, near = Candidate("f", distance_km=90.0), Candidate("n", distance_km=3.25)
    assert ordered("nearest", Candidate("u"), far, near) == "nf"


@pytest.mark.parametrize("policy", get_args(DistributionPolicy))
def test_every_policy_takes_an_empty_list(policy: DistributionPolicy) -> None:
    assert arrange(policy, [], draw=never).order == ()


def test_what_is_given_counts_and_what_did_not_come_about_does_not() -> None:
    memory = DistributionMemory()
    memory.begin("a")
    memory.begin("a")
    memory.begin("a")
    assert memory.served("a") == Served(in_progress=3, calls=3)
    memory.end("a", converted=True)
    memory.end("a", converted=False)
    memory.end("a", converted=None)
    assert memory.served("a") == Served(in_progress=0, calls=2, conversions=1)


def test_memory_forgets_who_was_not_used_for_longest_but_never_calls_in_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distribution, "MAX_REMEMBERED", 2)
    memory = DistributionMemory()
    memory.begin("busy")
    memory.served("old").calls = 5
    memory.served("new")
    assert memory.served("busy").in_progress == 1
    assert memory.served("old").calls == 0
    for step in ("one", "two", "three"):
        assert memory.turn(step) == 0
    assert memory.turn("three") == 1
    assert memory.turn("one") == 0
