"""A switch that is full for a while takes nobody; a slow moment is borne."""

from __future__ import annotations

from config.model import Admission
from softswitch.routing.admission import BEAT_SECONDS, HOLD_SECONDS, Judge, Load

GOOD = Load(0.001, 100, 0.0)
LATE = Load(0.6, 100, 0.0)
FULL = Load(0.001, 100, 0.7)
FEW = Load(0.001, 5, 0.0)


class Hall:
    """A judge on a clock of its own."""

    def __init__(self, limits: Admission | None = None) -> None:
        self.judge = Judge()
        self.limits = limits or Admission()
        self.now = 1000.0

    def beats(self, load: Load, times: int = 1) -> str:
        """What is said at the last of so many beats; each comes as late as it says."""
        why = ""
        for _ in range(times):
            self.now += BEAT_SECONDS + load.lag_seconds
            why = self.judge.judge(load, self.limits, now=self.now)
        return why


def test_a_switch_that_does_well_takes_calls() -> None:
    assert Hall().beats(GOOD, 100) == ""


def test_a_loop_that_is_late_for_a_second_closes_it() -> None:
    hall = Hall()
    assert hall.beats(LATE) == ""
    assert hall.beats(LATE) == "loop_lag"


def test_a_loop_that_is_a_little_late_needs_the_whole_second() -> None:
    hall = Hall(Admission(loop_lag_seconds=0.05))
    load = GOOD._replace(lag_seconds=0.06)
    beats = 0
    while not hall.beats(load):
        beats += 1
    assert 4 <= beats <= 7


def test_one_long_stall_is_borne() -> None:
    hall = Hall()
    assert hall.beats(GOOD._replace(lag_seconds=5.0)) == ""
    assert hall.beats(GOOD) == ""


def test_late_beats_between_good_ones_are_borne() -> None:
    hall = Hall()
    for _ in range(20):
        assert hall.beats(LATE) == ""
        assert hall.beats(GOOD) == ""


def test_no_limit_is_none() -> None:
    hall = Hall(Admission(loop_lag_seconds=None, backlog=False))
    assert hall.beats(Load(9.0, 0, 1.0), 10) == ""


def test_messages_that_pile_up_close_it_at_the_second_look() -> None:
    hall = Hall()
    assert hall.beats(FULL) == ""
    assert hall.beats(FULL) == "backlog"


def test_few_ports_close_it_at_once_where_some_are_kept() -> None:
    assert Hall(Admission(free_ports=5)).beats(FEW) == "free_ports"
    assert Hall(Admission(free_ports=4)).beats(FEW) == ""
    assert Hall().beats(FEW._replace(free_ports=0)) == ""


def test_it_stays_closed_for_a_while_and_opens_then() -> None:
    hall = Hall(Admission(free_ports=5))
    assert hall.beats(FEW) == "free_ports"
    closed_at = hall.now
    while hall.beats(GOOD):
        pass
    assert HOLD_SECONDS <= hall.now - closed_at <= HOLD_SECONDS + 2 * BEAT_SECONDS


def test_what_goes_on_keeps_it_closed() -> None:
    hall = Hall(Admission(free_ports=5))
    assert hall.beats(FEW, 200) == "free_ports"


def test_another_reason_takes_the_place_of_the_first() -> None:
    hall = Hall(Admission(free_ports=5))
    hall.beats(FEW)
    assert hall.beats(LATE, 3) == "loop_lag"
