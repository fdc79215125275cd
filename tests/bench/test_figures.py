from __future__ import annotations

from bench.figures import figure, ratio, table


def test_a_figure_shows_its_median_and_its_noise() -> None:
    assert str(figure([1.0, 3.0, 2.0])) == "2.000 (1.000-3.000)"
    assert str(figure([100.0, 300.0])) == "200.0 (100.0-300.0)"


def test_a_ratio_is_taken_run_by_run() -> None:
    """On a machine that slows down both sides of a pair slow down together."""
    assert ratio([2.0, 4.0], [1.0, 2.0]).runs == (2.0, 2.0)


def test_a_table_has_aligned_columns() -> None:
    lines = table(["a", "long head"], [["wide cell", "b"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].strip("| -") == ""
