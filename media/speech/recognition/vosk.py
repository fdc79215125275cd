"""vosk as a recogniser, for operators who bring a model: its folder says which language.

Each window is recognised by itself. What may be said becomes a grammar.
"""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from media.speech.recognition.result import Recognised, Word
from media.speech.recognition.wide import WIDE_RATE, widened
from media.speech.recognition.window import Window
from media.speech.recognition.words import normalise

__all__ = ["VoskEngine"]


class VoskEngine:
    """One model; a short-lived recogniser a window."""

    name = "vosk"

    def __init__(self, folder: Path) -> None:
        self._vosk: Any = importlib.import_module("vosk")
        self._vosk.SetLogLevel(-1)
        try:
            self._model = self._vosk.Model(str(folder))
        except Exception as error:  # it raises nothing more precise
            raise RuntimeError(f"{folder} is no model of vosk's: {error}") from error

    def recognise(self, windows: Sequence[Window]) -> list[Recognised]:
        """What was said in each window, in their order."""
        return [self._one(window) for window in windows]

    def _one(self, window: Window) -> Recognised:
        recogniser = self._recogniser(window.words)
        recogniser.SetWords(True)
        recogniser.AcceptWaveform(widened(window.samples).tobytes())
        found = json.loads(recogniser.FinalResult())
        return Recognised(
            words=tuple([word for one in found.get("result", ()) for word in _words(one, window)]),
            start_ns=window.start_ns,
            end_ns=window.end_ns,
            mode="rolling" if window.purpose == "rolling" else "segment",
            engine=self.name,
            final=window.final,
            text=str(found.get("text", "")),
        )

    def _recogniser(self, words: tuple[str, ...]) -> Any:
        if not words:
            return self._vosk.KaldiRecognizer(self._model, WIDE_RATE)
        grammar = json.dumps([*words, "[unk]"])
        return self._vosk.KaldiRecognizer(self._model, WIDE_RATE, grammar)


def _words(found: dict[str, Any], window: Window) -> list[Word]:
    start = window.start_ns + int(float(found["start"]) * 1e9)
    end = window.start_ns + int(float(found["end"]) * 1e9)
    sure = float(np.clip(found.get("conf", 1.0), 0.0, 1.0))
    return [Word(text, start, end, sure) for text in normalise(str(found["word"]))]
