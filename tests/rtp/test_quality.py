"""The E-model: figures that ITU-T has published, and what must hold of any."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.quality import (
    BEST_RATING,
    burst_ratio,
    delay_impairment,
    loss_impairment,
    mean_opinion_score,
    mouth_to_ear_ms,
    rating,
)


@pytest.mark.parametrize(
    ("r", "score"),
    [
        (90, 4.34),
        (80, 4.03),
        (70, 3.60),
        (60, 3.10),
        (50, 2.58),
        (93.2, 4.41),
        (0, 1.0),
        (100, 4.5),
    ],
)
def test_the_scores_of_g107_table_b1(r: float, score: float) -> None:
    assert mean_opinion_score(r) == pytest.approx(score, abs=0.01)


def test_without_loss_and_delay_nothing_is_taken_away() -> None:
    assert rating(0.0, 0.0) == BEST_RATING
    assert mean_opinion_score(rating(0.0, 0.0)) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("percent", "impairment"), [(1, 17.9), (2, 30.2), (5, 51.1), (10, 66.4)])
def test_loss_that_is_not_concealed(percent: float, impairment: float) -> None:
    """G.113 Appendix I: Bpl of G.711 without concealment is 4.3."""
    found = loss_impairment(percent / 100, concealment="none")
    assert found == pytest.approx(impairment, abs=0.1)


@pytest.mark.parametrize(("percent", "impairment"), [(1, 3.6), (2, 7.0), (5, 15.8), (10, 27.1)])
def test_loss_that_is_concealed(percent: float, impairment: float) -> None:
    """G.113 Appendix I: Bpl of G.711 with the concealment of its Appendix I is 25.1."""
    assert loss_impairment(percent / 100) == pytest.approx(impairment, abs=0.1)


@pytest.mark.parametrize(
    ("one_way_ms", "impairment"),
    [(100, 2.7), (150, 3.8), (200, 7.6), (250, 14.2), (300, 20.7)],
)
def test_the_straight_lines_are_near_the_curves_of_g107(
    one_way_ms: float, impairment: float
) -> None:
    """Idte + Idle + Idd with TELR 65 dB, all else at its default."""
    assert delay_impairment(one_way_ms) == pytest.approx(impairment, abs=1.1)


def test_bursts_are_worse_than_chance_and_steady_loss_is_no_better() -> None:
    by_chance = rating(0.02, 50.0)
    assert rating(0.02, 50.0, 2.0) < by_chance
    assert rating(0.02, 50.0, 0.5) == by_chance
    assert rating(0.2, 50.0, 1000.0) == rating(0.2, 50.0, 10.0)


@given(st.floats(-1, 2), st.floats(-10, 5000), st.floats(0, 1e9))
def test_a_score_is_a_score_whatever_was_measured(loss: float, delay: float, bursts: float) -> None:
    r = rating(loss, delay, bursts)
    assert 0.0 <= r <= BEST_RATING
    assert 1.0 <= mean_opinion_score(r) <= 4.42


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 400), st.floats(0, 400))
def test_more_loss_or_delay_is_never_better(a: float, b: float, c: float, d: float) -> None:
    assert mean_opinion_score(rating(max(a, b), max(c, d))) <= mean_opinion_score(
        rating(min(a, b), min(c, d))
    )


def lost_by(chance: object, packets: int) -> tuple[int, int]:
    """Packets lost and the stretches they make."""
    lost = runs = 0
    before = False
    for _ in range(packets):
        now = chance(before)  # type: ignore[operator]
        lost += now
        runs += now and not before
        before = now
    return lost, runs


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1, 0.3])
def test_loss_by_chance_has_a_burst_ratio_of_one(share: float) -> None:
    source = random.Random(1)
    lost, runs = lost_by(lambda _before: source.random() < share, 200_000)
    assert burst_ratio(lost, runs, 200_000) == pytest.approx(1.0, abs=0.06)


def test_loss_in_bursts_has_the_ratio_of_its_chain() -> None:
    """G.107 7.5: BurstR = 1 / (p + q) for the chain that begins a burst with p and ends it with
    q."""
    source = random.Random(2)
    p, q = 0.01, 0.25

    def next_is_lost(before: bool) -> bool:
        return source.random() < (1 - q if before else p)

    lost, runs = lost_by(next_is_lost, 400_000)
    assert burst_ratio(lost, runs, 400_000) == pytest.approx(1 / (p + q), rel=0.06)


@pytest.mark.parametrize("counts", [(0, 0, 0), (0, 0, 100), (5, 0, 100), (3, -1, 9), (3, 1, 0)])
def test_without_loss_there_are_no_bursts(counts: tuple[int, int, int]) -> None:
    assert burst_ratio(*counts) == 1.0


def test_delay_is_half_the_round_trip_and_what_the_jitter_asks_for() -> None:
    assert mouth_to_ear_ms(None, 0.0) == 60.0
    assert mouth_to_ear_ms(100.0, 0.0) == 110.0
    assert mouth_to_ear_ms(None, 40.0, ptime_ms=30.0) == 130.0
    assert mouth_to_ear_ms(-5.0, 1e6) == 220.0
