"""A short soak: calls of all kinds leave nothing behind. The long one is `python -m bench soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.behaviours import BEHAVIOURS
from bench.soak import Sample, growth_per_hour, measure, report
from tests.support.sipp import needs_sipp


@needs_sipp
@pytest.mark.full
@pytest.mark.timeout(400)
def test_calls_of_all_kinds_leave_nothing_behind(tmp_path: Path) -> None:
    """Refused (an exception) when a call fails, or when there is more of anything than before."""
    soak = measure(tmp_path, seconds=12.0, rate=15.0, every=1.0, settle=36.0)
    assert soak.records == soak.presented >= 180
    assert {one.name for one in soak.tallies} == {one.name for one in BEHAVIOURS}
    assert max(one.calls for one in soak.samples) > 5
    assert soak.left_over == {}
    assert "is moved by REFER" in report(soak)


def test_behaviours_are_a_hundred_of_a_hundred() -> None:
    assert sum(one.share for one in BEHAVIOURS) == 100


def test_growth_is_that_of_the_second_half() -> None:
    def sample(at: float, kilobytes: int) -> Sample:
        return Sample(at, kilobytes, 0, 0, 0, 0, 0)

    filling = [sample(at, int(at) * 100) for at in range(10)]
    steady = [sample(at, 1000 + int(at)) for at in range(10, 20)]
    assert round(growth_per_hour(filling + steady)) == 3600
    assert growth_per_hour(filling[:1]) == 0.0
