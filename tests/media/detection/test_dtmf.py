"""Keys in the sound: the tolerances of ITU-T Q.24, noise, loss, and what are no keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from media.detection.detectors import ToneDetectors
from media.detection.signs import SignKind
from tests.support.tone_lines import Sound, Told, key, listen, rounds, silence, sine

KEYS = "123A456B789C*0#D"

OFFSETS = tuple(n / 1000 for n in range(0, 20, 2))
"""Where in a frame a key begins, in seconds."""


def hear(lines: Sequence[Sound], **line: object) -> Told:
    """Each line's keys."""
    return listen(lines, SignKind.KEY, **line)  # type: ignore[arg-type]


def keys(told: Sequence[tuple[str, float]]) -> str:
    return "".join(what for what, _ in told)


def pressed(seconds: float, **how: object) -> tuple[list[Sound], list[str]]:
    """Every key at every offset, alone."""
    lines, digits = [], []
    for digit in KEYS:
        for offset in OFFSETS:
            sound = key(digit, seconds, **how)  # type: ignore[arg-type]
            lines.append(np.concatenate([silence(0.04 + offset), sound, silence(0.1)]))
            digits.append(digit)
    return lines, digits


def test_every_key_of_forty_milliseconds_is_told_once() -> None:
    """Q.24 table A-1: a signal of 40 ms must be accepted."""
    lines, digits = pressed(0.040)
    assert [keys(told) for told in hear(lines)] == digits


def test_a_key_is_told_within_sixty_milliseconds_of_its_begin() -> None:
    lines, digits = pressed(0.1)
    offsets = list(OFFSETS) * len(KEYS)
    for told, offset in zip(hear(lines), offsets, strict=True):
        assert told[0][1] - 0.04 - offset <= 0.06
    assert len(lines) == len(digits)


@pytest.mark.parametrize("milliseconds", [10, 20, 23])
def test_what_is_too_short_is_no_key(milliseconds: int) -> None:
    """Q.24 table A-1: a signal of less than 23 ms must be rejected."""
    assert not any(hear(pressed(milliseconds / 1000)[0]))


@pytest.mark.parametrize("off", [(0.015, 0.015), (-0.015, -0.015), (0.018, -0.018)])
def test_frequencies_that_are_a_little_off_are_taken(off: tuple[float, float]) -> None:
    lines, digits = pressed(0.06, off=off)
    assert [keys(told) for told in hear(lines)] == digits


@pytest.mark.parametrize("off", [(0.035, 0.0), (-0.035, 0.0), (0.0, 0.04), (0.0, -0.035)])
def test_frequencies_that_are_far_off_are_refused(off: tuple[float, float]) -> None:
    """Q.24 table A-1: 3.5 % off must be rejected."""
    assert not any(hear(pressed(0.06, off=off)[0]))


@pytest.mark.parametrize("twist_db", [-8.0, 4.0])
def test_twist_as_it_comes_over_lines_is_taken(twist_db: float) -> None:
    lines, digits = pressed(0.06, twist_db=twist_db)
    assert [keys(told) for told in hear(lines)] == digits


@pytest.mark.parametrize("twist_db", [-14.0, 10.0])
def test_one_tone_far_above_the_other_is_no_key(twist_db: float) -> None:
    assert not any(hear(pressed(0.06, twist_db=twist_db)[0]))


@pytest.mark.parametrize(("level", "taken"), [(-3.0, True), (-29.0, True), (-45.0, False)])
def test_levels_are_taken_down_to_what_lines_leave_of_them(level: float, taken: bool) -> None:
    lines, digits = pressed(0.06, level_dbm0=level)
    assert [keys(told) for told in hear(lines)] == (digits if taken else [""] * len(digits))


@pytest.mark.parametrize(("gap", "times"), [(0.010, 1), (0.040, 2)])
def test_a_short_interruption_parts_no_key_and_a_pause_does(gap: float, times: int) -> None:
    """Q.24 table A-1: interruptions of up to 10 ms are none; a pause of 40 ms is one."""
    lines = [
        np.concatenate([silence(0.05 + o), key("5", 0.05), silence(gap), key("5", 0.05)])
        for o in OFFSETS
    ]
    assert [keys(told) for told in hear([np.pad(one, (0, 800)) for one in lines])] == (
        ["5" * times] * len(OFFSETS)
    )


def test_a_key_held_for_long_is_one_press() -> None:
    told = hear([np.concatenate([key("7", 5.0), silence(0.1), key("8", 0.1), silence(0.1)])])
    assert keys(told[0]) == "78"


@pytest.mark.parametrize("noise_db", [20.0, 15.0, 10.0])
def test_strings_are_right_in_noise(noise_db: float) -> None:
    string = "".join(KEYS)
    line = np.concatenate(
        [np.concatenate([key(digit, 0.06), silence(0.055)]) for digit in string] + [silence(0.1)]
    )
    heard = hear([line] * 20, noise_db=noise_db)
    assert [keys(told) for told in heard] == [string] * 20


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("lost", range(4, 9))
def test_one_lost_packet_neither_loses_nor_doubles_a_key(offset: float, lost: int) -> None:
    line = np.concatenate(
        [silence(0.1 + offset), key("4", 0.05), silence(0.05), key("4", 0.05), silence(0.1)]
    )
    assert keys(hear([line], lost=[lost])[0]) == "44"


def test_single_tones_noise_and_dial_tone_are_no_keys() -> None:
    rng = np.random.default_rng(3)
    lines = [
        sine(697, 0.3),
        sine(1209, 0.3),
        sine(350, 0.3) + sine(440, 0.3),
        sine(1100, 0.3),
        rng.normal(0, 0.1, 2400),
        key("1", 0.2) + sine(2000, 0.2, -3.0),
    ]
    assert not any(hear(lines))


def keyed() -> ToneDetectors:
    """That listen to one line for keys."""
    detectors = ToneDetectors()
    detectors.open(0, keys=True)
    return detectors


def test_a_slot_that_is_opened_anew_forgets_the_key_before() -> None:
    detectors, told = keyed(), []
    for _ in range(2):
        told += [
            key for one in rounds(detectors, [key("9", 0.2)]) for key in one.told(SignKind.KEY)
        ]
        detectors.open(0, keys=True)
    assert [what for _, what, _ in told] == ["9", "9"]


def test_a_key_is_not_held_over_a_gap_in_which_nothing_was_sent() -> None:
    detectors, told = keyed(), []
    for begin in (0, 4000):
        heard = rounds(detectors, [key("9", 0.2)], begin=begin)
        told += [key for one in heard for key in one.told(SignKind.KEY)]
    assert [what for _, what, _ in told] == ["9", "9"]


def test_a_key_that_is_down_is_known_until_it_is_over() -> None:
    line = np.concatenate([key("2", 0.2), silence(0.2)])
    down = [bool(one.told(SignKind.KEY_SOUNDS)) for one in rounds(keyed(), [line])]
    assert down[2:9] == [True] * 7
    assert not any(down[12:])


def test_who_is_not_listened_to_for_keys_presses_none() -> None:
    detectors = keyed()
    detectors.want(0, fax=True)
    assert not any(one.signs for one in rounds(detectors, [key("2", 0.2)]))


def test_a_key_whose_first_packet_is_lost_is_told_as_soon_as_others() -> None:
    """Also after silence, in which nobody looks at the frames."""
    line = np.concatenate([silence(0.2), key("6", 0.1), silence(0.1)])
    (whole,), (lossy,) = hear([line]), hear([line], lost=[10])
    assert lossy[0][1] <= whole[0][1] + 0.02
