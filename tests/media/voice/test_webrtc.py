"""The light detector, with the real package."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np
import pytest

from media.voice.webrtc import WebrtcActivity, WebrtcMissing
from tests.support.voices import has_voice, spoken

needs_webrtc = pytest.mark.skipif(
    importlib.util.find_spec("webrtcvad") is None or not has_voice(),
    reason="the speech extra (webrtcvad and a voice) is not installed",
)


@needs_webrtc
def test_speech_is_voice_and_silence_is_not() -> None:
    activity = WebrtcActivity()
    samples = spoken("Hello, is anybody there?")
    count = len(samples) // 160
    slots = np.array([3, 1])
    answers = [
        activity.hear(slots, np.stack((frame, np.zeros(160, np.int16))))
        for frame in samples[: count * 160].reshape(count, 160)
    ]
    voice, silence = np.mean(answers, axis=0)
    assert voice > 0.5
    assert silence == 0.0


@needs_webrtc
def test_a_slot_that_is_used_again_has_a_detector_of_its_own() -> None:
    activity = WebrtcActivity()
    quiet = np.zeros((1, 160), np.int16)
    activity.hear(np.array([0]), quiet)
    activity.reset(0)
    activity.reset(0)
    assert activity.hear(np.array([0]), quiet).tolist() == [0.0]


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(f"no {name}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(WebrtcMissing, match="webrtcvad"):
        WebrtcActivity()
