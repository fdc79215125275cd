"""Stretches of speech, from probabilities of frames."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.voice.stretches import (
    FRAME_NS,
    HANGOVER_FRAMES,
    LIKELY,
    ONSET_FRAMES,
    PAUSE_FRAMES,
    STALE_NS,
    UNLIKELY,
    Stretches,
)

ONE = np.array([0])


class Leg:
    """One leg that is told frame by frame."""

    def __init__(self) -> None:
        self.stretches = Stretches()
        self.frames = 0
        self.starts: list[int] = []
        self.spans: list[tuple[int, int]] = []
        """In frames."""
        self.voiced: list[bool] = []

    def hear(self, likely: float, times: int = 1, *, skipped: int = 0) -> None:
        for _ in range(times):
            self.frames += skipped
            gap = np.array([skipped]) if skipped else None
            changes = self.stretches.hear(
                ONE,
                np.array([likely], np.float32),
                np.array([self.frames * FRAME_NS]),
                gap,
            )
            self.frames += 1
            skipped = 0
            self.starts += [self.frames] * len(changes.started)
            self.spans += [(a // FRAME_NS, b // FRAME_NS) for a, b in changes.spans.tolist()]
            assert len(changes.spans) == len(changes.ended)
            self.voiced.append(bool(changes.voiced[0]))


def test_a_click_begins_nothing() -> None:
    leg = Leg()
    leg.hear(0.0, 5)
    leg.hear(1.0, ONSET_FRAMES - 1)
    leg.hear(0.0, 100)
    assert leg.starts == []
    assert not any(leg.voiced)


def test_a_word_is_a_stretch_from_its_first_to_its_last_voice() -> None:
    leg = Leg()
    leg.hear(0.0, 10)
    leg.hear(1.0, 15)
    leg.hear(0.0, PAUSE_FRAMES)
    assert leg.starts == [10 + ONSET_FRAMES]
    assert leg.spans == [(10, 25)]


def test_a_stretch_ends_with_the_pause_and_not_before() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.hear(0.0, PAUSE_FRAMES - 1)
    assert leg.spans == []
    leg.hear(0.0)
    assert leg.spans == [(0, 10)]


def test_a_shorter_pause_stands_within_a_stretch() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.hear(0.0, PAUSE_FRAMES - 1)
    leg.hear(1.0, 10)
    leg.hear(0.0, PAUSE_FRAMES)
    assert leg.spans == [(0, 20 + PAUSE_FRAMES - 1)]
    assert len(leg.starts) == 1


def test_talk_goes_on_for_the_hangover() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.hear(0.0, PAUSE_FRAMES)
    assert leg.voiced[10:] == [True] * HANGOVER_FRAMES + [False] * (PAUSE_FRAMES - HANGOVER_FRAMES)


def test_a_voice_that_fades_stays_and_one_so_faint_does_not_begin() -> None:
    between = (LIKELY + UNLIKELY) / 2
    fading, faint = Leg(), Leg()
    fading.hear(1.0, 3)
    fading.hear(between, 3 * PAUSE_FRAMES)
    faint.hear(between, 3 * PAUSE_FRAMES)
    assert fading.spans == []
    assert fading.voiced[-1]
    assert faint.starts == []


def test_what_was_never_sent_is_a_pause() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.hear(1.0, 10, skipped=PAUSE_FRAMES)
    assert leg.spans == [(0, 10)]
    assert len(leg.starts) == 2
    leg.hear(0.0, PAUSE_FRAMES)
    assert leg.spans[1] == (10 + PAUSE_FRAMES, 20 + PAUSE_FRAMES)


def test_a_short_gap_does_not_break_a_stretch() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.hear(1.0, 10, skipped=PAUSE_FRAMES // 2)
    assert leg.spans == []
    assert len(leg.starts) == 1


def test_a_gap_of_years_is_no_overflow() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.hear(0.0, skipped=1 << 33)
    assert leg.spans == [(0, 10)]


def test_a_leg_whose_time_lags_behind_ours_is_not_silent() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    for late_ns in range(0, 3 * STALE_NS, FRAME_NS):
        leg.hear(1.0, 1)
        assert leg.stretches.stale(10 * STALE_NS + late_ns).tolist() == []


def test_a_leg_that_sends_nothing_while_it_is_silent_ends_too() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    end_ns = 10 * FRAME_NS
    assert leg.stretches.stale(end_ns).tolist() == []
    assert leg.stretches.stale(end_ns + STALE_NS).tolist() == []
    assert leg.stretches.stale(end_ns + STALE_NS + 1).tolist() == [0]
    assert leg.stretches.span(0) == (0, end_ns)
    assert leg.stretches.stale(end_ns + 2 * STALE_NS).tolist() == []
    assert not leg.stretches.voiced(ONE)[0]


def test_a_slot_that_is_used_again_knows_nothing() -> None:
    leg = Leg()
    leg.hear(1.0, 10)
    leg.stretches.reset(0)
    assert not leg.stretches.active(ONE)[0]
    leg.hear(0.0, PAUSE_FRAMES)
    assert leg.spans == []


@given(st.lists(st.lists(st.sampled_from((0.0, 0.4, 1.0)), min_size=3, max_size=3), max_size=120))
def test_legs_heard_together_are_heard_as_if_alone(rounds: list[list[float]]) -> None:
    slots = np.array([70, 3, 9])
    together = Stretches()
    together.grow(128)
    alone = [Leg() for _ in slots]
    for number, likely in enumerate(rounds):
        times = np.full(3, number * FRAME_NS)
        changes = together.hear(slots, np.array(likely, np.float32), times)
        for row, leg in enumerate(alone):
            before = len(leg.starts), len(leg.spans)
            leg.hear(likely[row])
            assert changes.voiced[row] == leg.voiced[-1]
            assert (row in changes.started) == (len(leg.starts) > before[0])
            assert (row in changes.ended) == (len(leg.spans) > before[1])
