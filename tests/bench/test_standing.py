"""How many times a peer's cost ours is needs no machine; the rest follows from it."""

from __future__ import annotations

import pytest

from bench.figures import figure
from bench.standing import HEAD, LIMITS, Standing, report


def standing(rate: int, ours: list[float], peer: list[float]) -> Standing:
    return Standing(rate, "interpreted", figure(ours), figure(peer))


def test_the_limits_are_the_same_for_any_machine() -> None:
    assert LIMITS[100].times_peer == pytest.approx(2.0 / 1.47)
    assert LIMITS[600].times_peer == pytest.approx(1.0 / 0.94)


def test_the_ratio_to_the_peer_is_taken_run_by_run() -> None:
    found = standing(100, [2.0, 6.0, 3.0], [2.0, 4.0, 3.0])
    assert found.times_peer.runs == (1.0, 1.5, 1.0)
    assert found.times_peer.median == 1.0


@pytest.mark.parametrize("rate", sorted(LIMITS))
@pytest.mark.parametrize("slower", [0.5, 1.0, 1.4])
def test_a_slow_machine_changes_no_cost_that_is_brought_to_another(
    rate: int, slower: float
) -> None:
    limit = LIMITS[rate]
    there = limit.peer_ms.median
    found = standing(rate, [limit.cost_ms * slower] * 3, [there * slower] * 3)
    assert found.slowness.median == pytest.approx(slower)
    assert found.brought.runs == pytest.approx((limit.cost_ms,) * 3)
    assert found.times_peer.median == pytest.approx(limit.times_peer)


def test_what_costs_more_beside_the_peer_costs_more_there() -> None:
    found = standing(600, [2.0], [1.0])
    assert found.brought.median == pytest.approx(2 * 0.94)


def test_the_report_shows_both_figures_the_ratio_and_the_limit() -> None:
    text = report([standing(100, [2.8], [2.0]), standing(600, [1.2], [1.25])])
    assert len(standing(100, [1.0], [1.0]).row()) == len(HEAD)
    line = next(line for line in text.splitlines() if line.startswith("| 100/s"))
    assert [cell.strip().split(" ")[0] for cell in line.strip("|").split("|")] == [
        *("100/s", "interpreted", "2.800", "2.000", "1.400", "1.36"),
        *("1.361", "2.058", "2.0"),
    ]
    assert "1.470 (1.270-1.510) ms at 100/s, 0.940 (0.940-0.940) ms at 600/s" in text


def test_the_results_carry_each_run() -> None:
    found = standing(600, [1.2, 1.1], [1.0, 1.0]).as_json()
    assert found["times_peer"] == (1.2, 1.1)
    assert found["wanted_ms"] == 1.0
