"""Fax tones: cadence and frequency of CNG, CED, ANSam and its reversals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from media import SAMPLE_RATE
from media.detection.detectors import ToneDetectors
from media.detection.signs import SignKind
from tests.support.tone_lines import Sound, Told, listen, names, rounds, silence, sine


def hear(lines: Sequence[Sound], **line: object) -> Told:
    return listen(lines, SignKind.FAX, **line)  # type: ignore[arg-type]


def cng(*bursts: tuple[float, float], frequency: float = 1100.0) -> Sound:
    """Bursts of so many seconds, each followed by its pause."""
    pieces = [silence(0.133)]
    for on, off in bursts:
        pieces += [sine(frequency, on), silence(off)]
    return np.concatenate(pieces)


def answer(frequency: float = 2100.0, *, reversals: bool = False, depth: float = 0.0) -> Sound:
    """An answer tone of three seconds."""
    tone = sine(frequency, 3.0)
    time = np.arange(tone.size) / SAMPLE_RATE
    if reversals:
        tone = tone * (1 - 2 * (np.floor(time / 0.45) % 2))
    return np.concatenate([silence(0.2), tone * (1 + depth * np.sin(2 * np.pi * 15 * time))])


@pytest.mark.parametrize("frequency", [1062.0, 1100.0, 1138.0])
@pytest.mark.parametrize("stretch", [0.85, 1.0, 1.15])
def test_cng_is_told_within_its_second_burst(frequency: float, stretch: float) -> None:
    """T.30 4.1: 1100 Hz +-38 Hz, on for 0.5 s and off for 3 s, both +-15 %."""
    on, off = 0.5 * stretch, 3 * stretch
    line = cng((on, off), (on, off), frequency=frequency)
    (told,) = hear([line])
    assert names(told) == "cng"
    assert told[0][1] <= 0.133 + 2 * on + off


@pytest.mark.parametrize("noise_db", [20.0, 10.0])
def test_cng_is_found_in_noise_and_with_lost_packets(noise_db: float) -> None:
    line = cng((0.5, 3.0), (0.5, 0.5))
    told = hear([line] * 10, noise_db=noise_db, lost=[15, 16, 185])
    assert [names(one) for one in told] == ["cng"] * 10


@pytest.mark.parametrize(
    "bursts",
    [
        ((0.5, 4.0),),
        ((0.5, 0.3), (0.5, 1.0)),
        ((0.5, 1.5), (0.5, 1.0)),
        ((1.0, 3.0), (0.5, 1.0)),
        ((0.2, 3.0), (0.5, 1.0)),
        ((0.5, 5.0), (0.5, 1.0)),
        ((0.5, 3.0), (0.1, 1.0)),
    ],
    ids=["single", "no pause", "short pause", "long", "short", "long pause", "second too short"],
)
def test_what_has_another_cadence_is_not_cng(bursts: tuple[tuple[float, float], ...]) -> None:
    assert hear([cng(*bursts)]) == [[]]


@pytest.mark.parametrize("frequency", [1020.0, 1180.0])
def test_what_has_another_frequency_is_not_cng(frequency: float) -> None:
    assert hear([cng((0.5, 3.0), (0.5, 1.0), frequency=frequency)]) == [[]]


def test_cng_that_goes_on_is_told_each_burst_again_for_who_wants_it() -> None:
    (told,) = hear([cng((0.5, 3.0), (0.5, 3.0), (0.5, 0.5))])
    assert names(told) == "cng cng"


def test_a_pause_in_which_nothing_is_sent_is_a_pause() -> None:
    """The positions count on while a sender that suppresses silence says nothing."""
    detectors, told = ToneDetectors(), []
    detectors.open(0, fax=True)
    for begin in (0, round(3.5 * SAMPLE_RATE)):
        for one in rounds(detectors, [sine(1100, 0.5)], begin=begin):
            told += one.told(SignKind.FAX)
    assert [what for _, what, _ in told] == ["cng"]


@pytest.mark.parametrize("frequency", [2085.0, 2100.0, 2115.0])
def test_a_plain_answer_tone_is_ced(frequency: float) -> None:
    """T.30 4.2: 2100 Hz +-15 Hz; told in time for what must be done about it."""
    (told,) = hear([answer(frequency)])
    assert names(told) == "ced"
    assert told[0][1] - 0.2 <= 1.5


@pytest.mark.parametrize(("reversals", "depth"), [(True, 0.2), (True, 0.0), (False, 0.2)])
@pytest.mark.parametrize("noise_db", [None, 10.0])
def test_a_modem_s_answer_tone_is_ansam(
    reversals: bool, depth: float, noise_db: float | None
) -> None:
    """V.8 7.2: phase reversals every 450 ms, amplitude modulated by 15 Hz."""
    told = hear([answer(reversals=reversals, depth=depth)] * 5, noise_db=noise_db)
    assert [names(one) for one in told] == ["ansam"] * 5


def test_lost_packets_make_no_modem_of_a_plain_tone() -> None:
    told = hear([answer()], lost=[20, 33, 45, 46, 60])
    assert names(told[0]) == "ced"


@pytest.mark.parametrize("frequency", [2040.0, 2160.0])
def test_another_high_tone_is_no_answer_tone(frequency: float) -> None:
    assert hear([answer(frequency)]) == [[]]


def test_a_short_high_tone_is_no_answer_tone() -> None:
    assert hear([np.concatenate([sine(2100, 0.9), silence(1.0)])]) == [[]]
