"""Speech for tests of recognisers, and a recogniser for tests of who uses one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from media.level import to_telephone_speech
from media.speech.recognition.recognisers import RecogniserStatus
from media.speech.recognition.result import Recognised, Word
from media.speech.recognition.whisper_model import find_model
from media.speech.recognition.window import Window

__all__ = ["ScriptedRecogniser", "needs_speech", "say", "understood"]

needs_speech = pytest.mark.skipif(
    importlib.util.find_spec("ctranslate2") is None
    or importlib.util.find_spec("hibari") is None
    or find_model() is None,
    reason="the speech extra (recogniser and voice) is not installed",
)


def say(text: str) -> NDArray[np.int16]:
    """A sentence in a neural voice, as at the telephone."""
    module: Any = importlib.import_module("hibari")
    sound = np.asarray(module.Hibari()(text, seed=0), np.float32)
    return to_telephone_speech(sound, int(module.SAMPLE_RATE))


def understood(window: Window, *words: tuple[str, float, float]) -> Recognised:
    """A result of a window: words with seconds from its start."""
    timed = tuple(
        [
            Word(
                text,
                window.start_ns + int(start * 1e9),
                window.start_ns + int(end * 1e9),
                0.9,
            )
            for text, start, end in words
        ]
    )
    return Recognised(
        words=timed,
        start_ns=window.start_ns,
        end_ns=window.end_ns,
        mode="rolling" if window.purpose == "rolling" else "segment",
        engine="scripted",
        final=window.final,
        text=" ".join([word.text for word in timed]),
    )


class ScriptedRecogniser:
    """Keeps the windows until the test says what was understood."""

    engine = "scripted"

    def __init__(self, on_result: Callable[[Window, Recognised | None], None]) -> None:
        self.on_result = on_result
        self.windows: list[Window] = []
        self.delay_seconds = 0.0
        self.started = self.stopped = False

    async def start(self) -> None:
        self.started = True

    async def refusal(self, within: float) -> str:
        """It works."""
        return ""

    async def stop(self) -> None:
        self.stopped = True

    def submit(self, window: Window) -> None:
        self.windows.append(window)

    def status(self) -> RecogniserStatus:
        return RecogniserStatus("scripted", 1, 1, len(self.windows), 0.0, 0, 0, 0, 0, 0.0, 0.0)

    def answer(self, *words: tuple[str, float, float]) -> Window:
        """The oldest window that waits is understood."""
        window = self.windows.pop(0)
        self.on_result(window, understood(window, *words))
        return window

    def lose(self) -> None:
        """The oldest window that waits is lost."""
        self.on_result(self.windows.pop(0), None)
