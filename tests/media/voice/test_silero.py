"""The network, with the real model: many legs at once, and what it takes for voice."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media.voice.silero import SileroActivity, SileroMissing, find_model, load_silero
from tests.support.voices import has_voice, spoken

needs_silero = pytest.mark.skipif(
    importlib.util.find_spec("silero_vad") is None
    or importlib.util.find_spec("onnxruntime") is None
    or not has_voice(),
    reason="the speech extra (silero, onnxruntime and a voice) is not installed",
)
Frames = NDArray[np.float32]


@pytest.fixture
def network() -> SileroActivity:
    return load_silero(find_model())


def frames(samples: NDArray[np.generic]) -> Frames:
    count = len(samples) // 160
    return (samples[: count * 160].astype(np.float32) / np.float32(32768)).reshape(-1, 160)


def speech() -> Frames:
    return frames(spoken("I would like to talk to somebody about the price of a new roof."))


def tone(*hertz: float, seconds: float = 2.0) -> Frames:
    time = np.arange(int(seconds * 8000)) / 8000
    return frames(sum(5000 * np.sin(2 * np.pi * f * time) for f in hertz))  # type: ignore[arg-type]


def likely(network: SileroActivity, sound: Frames, slot: int = 0) -> NDArray[np.float32]:
    slots = np.array([slot])
    return np.array([network.hear(slots, frame[None])[0] for frame in sound])


@needs_silero
def test_speech_is_voice_and_tones_and_noise_are_not(network: SileroActivity) -> None:
    assert np.mean(likely(network, speech()) > 0.5) > 0.6
    noise = np.random.default_rng(3).standard_normal((100, 160)).astype(np.float32) * 0.02
    for slot, sound in enumerate((tone(440, 480), tone(1100), tone(697, 1209), noise), start=1):
        assert np.mean(likely(network, sound, slot) > 0.5) < 0.1


@needs_silero
def test_legs_heard_together_are_heard_as_if_alone(network: SileroActivity) -> None:
    sounds = [speech(), tone(440, 480), speech()[7:]]
    alone = [likely(network, sound, slot) for slot, sound in enumerate(sounds)]
    network.grow(256)
    slots = np.array([200, 11, 64])
    for n in range(80):
        # One of them is not there in every round: the others' windows go on by themselves.
        here = [k for k in range(3) if k or n % 3]
        number = [n - n // 3 - 1 if k == 0 else n for k in here]
        together = network.hear(
            slots[here], np.stack([sounds[k][i] for k, i in zip(here, number, strict=True)])
        )
        expected = [alone[k][i] for k, i in zip(here, number, strict=True)]
        assert together == pytest.approx(expected, abs=1e-3)


@needs_silero
def test_a_slot_that_is_used_again_knows_nothing(network: SileroActivity) -> None:
    first = likely(network, speech())
    network.reset(0)
    assert likely(network, speech()) == pytest.approx(first, abs=1e-5)


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SileroMissing, match="silero-vad"):
        find_model()


@needs_silero
def test_a_model_that_is_none_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(SileroMissing, match=r"model\.onnx"):
        load_silero(broken)
