from __future__ import annotations

import random
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import DistributionPolicy
from softswitch.explain.destinations import order_problem
from softswitch.routing.distribution import Candidate, Served, arrange

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        name=st.sampled_from(["b", "a", "ccc", "cc", "destination", "+16025551234"]),
        weight=st.integers(1, 9),
        price=st.none() | st.decimals(0, 100, places=2),
        distance_km=st.none() | st.floats(0, 20_000),
        max_calls=st.none() | st.integers(1, 9),
        served=st.builds(
            Served, in_progress=st.integers(0, 9), calls=st.integers(0, 50),
            conversions=st.integers(0, 50),
        ),
    ),
    max_size=5,
    unique_by=lambda one: one.name,
)  # fmt: skip


@pytest.mark.parametrize("policy", get_args(DistributionPolicy))
@given(candidates=CANDIDATES, seed=st.integers(0, 99))
def test_every_order_that_is_made_is_found_good(
    policy: DistributionPolicy, candidates: list[Candidate], seed: int
) -> None:
    made = arrange(policy, candidates, turn=seed, draw=random.Random(seed).random)
    names = [candidates[place].name for place in made.order]
    assert order_problem(policy, names, made.inputs) is None


A = Candidate("dearer", 9, Decimal(2), 10.0, 5, Served(0, 10, 9))
B = Candidate("cheap", 1, Decimal(1), 20.0, 5, Served(1, 10, 1))


@pytest.mark.parametrize(
    "policy", ["weighted", "price", "conversion", "availability", "least_used", "nearest"]
)
def test_the_other_order_is_found_out(policy: DistributionPolicy) -> None:
    made = arrange(policy, [A, B], draw=lambda: 0.1)
    assert made.order == (0, 1)
    inputs: dict[str, Any] = made.inputs
    assert order_problem(policy, ["dearer", "cheap"], inputs) is None
    assert order_problem(policy, ["cheap", "dearer"], inputs) is not None
