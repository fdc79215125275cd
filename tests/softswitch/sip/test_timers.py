"""The timer heap, and table 4 of RFC 3261."""

from __future__ import annotations

from softswitch.sip import timers
from softswitch.sip.timers import MIN_SWEEP, Timers


def test_the_values_are_those_of_table_4() -> None:
    """RFC 3261 table 4 and RFC 6026: T1 500 ms, T2 4 s, T4 5 s, and what follows from them."""
    assert (timers.T1, timers.T2, timers.T4) == (0.5, 4.0, 5.0)
    assert timers.TIMER_A == timers.TIMER_E == timers.TIMER_G == timers.T1
    for long in "BDFHJLM":
        assert getattr(timers, f"TIMER_{long}") == 32.0
    assert timers.TIMER_I == timers.TIMER_K == timers.T4


def test_timers_fire_in_the_order_of_their_moments() -> None:
    heap = Timers()
    fired: list[str] = []
    heap.start(3.0, lambda: fired.append("late"))
    heap.start(1.0, lambda: fired.append("first"))
    heap.start(1.0, lambda: fired.append("second"))
    assert heap.next_timeout() == 1.0
    heap.fire(2.0)
    assert fired == ["first", "second"]
    assert heap.next_timeout() == 3.0
    heap.fire(3.0)
    assert fired[-1] == "late"
    assert heap.next_timeout() is None


def test_a_cancelled_timer_neither_fires_nor_counts() -> None:
    heap = Timers()
    fired: list[int] = []
    timer = heap.start(1.0, lambda: fired.append(1))
    heap.start(2.0, lambda: fired.append(2))
    heap.cancel(timer)
    heap.cancel(timer)
    assert len(heap) == 1
    assert heap.next_timeout() == 2.0
    heap.fire(5.0)
    assert fired == [2]
    assert len(heap) == 0
    heap.cancel(timer)
    assert len(heap) == 0


def test_a_callback_may_start_and_cancel_timers() -> None:
    heap = Timers()
    fired: list[str] = []
    victim = heap.start(1.5, lambda: fired.append("victim"))

    def act() -> None:
        heap.cancel(victim)
        heap.start(1.0, lambda: fired.append("again"))

    heap.start(1.0, act)
    heap.fire(2.0)
    assert fired == ["again"]
    assert len(heap) == 0


def test_dead_timers_do_not_pile_up() -> None:
    heap = Timers()
    for _ in range(20):
        for timer in [heap.start(32.0, lambda: None) for _ in range(MIN_SWEEP)]:
            heap.cancel(timer)
        assert len(heap._heap) <= 2 * MIN_SWEEP
    assert len(heap) == 0
    assert heap.next_timeout() is None


def test_a_sweep_in_the_middle_of_firing_loses_nothing() -> None:
    heap = Timers()
    fired: list[int] = []
    doomed = [heap.start(2.0, lambda: fired.append(-1)) for _ in range(2 * MIN_SWEEP)]

    def cancel_all() -> None:
        for timer in doomed:
            heap.cancel(timer)

    heap.start(1.0, cancel_all)
    heap.start(3.0, lambda: fired.append(1))
    heap.fire(5.0)
    assert fired == [1]
    assert len(heap) == 0
