import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.statistics import (
    MAX_DROPOUT,
    MAX_MISORDER,
    JitterEstimator,
    ReceptionStatistics,
    SequenceTracker,
)


def tracker_at(sequence_number: int) -> SequenceTracker:
    """A tracker that has believed one packet, this one."""
    tracker = SequenceTracker((sequence_number - 1) % 65536)
    tracker.update((sequence_number - 1) % 65536)
    assert tracker.update(sequence_number)
    return tracker


def test_a_source_is_believed_at_its_second_packet_in_order() -> None:
    tracker = SequenceTracker(100)
    assert [tracker.update(n) for n in (100, 101, 102)] == [False, True, True]
    assert (tracker.received, tracker.base, tracker.extended_highest) == (2, 101, 102)


def test_a_packet_out_of_order_on_probation_begins_it_anew() -> None:
    tracker = SequenceTracker(100)
    believed = [tracker.update(n) for n in (100, 150, 151)]
    assert believed == [False, False, True]


def test_a_jump_of_less_than_the_dropout_is_loss() -> None:
    tracker = tracker_at(10)
    assert tracker.update(10 + MAX_DROPOUT - 1)
    assert tracker.extended_highest == 10 + MAX_DROPOUT - 1


def test_a_late_packet_counts_but_does_not_move_the_highest() -> None:
    tracker = tracker_at(1000)
    assert tracker.update(1000 - MAX_MISORDER + 1)
    assert (tracker.highest, tracker.received) == (1000, 2)


@pytest.mark.parametrize("jump", [MAX_DROPOUT, 30_000, 65_535 - MAX_MISORDER])
def test_a_restart_is_believed_at_its_second_packet_in_order(jump: int) -> None:
    tracker = tracker_at(10)
    new = (10 + jump) % 65536
    assert not tracker.update(new)
    assert tracker.update((new + 1) % 65536)
    assert (tracker.base, tracker.received) == ((new + 1) % 65536, 1)


def test_stray_packets_far_away_do_not_disturb_a_source() -> None:
    tracker = tracker_at(10)
    assert [tracker.update(n) for n in (40_000, 11, 20_000, 12)] == [False, True, False, True]
    assert (tracker.base, tracker.extended_highest) == (10, 12)


def test_the_number_wraps_into_the_next_cycle() -> None:
    tracker = tracker_at(65_534)
    assert all(tracker.update(n) for n in (65_535, 0, 1))
    assert tracker.extended_highest == 65_536 + 1


def test_a_late_packet_from_before_the_wrap_is_no_new_cycle() -> None:
    tracker = tracker_at(65_534)
    assert all(tracker.update(n) for n in (0, 65_535, 1))
    assert tracker.extended_highest == 65_537


@given(
    st.integers(0, 65_535),
    st.lists(st.integers(1, 50), min_size=1, max_size=200),
)
def test_loss_is_the_numbers_passed_over(first: int, steps: list[int]) -> None:
    """However often the number wraps: a model with numbers that do not."""
    statistics = ReceptionStatistics(7)
    position = first
    statistics.receive((first - 1) % 65536, 0, arrival=0)
    statistics.receive(position % 65536, 0, arrival=0)
    for step in steps:
        position += step
        assert statistics.receive(position % 65536, 0, arrival=0)
    assert statistics.expected == position - first + 1
    assert statistics.received == len(steps) + 1
    assert statistics.lost == sum(steps) - len(steps)


def test_duplicates_make_the_loss_negative() -> None:
    statistics = ReceptionStatistics(7)
    for n in (1, 2, 3, 3, 3):
        statistics.receive(n, n * 160, arrival=n * 160)
    assert statistics.lost == -2
    assert statistics.report_block().lost == -2
    assert statistics.report_block().fraction_lost == 0


def test_the_fraction_lost_is_that_of_the_interval() -> None:
    """Section A.3: of what was expected since the last report, in 1/256."""
    statistics = ReceptionStatistics(7)
    for n in range(101):
        statistics.receive(n, n * 160, arrival=n * 160)
    assert statistics.report_block().fraction_lost == 0
    for n in range(101, 201, 2):
        statistics.receive(n, n * 160, arrival=n * 160)
    block = statistics.report_block(last_sender_report=5, delay=6)
    assert block.lost == 49
    assert block.fraction_lost == 49 * 256 // 99
    assert (block.ssrc, block.highest_sequence_number) == (7, 199)
    assert (block.last_sender_report, block.delay_since_last_sender_report) == (5, 6)


def test_a_source_that_said_nothing_has_no_loss() -> None:
    statistics = ReceptionStatistics(7)
    assert (statistics.expected, statistics.received, statistics.lost) == (0, 0, 0)
    assert statistics.report_block().highest_sequence_number == 0
    statistics.receive(5, 0, arrival=0)
    assert (statistics.expected, statistics.lost) == (0, 0)


def test_a_steady_stream_has_no_jitter() -> None:
    estimator = JitterEstimator()
    for n in range(100):
        estimator.update((0xFFFF_FF00 + n * 160) & 0xFFFF_FFFF, 12_345 + n * 160)
    assert estimator.jitter == 0


def test_jitter_moves_by_a_sixteenth_of_each_deviation() -> None:
    """Section A.8: J += (|D| - J) / 16."""
    estimator = JitterEstimator()
    estimator.update(0, 1000)
    estimator.update(160, 1160 + 80)
    assert estimator.jitter == 5.0
    estimator.update(320, 1320 + 80)
    assert estimator.jitter == 5.0 - 5.0 / 16


def test_packets_late_by_turns_approach_their_deviation() -> None:
    estimator = JitterEstimator()
    for n in range(400):
        estimator.update(n * 160, n * 160 + (n % 2) * 32)
    assert estimator.jitter == pytest.approx(32, abs=0.1)


def test_a_restart_begins_the_figures_anew() -> None:
    statistics = ReceptionStatistics(7)
    for n in range(10):
        statistics.receive(n * 2, n * 160, arrival=n * 200)
    for n in range(30_000, 30_010):
        statistics.receive(n, n * 160, arrival=n * 160)
    assert (statistics.lost, statistics.received, statistics.jitter) == (0, 9, 0)
