"""Call progress: the tones of every plan, special information, silence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from media import SAMPLE_RATE
from media.detection.detectors import ToneDetectors
from media.detection.signs import SignKind
from media.tones import SPECIAL_INFORMATION, TONE_PLANS, Tone, render
from tests.support.tone_lines import Sound, Told, listen, names, rounds, silence, sine

SAME_AS_BUSY = {"au", "jp", "mx"}
"""Countries whose reorder tone is their busy tone."""


def hear(
    lines: Sequence[Sound],
    countries: Sequence[str] = (),
    *,
    noise_db: float | None = None,
    lost: Sequence[int] = (),
) -> Told:
    return listen(lines, SignKind.PROGRESS, countries=countries, noise_db=noise_db, lost=lost)


def sounding(tone: Tone, seconds: float, lead: float = 0.137) -> Sound:
    length = round(seconds * SAMPLE_RATE)
    return np.concatenate([silence(lead), np.resize(render(tone), length) / 32768])


@pytest.mark.parametrize("name", ["ringback", "busy", "reorder"])
@pytest.mark.parametrize("noise_db", [None, 20.0])
def test_every_country_s_tones_are_told_once(name: str, noise_db: float | None) -> None:
    countries = [one for one in TONE_PLANS if not (name == "reorder" and one in SAME_AS_BUSY)]
    lines = [sounding(TONE_PLANS[country].tone(name), 11) for country in countries]
    told = hear(lines, countries, noise_db=noise_db, lost=(70, 200, 201, 311))
    assert {country: names(one) for country, one in zip(countries, told, strict=True)} == (
        dict.fromkeys(countries, name)
    )


@pytest.mark.parametrize("name", ["ringback", "busy", "reorder"])
def test_a_tone_of_another_country_than_the_campaign_s_is_known_too(name: str) -> None:
    lines = [sounding(TONE_PLANS[country].tone(name), 11) for country in ("us", "gb", "fi")]
    assert [names(one) for one in hear(lines, ["de", "us", "us"])] == [name] * 3


def test_ringback_is_told_after_its_first_burst_and_busy_after_two() -> None:
    plan = TONE_PLANS["us"]
    ringback, busy = hear([sounding(plan.ringback, 8), sounding(plan.busy, 4)], ["us", "us"])
    assert 2.0 <= ringback[0][1] <= 2.5
    assert 1.5 <= busy[0][1] <= 3.2


def test_a_tone_that_follows_another_is_told_too() -> None:
    plan = TONE_PLANS["us"]
    line = np.concatenate([sounding(plan.ringback, 12), sounding(plan.busy, 4)])
    assert names(hear([line], ["us"])[0]) == "ringback busy"


def test_a_tone_whose_beginning_was_missed_is_told_all_the_same() -> None:
    line = sounding(TONE_PLANS["us"].busy, 6)[round(0.35 * SAMPLE_RATE) :]
    assert names(hear([line], ["us"])[0]) == "busy"


@pytest.mark.parametrize("frequencies", [(950.0, 1400.0, 1800.0), (913.8, 1370.6, 1776.7)])
@pytest.mark.parametrize("seconds", [0.276, 0.33, 0.38])
def test_special_information_is_told_within_its_third_tone(
    frequencies: tuple[float, ...], seconds: float
) -> None:
    tones = [sine(frequency, seconds) for frequency in frequencies]
    (told,) = hear([np.concatenate([silence(0.2), *tones, silence(0.5)])])
    assert names(told) == "sit"
    assert told[0][1] <= 0.2 + 3 * seconds


def test_special_information_in_another_order_is_none() -> None:
    tones = [sine(frequency, 0.33) for frequency in (1800.0, 1400.0, 950.0, 1800.0)]
    assert hear([np.concatenate([*tones, silence(0.5)])]) == [[]]


def test_special_information_is_known_by_the_tone_that_is_played_here() -> None:
    assert names(hear([sounding(SPECIAL_INFORMATION, 2)])[0]) == "sit"


def test_silence_is_told_once_after_five_seconds_and_more() -> None:
    rng = np.random.default_rng(1)
    told = hear([silence(12), rng.normal(0, 0.003, 12 * SAMPLE_RATE)])
    for one in told:
        assert names(one) == "silence"
        assert 5.0 < one[0][1] < 6.0


def test_what_changes_is_not_silence() -> None:
    rng = np.random.default_rng(2)
    words = rng.normal(0, 0.02, 12 * SAMPLE_RATE) * (np.arange(12 * SAMPLE_RATE) // 2000 % 2)
    assert hear([words]) == [[]]


def test_a_dial_tone_and_a_single_beep_are_no_progress() -> None:
    dial = render(TONE_PLANS["us"].dial) / 32768
    beep = np.concatenate([silence(0.5), sine(1000, 0.5), silence(2)])
    assert hear([np.resize(dial, 6 * SAMPLE_RATE), beep]) == [[], []]


def test_a_fresh_slot_knows_nothing_of_the_leg_before() -> None:
    detectors, told = ToneDetectors(), []
    for _ in range(2):
        detectors.open(0, country="us", progress=True)
        for one in rounds(detectors, [sounding(TONE_PLANS["us"].ringback, 4)]):
            told += one.told(SignKind.PROGRESS)
    assert [what for _, what, _ in told] == ["ringback", "ringback"]
