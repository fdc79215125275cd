"""Seconds of talk, silence and double talk."""

from __future__ import annotations

import numpy as np

from media.voice.talk import TalkMeter

BOTH = np.array([4, 90])


def meter() -> TalkMeter:
    made = TalkMeter()
    made.grow(128)
    return made


def hear(talk: TalkMeter, one: bool, other: bool, frames: int) -> None:
    for _ in range(frames):
        talk.hear(BOTH, np.array([one, other]))


def test_talk_and_the_rest_add_up_to_the_leg() -> None:
    talk = meter()
    hear(talk, True, False, 50)
    hear(talk, False, False, 25)
    assert talk.measured(4, 100) == (1.0, 1.0, 0.0)
    assert talk.measured(90, 100) == (0.0, 2.0, 0.0)


def test_two_who_talk_at_once_are_double_talk_once_they_hear_each_other() -> None:
    talk = meter()
    hear(talk, True, True, 50)
    talk.join(4, 90)
    hear(talk, True, True, 50)
    hear(talk, True, False, 50)
    assert talk.measured(4, 150) == (3.0, 0.0, 1.0)
    assert talk.measured(90, 150).double == 1.0


def test_a_leg_that_has_left_talks_with_nobody() -> None:
    talk = meter()
    talk.join(4, 90)
    hear(talk, True, True, 50)
    talk.reset(90)
    talk.hear(BOTH[:1], np.array([True]))
    assert talk.measured(4, 51).double == 1.0
    assert talk.measured(90, 0) == (0.0, 0.0, 0.0)


def test_a_leg_that_has_fallen_silent_without_a_frame_is_silent() -> None:
    talk = meter()
    talk.join(4, 90)
    hear(talk, False, True, 1)
    talk.fall_silent(90)
    talk.hear(BOTH[:1], np.array([True]))
    assert talk.measured(4, 2).double == 0.0


def test_who_is_joined_to_a_third_has_left_the_second() -> None:
    talk = meter()
    talk.join(4, 90)
    talk.join(90, 7)
    hear(talk, True, True, 50)
    assert talk.measured(4, 50).double == 0.0
