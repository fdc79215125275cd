import numpy as np
import pytest

from media.g711 import Samples
from media.tones import (
    SPECIAL_INFORMATION,
    TONE_NAMES,
    TONE_PLANS,
    Segment,
    Tone,
    TonePlan,
    chime,
    render,
    tone_plan,
)

EVERY_TONE = [(plan, name) for plan in TONE_PLANS.values() for name in TONE_NAMES]
IDS = [f"{plan.country}-{name}" for plan, name in EVERY_TONE]


def level_dbm0(samples: Samples) -> float:
    """Level against a sine that just does not clip, which is +3.14 dBm0."""
    rms = np.sqrt(np.mean(np.square(samples.astype(np.float64))))
    return float(20 * np.log10(rms / (32767 / np.sqrt(2))) + 3.14)


def frequencies(samples: Samples, count: int) -> list[int]:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size), 8000))
    found = []
    for _ in range(count):
        peak = int(np.argmax(spectrum))
        found.append(peak)
        spectrum[max(0, peak - 8) : peak + 9] = 0
    return sorted(found)


def test_north_american_ringback_sounds_for_two_seconds_and_pauses_for_four() -> None:
    ringback = render(tone_plan("us").ringback)
    assert ringback.size == 6 * 8000
    assert np.any(ringback[15_900:16_000])
    assert not np.any(ringback[16_000:])
    assert frequencies(ringback[:16_000], 2) == [440, 480]


def test_british_ringback_is_a_double_ring() -> None:
    ringback = render(tone_plan("gb").ringback)
    sounding = np.abs(ringback).reshape(-1, 160).max(axis=1) > 0
    assert ringback.size == 3 * 8000
    runs = np.flatnonzero(np.diff(sounding.astype(int))).tolist()
    assert runs == [19, 29, 49]


@pytest.mark.parametrize(("plan", "name"), EVERY_TONE, ids=IDS)
def test_every_tone_has_the_level_asked_for_while_it_sounds(plan: TonePlan, name: str) -> None:
    tone = plan.tone(name)
    samples = render(tone, level_dbm0=-20.0)
    length = (tone.segments[0].duration_ms or 1000) * 8
    # The softened edges take a little away; a modulated burst may not be whole periods long.
    assert level_dbm0(samples[:length]) == pytest.approx(-20.0, abs=0.4)


@pytest.mark.parametrize(("plan", "name"), EVERY_TONE, ids=IDS)
def test_every_tone_loops_without_a_click(plan: TonePlan, name: str) -> None:
    """The step from the last sample to the first is none that the tone itself does not make."""
    samples = render(plan.tone(name)).astype(np.int32)
    largest_step = np.abs(np.diff(samples)).max()
    assert abs(int(samples[0]) - int(samples[-1])) <= largest_step
    second_difference = np.abs(np.diff(np.concatenate([samples, samples[:8]]), 2)).max()
    assert second_difference <= np.abs(np.diff(samples, 2)).max() + 1


def test_a_continuous_tone_repeats_in_phase() -> None:
    dial = render(tone_plan("us").dial)
    twice = np.concatenate([dial, dial]).astype(np.float64)
    time = np.arange(16_000) / 8000
    model = np.sin(2 * np.pi * 350 * time) + np.sin(2 * np.pi * 440 * time)
    model *= np.abs(twice).max() / np.abs(model).max()
    assert np.abs(twice - model).max() < 2


def test_modulated_ringback_rises_and_falls_sixteen_times_a_second() -> None:
    ringback = render(tone_plan("jp").ringback)[:8000]
    assert frequencies(ringback, 3) == [384, 400, 416]


def test_special_information_is_three_tones_in_turn() -> None:
    samples = render(SPECIAL_INFORMATION)
    assert samples.size == (3 * 330 + 1000) * 8
    third = 330 * 8
    heard = [frequencies(samples[n * third : (n + 1) * third], 1)[0] for n in range(3)]
    assert heard == [950, 1400, 1800]


def test_plans_are_found_in_any_case_and_name_their_source() -> None:
    assert tone_plan("US") is TONE_PLANS["us"]
    assert all(plan.source and plan.country == code for code, plan in TONE_PLANS.items())
    assert {"us", "gb", "uk", "de", "fr", "au", "jp", "it", "es"} <= set(TONE_PLANS)


def test_a_country_without_a_plan_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        tone_plan("atlantis")
    with pytest.raises(KeyError):
        tone_plan("us").tone("yodel")


def test_a_level_that_would_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="full scale"):
        render(tone_plan("us").dial, level_dbm0=3.0)
    render(Tone((Segment((1000.0,)),)), level_dbm0=3.1)


def test_the_chime_is_short_soft_and_ends_in_silence() -> None:
    samples = chime()
    assert 0.8 * 8000 <= samples.size <= 2 * 8000
    assert 6000 < np.abs(samples).max() < 12000
    assert abs(int(samples[0])) < 50
    assert abs(int(samples[-1])) < 50
