"""The speech synthesisers that can be used, and how each is made to speak.

hibari-tts (a Python package with its voice inside), espeak-ng and flite (programs on the PATH).
Looking for them loads none; speaking happens in the worker only.
"""

import ctypes
import importlib
import importlib.metadata
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.wav import WavError, decode_wav

Sound = tuple[NDArray[np.float32], int]
"""Samples in -1..1, and how many a second."""

ENGINES = ("hibari", "espeak-ng", "flite")
"""In the order of preference."""

INSTALL_HINT = "pip install 'softswitch[speech]', or apt-get install espeak-ng"
_VERSION_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class EngineError(Exception):
    """A synthesiser is missing, or did not speak; the text says why."""


def find_engine(name: str) -> bool:
    """Whether a synthesiser is installed."""
    if name == "hibari":
        # The module's name alone would not do: another project on PyPI is called hibari too.
        return _distribution_version("hibari-tts") is not None
    return name in ENGINES and shutil.which(name) is not None


def describe_engine(name: str) -> str:
    """Name, version and voice: whatever changes this changes the sound of a text."""
    if name == "hibari":
        return f"hibari {_distribution_version('hibari-tts')} heart"
    program = shutil.which(name)
    if program is None:
        raise EngineError(f"{name} is not installed")
    try:
        shown = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{name} does not run: {error}") from error
    # flite prints its licence line first, and ends with 1; both are its way.
    return f"{name} {' '.join(shown.stdout.decode(errors='replace').split())[:200]}"


def load_engine(name: str, *, deadline_seconds: float) -> Callable[[str], Sound]:
    """Load a synthesiser: text in, sound out. Raises EngineError."""
    if name == "hibari":
        return _load_hibari()
    program = shutil.which(name)
    if program is None:
        raise EngineError(f"{name} is not installed")
    speak = {"espeak-ng": _speak_with_espeak, "flite": _speak_with_flite}[name]
    return lambda text: speak(program, text, deadline_seconds)


def _distribution_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _load_hibari() -> Callable[[str], Sound]:
    try:
        module: Any = importlib.import_module("hibari")
        voice = module.Hibari()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise EngineError(f"hibari-tts cannot be loaded: {error}") from error
    rate = int(module.SAMPLE_RATE)
    # A fixed seed: the same text always gives the same file.
    return lambda text: (np.asarray(voice(text, seed=0), np.float32), rate)


def _speak_with_espeak(program: str, text: str, deadline_seconds: float) -> Sound:
    # 160 words a minute, a little slower than its default: menus are listened to only once. The
    # text goes by standard input: as an argument it could look like an option.
    command = [program, "-v", "en-us", "-s", "160", "-b", "1", "--stdin", "--stdout"]
    return _read_sound(program, _run(command, text, deadline_seconds))


def _speak_with_flite(program: str, text: str, deadline_seconds: float) -> Sound:
    # It reads and writes files only: it seeks in both.
    with tempfile.TemporaryDirectory(prefix="softswitch-speech-") as folder:
        source, target = Path(folder, "text"), Path(folder, "speech.wav")
        source.write_bytes(_encode(text))
        _run([program, "-voice", "slt", "-o", str(target), str(source)], "", deadline_seconds)
        return _read_sound(program, target.read_bytes() if target.exists() else b"")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _run(command: list[str], text: str, deadline_seconds: float) -> bytes:
    """Run a program with a text as its input; returns its output. Raises EngineError."""
    name = Path(command[0]).name
    try:
        finished = subprocess.run(
            command,
            input=_encode(text),
            capture_output=True,
            timeout=deadline_seconds,
            check=False,
            # Safe here: the worker has one thread. It keeps a program that hangs from outliving it.
            preexec_fn=die_with_parent,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{name} took longer than {deadline_seconds:g} s") from error
    except OSError as error:
        raise EngineError(f"{name} does not run: {error.strerror}") from error
    if finished.returncode != 0:
        said = finished.stderr.decode(errors="replace").strip()[:200]
        raise EngineError(f"{name} failed ({finished.returncode}): {said}")
    return finished.stdout


def _read_sound(program: str, wav: bytes) -> Sound:
    if not wav:
        return np.zeros(0, np.float32), SAMPLE_RATE
    try:
        samples = decode_wav(wav)
    except WavError as error:
        raise EngineError(f"{Path(program).name} made no audio: {error}") from error
    return samples.astype(np.float32) / np.float32(32768), SAMPLE_RATE


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
