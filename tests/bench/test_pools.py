from pathlib import Path

import pytest

from bench import pools
from bench.pools import PoolRun


def run(rate: int, p99: float) -> PoolRun:
    latencies = [10.0] * 98 + [p99] * 2
    return PoolRun(1.0, 200, 20, 0.7, rate, latencies_ms=latencies, commits=rate // 10)


@pytest.mark.parametrize(
    ("rates", "p99", "reached"),
    [((1500,), 149.0, True), ((1499,), 149.0, False), ((1500,), 150.0, False)],
)
def test_the_verdict(rates: tuple[int, ...], p99: float, reached: bool) -> None:
    said = pools.verdict([run(rate, p99) for rate in rates])
    assert said.endswith(": reached") == reached


def test_a_line_has_a_cell_under_each_head() -> None:
    cells = pools.row([run(2000, 50.0), run(1000, 60.0)])
    assert len(cells) == len(pools.HEAD)
    assert cells[0] == "70%"
    assert cells[1].startswith("1500")


@pytest.mark.slow
def test_a_short_run_on_a_server_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "POOLS", 2)
    monkeypatch.setattr(pools, "CLIENTS", 8)
    monkeypatch.setattr(pools, "LIFETIME", 0.0)
    measured = pools.measure(tmp_path / "run", seconds=0.5, known_share=0.5)
    assert measured.allocations == len(measured.latencies_ms) > 20
    assert {"same", "rebound"} <= set(measured.steps)
    assert measured.steps["overflow"] == 0
    assert measured.commits > 0
