"""The tone stage: who is listened to for what, and who is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from media.g711 import decode, encode
from media.tones import render, tone_plan
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.tones import ToneStage
from tests.support.tone_lines import Sound, key, silence, sine

TICK_NS = 20_000_000


class Line:
    """A leg that sends a sound, and notes what it is told."""

    def __init__(self, slot: int, sound: Sound, *, side: str = "calling", answered: bool = True):
        samples = np.rint(np.pad(sound, (0, -len(sound) % FRAME)) * 32767).astype(np.int16)
        self.frames = decode(encode(samples)).reshape(-1, FRAME)
        self.told: list[tuple[str, str]] = []
        self.sounding: list[float] = []
        """When a key was down."""
        self.leg: Any
        self.leg = HeardLeg(
            side=side,
            call=None,
            leg_id=str(slot),
            answered=answered,
            on_digit=lambda digit, source: self.told.append((source, digit)),
            on_key_sounds=self.sounding.append,
            on_fax=lambda tone: self.told.append(("fax", tone)),
            on_tone=lambda tone: self.told.append(("progress", tone)),
        )
        campaign: Any = SimpleNamespace(ringback="us")
        self.ear = Ear(slot, self.leg, campaign, 0)


class HeardLeg(SimpleNamespace):
    """What a stage sees of a leg."""

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


def play(stage: ToneStage, *lines: Line, missing: tuple[int, ...] = ()) -> list[Heard]:
    """All lines at once; each round as the stages after it see it."""
    for line in lines:
        stage.open(line.ear)
    rounds = []
    for number in range(max(len(line.frames) for line in lines)):
        there = [line for line in lines if number < len(line.frames)]
        samples = np.array([line.frames[number] for line in there])
        valid = np.full(samples.shape, number not in missing)
        heard = Heard(
            np.array([line.ear.slot for line in there]),
            samples * valid,
            valid,
            np.full(len(there), number * FRAME),
            np.full(len(there), number * TICK_NS),
            (number + 1) * TICK_NS,
        )
        stage.hear(heard)
        stage.after(heard.now_ns)
        rounds.append(heard)
    return rounds


def cng(bursts: int) -> Sound:
    return np.concatenate([np.concatenate([sine(1100, 0.5), silence(3.0)])] * bursts)


def test_keys_of_each_leg_are_told_to_it_as_heard_in_band() -> None:
    one = Line(0, np.concatenate([silence(0.2), key("1", 0.1), silence(0.1), key("#", 0.1)]))
    two = Line(90, np.concatenate([silence(0.3), key("7", 0.1), silence(0.1)]))
    play(ToneStage(), one, two, Line(3, silence(0.6)))
    assert one.told == [("inband", "1"), ("inband", "#")]
    assert two.told == [("inband", "7")]


def test_a_lost_packet_in_a_key_does_not_make_two_of_it() -> None:
    line = Line(0, np.concatenate([silence(0.1), key("6", 0.2), silence(0.1)]))
    play(ToneStage(), line, missing=(8, 9))
    assert line.told == [("inband", "6")]


def test_a_key_after_a_gap_in_which_nothing_was_sent_is_another_press() -> None:
    stage, line = ToneStage(), Line(0, key("5", 0.1))
    stage.open(line.ear)
    for position in (*range(0, 800, 160), *range(4000, 4800, 160)):
        frame = line.frames[position % 800 // 160][None, :]
        stage.hear(
            Heard(
                np.array([0]), frame, np.ones((1, FRAME), np.bool_), np.array([position]),
                np.array([0]), 0,
            )
        )  # fmt: skip
    assert line.told == [("inband", "5")] * 2


@pytest.mark.parametrize("side", ["calling", "called"])
def test_a_fax_is_told_once_a_leg_and_tone(side: str) -> None:
    line = Line(1, np.concatenate([cng(3), sine(2100, 3.0)]), side=side)
    play(ToneStage(), line)
    assert line.told == [("fax", "cng"), ("fax", "ced")]


def test_what_is_switched_off_is_not_told() -> None:
    line = Line(0, np.concatenate([key("1", 0.2), silence(0.2), cng(2)]))
    play(ToneStage(in_band_digits=False, fax_tones=False), line)
    assert line.told == []


def test_progress_is_told_of_legs_that_ring_only() -> None:
    ringing = np.resize(render(tone_plan("us").ringback), 4 * 8000) / 32768
    called = Line(0, ringing, side="called", answered=False)
    others = Line(1, ringing, side="called"), Line(2, ringing)
    play(ToneStage(), called, *others)
    assert called.told == [("progress", "ringback")]
    assert [line.told for line in others] == [[], []]


def test_silence_of_a_ringing_leg_is_progress_too() -> None:
    line = Line(0, silence(7.0), side="called", answered=False)
    play(ToneStage(), line)
    assert line.told == [("progress", "silence")]


def test_a_beep_that_is_waited_for_is_marked_in_the_round_that_ends_it() -> None:
    sound = np.concatenate([silence(0.3), sine(1000, 0.4), silence(0.4)])
    answered, other = Line(0, sound, side="called"), Line(1, sound, side="called")
    ringing = Line(2, sound, side="called", answered=False)
    stage = ToneStage()
    stage.hear_beeps_of([answered.leg, ringing.leg])
    rounds = play(stage, answered, other, ringing)
    beeps = [heard.beep.tolist() for heard in rounds if heard.beep is not None]
    assert sum(beep[0] for beep in beeps) == 1
    assert any(beep[0] for beep in beeps[34:38])
    assert not any(beep[1] or beep[2] for beep in beeps)


def test_who_is_waited_for_no_more_is_not_heard_for_beeps() -> None:
    sound = np.concatenate([silence(0.3), sine(1000, 0.4), silence(0.4)])
    legs: dict[Any, bool] = {}
    line = Line(0, sound, side="called")
    stage = ToneStage()
    stage.hear_beeps_of(legs.keys())
    legs[line.leg] = True
    assert any(heard.beep is not None and heard.beep.any() for heard in play(stage, line))
    legs.clear()
    assert not any(heard.beep is not None and heard.beep.any() for heard in play(stage, line))


def test_tones_are_marked_for_the_stages_after_it() -> None:
    rng = np.random.default_rng(1)
    tone = Line(0, np.concatenate([sine(440, 0.5) + sine(480, 0.5), silence(0.1)]))
    keys = Line(1, np.concatenate([key("3", 0.5), silence(0.1)]))
    noise = Line(2, rng.normal(0, 0.1, 4800))
    rounds = play(ToneStage(), tone, keys, noise)
    tonal = np.array([heard.tonal for heard in rounds])
    assert tonal[5:24, :2].all()
    assert not tonal[27:, :2].any()
    assert not tonal[:, 2].any()


def test_a_slot_is_clean_for_its_next_leg() -> None:
    stage = ToneStage()
    first = Line(0, cng(2)[: round(3.6 * 8000)])
    play(stage, first)
    stage.close(first.ear)
    second = Line(0, np.concatenate([sine(1100, 0.5), silence(0.5)]))
    play(stage, second)
    assert first.told == []
    assert second.told == []


def test_a_leg_that_is_closed_is_told_nothing_more() -> None:
    stage, line = ToneStage(), Line(0, key("1", 0.1))
    line.leg.on_digit = lambda *_: pytest.fail("told")
    stage.open(line.ear)
    stage.close(line.ear)
    frames, valid = line.frames, np.ones((1, FRAME), np.bool_)
    for number, frame in enumerate(frames):
        at = np.array([number * FRAME])
        stage.hear(Heard(np.array([0]), frame[None, :], valid, at, at, 0))


def test_a_round_in_which_all_is_silent_marks_nothing() -> None:
    (heard,) = play(ToneStage(), Line(0, silence(0.02)))
    assert heard.tonal is not None
    assert heard.beep is not None
    assert not heard.tonal.any()
    assert not heard.beep.any()


def test_a_key_that_is_held_is_told_to_sound_until_it_ends() -> None:
    line = Line(0, np.concatenate([silence(0.2), key("4", 2.0), silence(0.5)]))
    play(ToneStage(), line)
    assert line.told == [("inband", "4")]
    assert line.sounding[0] < 0.3
    assert 2.1 < line.sounding[-1] <= 2.24
    assert np.diff(line.sounding).max() < 0.05
