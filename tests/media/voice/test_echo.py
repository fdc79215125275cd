"""What was played comes back from the line, and is not taken for somebody's voice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from media.g711 import ULAW_DECODE, Samples, encode
from media.voice.echo import AHEAD, BEHIND, without_echo

Sound = NDArray[np.float64]
SECONDS = 4


def voice(seed: int, *, seconds: float = SECONDS, level: float = 3000.0) -> Sound:
    """Noise with the pace of speech: syllables of a fifth of a second, in colours of their own."""
    chance = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * 8000))
    for start in range(0, len(sound), 1600):
        piece = chance.normal(0, 1, len(sound[start : start + 1600]))
        colour = np.convolve(piece, chance.normal(0, 1, 12), "same")
        sound[start : start + 1600] = colour * chance.uniform(0.05, 1)
    return np.asarray(sound * level / np.sqrt(np.mean(sound**2)), np.float64)


def coded(sound: Sound) -> Samples:
    """As it arrives by G.711."""
    linear = np.clip(sound, -32768, 32767).astype(np.int16)
    return ULAW_DECODE[np.frombuffer(encode(linear), np.uint8)]


def hybrid() -> Sound:
    chance = np.random.default_rng(9)
    path = chance.normal(0, 1, 50) * np.exp(-np.arange(50) / 12)
    return np.asarray(path / np.sqrt(np.sum(path**2)), np.float64)


def line(played: Sound, gain: float, delay: int) -> tuple[Sound, Samples]:
    """The echo of what was played, and what was sent as `without_echo` wants it."""
    sent = np.zeros(BEHIND + len(played) + AHEAD)
    sent[BEHIND : BEHIND + len(played)] = played
    came = gain * np.convolve(sent, hybrid())
    start = BEHIND - delay
    return came[start : start + len(played)], sent.astype(np.int16)


def power(sound: Sound | Samples) -> float:
    return float(np.mean(np.square(sound.astype(np.float64))))


@pytest.mark.parametrize("gain", [1.0, 0.3, 0.03])
@pytest.mark.parametrize("delay", [-300, 0, 900, 6000])
def test_an_echo_alone_is_silence(gain: float, delay: int) -> None:
    came, sent = line(voice(1), gain, delay)
    heard = coded(came)
    assert power(without_echo(heard, sent)) < 1e-4 * power(heard)


@pytest.mark.parametrize("gain", [1.0, 0.03])
def test_who_speaks_into_the_echo_is_heard_without_it(gain: float) -> None:
    came, sent = line(voice(1), gain, 900)
    said = voice(2, seconds=1)
    came[16000:24000] += said
    left = without_echo(coded(came), sent)
    assert power(left[16000:24000] - said) < 0.05 * power(said)
    assert power(np.delete(left, np.s_[16000:24000])) < 1e-4 * power(said)


def test_an_echo_that_jumps_by_a_packet_leaves_no_syllable() -> None:
    early, sent = line(voice(1), 0.5, 900)
    late, _ = line(voice(1), 0.5, 1060)
    heard = coded(np.concatenate([early[:15000], late[15000:]]))
    left = without_echo(heard, sent)
    assert np.count_nonzero(np.abs(left).reshape(-1, 200).max(axis=1)) <= 2


def test_where_no_echo_comes_nothing_is_taken_away() -> None:
    _, sent = line(voice(1), 0.0, 0)
    said = coded(voice(2))
    assert np.array_equal(without_echo(said, sent), said)


def test_silence_and_very_little_sound_stay_what_they_are() -> None:
    for length in (0, 100, 1000, 32000):
        nothing = np.zeros(length, np.int16)
        sent = np.ones(BEHIND + length + AHEAD, np.int16)
        assert np.array_equal(without_echo(nothing, sent), nothing)
        assert np.array_equal(without_echo(nothing + 5, sent * 0), nothing + 5)
