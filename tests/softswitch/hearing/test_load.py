"""When hearing leaves work out, and when it takes it up again."""

from __future__ import annotations

from softswitch.hearing.load import LATE_BOUNDS_MS, TickLoad
from softswitch.hearing.stage import MAX_LEVEL


def run(load: TickLoad, ticks: int, *, late: float = 0.0, busy: float = 0.0) -> int:
    """How often the level changed."""
    return sum(load.count(late, busy) for _ in range(ticks))


def test_ticks_that_take_most_of_their_time_raise_the_level_within_half_a_second() -> None:
    load = TickLoad()
    assert run(load, 24, busy=0.012) == 0
    assert load.count(0.0, 0.012)
    assert load.level == 1
    assert "60%" in load.why


def test_a_burst_shorter_than_half_a_second_changes_nothing() -> None:
    load = TickLoad()
    assert run(load, 10, busy=0.012) == 0
    assert run(load, 500, busy=0.001) == 0
    assert load.level == 0


def test_ticks_that_come_late_raise_the_level_only_when_it_lasts() -> None:
    load = TickLoad()
    load.count(0.3, 0.0)
    run(load, 24)
    assert (load.late, load.level) == (1, 0)
    for _ in range(3):
        run(load, 7, late=0.03)
        run(load, 18)
    assert (load.late, load.level) == (22, 0)
    run(load, 7, late=0.03)
    run(load, 18)
    assert load.level == 1
    assert "7 of the last 25" in load.why


def test_a_good_half_second_ends_what_would_have_lasted() -> None:
    load = TickLoad()
    for _ in range(20):
        run(load, 75, late=0.03)
        run(load, 25)
    assert load.level == 0


def test_the_level_has_a_top() -> None:
    load = TickLoad()
    assert run(load, 1000, busy=0.03) == MAX_LEVEL
    assert load.level == MAX_LEVEL


def test_the_level_falls_step_by_step_after_five_quiet_seconds_each() -> None:
    load = TickLoad()
    run(load, 50, busy=0.015)
    assert load.level == 2
    run(load, 225)
    assert load.level == 2
    run(load, 25)
    assert load.level == 1
    run(load, 250)
    assert load.level == 0
    assert run(load, 1000) == 0


def test_a_loop_that_is_nearly_full_takes_no_work_up_again() -> None:
    load = TickLoad()
    run(load, 25, busy=0.015)
    assert run(load, 2000, busy=0.008) == 0
    assert load.level == 1


def test_delays_are_counted_by_their_class() -> None:
    load = TickLoad()
    for late in (0.0, 0.004, 0.006, 0.3, 5.0):
        load.count(late, 0.001)
    by_class = dict(zip((*LATE_BOUNDS_MS, "more"), load.delays, strict=True))
    assert by_class == {5: 2, 10: 1, 20: 0, 50: 0, 100: 0, 200: 0, 500: 1, 1000: 0, "more": 1}
    assert load.worst_late_seconds == 5.0
    assert abs(load.mean_seconds - 0.001) < 1e-9
