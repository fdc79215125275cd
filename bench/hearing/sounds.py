"""What tone detectors must not fall for: speech of many voices, and music, made here.

Speech: the project's own prose, read by what synthesisers are installed (flite, espeak-ng,
hibari-tts), each in several voices, pitches and paces. Music: chords, arpeggios, melodies, drums
and hold music of plain and of rich waves. All through mu-law, as on the telephone.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE, g711
from media.g711 import Samples
from media.level import to_telephone_speech

ROOT = Path(__file__).resolve().parents[2]
WORDS_AT_ONCE = 60
_VOICE_SECONDS = 60.0
"""How long a voice reads before the next takes over."""

Sound = NDArray[np.float64]
Voice = Callable[[str], tuple[NDArray[np.float32], int]]


def through_mu_law(samples: NDArray[np.floating] | Samples) -> Samples:
    """As it comes out of the telephone; floats in -1..1."""
    if samples.dtype != np.int16:
        samples = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
    return g711.decode(g711.encode(np.asarray(samples, np.int16)))


def speech(seconds: float, seed: int = 1) -> Iterator[tuple[str, Samples]]:
    """(voice, samples) until there is as much; nothing when no synthesiser is installed."""
    voices = available_voices()
    texts = _texts(np.random.default_rng(seed))
    total = 0.0
    while voices and total < seconds:
        for name, voice in voices.items():
            pieces: list[Samples] = []
            while _seconds(pieces) < min(_VOICE_SECONDS, seconds - total):
                pieces.append(through_mu_law(to_telephone_speech(*voice(next(texts)))))
            if pieces:
                whole = np.concatenate(pieces)
                total += len(whole) / SAMPLE_RATE
                yield name, whole


def available_voices() -> dict[str, Voice]:
    """The voices of the synthesisers that are installed."""
    voices: dict[str, Voice] = {}
    if shutil.which("flite"):
        for name in ("slt", "rms", "awb", "kal16"):
            for stretch in (0.9, 1.1):
                voices[f"flite {name} x{stretch}"] = _flite(name, stretch)
    if shutil.which("espeak-ng"):
        for variant, pitch, pace in (
            ("en-us", 50, 160), ("en-gb+f3", 65, 175), ("en-us+m3", 30, 150), ("en-us+f2", 80, 190),
            ("en-gb+m7", 45, 200), ("en-us+f5", 95, 170), ("en-gb-scotland", 20, 140),
        ):  # fmt: skip
            voices[f"espeak-ng {variant}"] = _espeak(variant, pitch, pace)
    return voices


def _flite(voice: str, stretch: float) -> Voice:
    def speak(text: str) -> tuple[NDArray[np.float32], int]:
        with tempfile.NamedTemporaryFile(suffix=".wav") as out:
            setting = f"duration_stretch={stretch}"
            command = ["flite", "-voice", voice, "--setf", setting, "-t", text, "-o", out.name]
            subprocess.run(command, check=True, timeout=120, stdin=subprocess.DEVNULL)
            return _read(Path(out.name).read_bytes())

    return speak


def _espeak(variant: str, pitch: int, pace: int) -> Voice:
    def speak(text: str) -> tuple[NDArray[np.float32], int]:
        command = ["espeak-ng", "-v", variant, "-p", str(pitch), "-s", str(pace), "--stdout", text]
        done = subprocess.run(
            command, check=True, timeout=120, capture_output=True, stdin=subprocess.DEVNULL
        )
        return _read(done.stdout)

    return speak


def _read(data: bytes) -> tuple[NDArray[np.float32], int]:
    """A mono WAV file of 16 bits; one that was written to a pipe does not know its length."""
    with wave.open(io.BytesIO(data)) as file:
        rate = file.getframerate()
    at = data.index(b"data") + 8
    samples = np.frombuffer(data[at : at + (len(data) - at) // 2 * 2], "<i2")
    return np.asarray(samples / 32768, np.float32), rate


def _texts(rng: np.random.Generator) -> Iterator[str]:
    """Prose of the documentation, a paragraph at a time, round and round from a random place."""
    prose = " ".join(path.read_text() for path in sorted(ROOT.glob("**/*.md")) if _ours(path))
    prose = re.sub(r"```.*?```", " ", prose, flags=re.DOTALL)
    words = re.findall(r"[A-Za-z][A-Za-z'-]*[.,]?|\d+", prose)
    at = int(rng.integers(len(words)))
    while True:
        yield " ".join(words[(at + i) % len(words)] for i in range(WORDS_AT_ONCE))
        at = (at + WORDS_AT_ONCE) % len(words)


def _ours(path: Path) -> bool:
    return not any(part.startswith((".", "build")) for part in path.relative_to(ROOT).parts)


def music(seconds: float, seed: int = 2) -> Iterator[tuple[str, Samples]]:
    """(kind, samples) until there is as much."""
    rng = np.random.default_rng(seed)
    total = 0.0
    while total < seconds:
        for name, compose in _PIECES.items():
            if total < seconds:
                length = min(60.0, seconds - total)
                yield name, through_mu_law(_levelled(compose(rng, length)))
                total += length


def _note(midi: float, seconds: float, harmonics: tuple[float, ...], decay: float) -> Sound:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = 440.0 * 2 ** ((midi - 69) / 12)
    out = np.zeros(time.size)
    for number, strength in enumerate(harmonics, 1):
        if frequency * number < 3600:
            out += strength * np.sin(2 * np.pi * frequency * number * time)
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.005)
    return np.asarray(out * np.exp(-decay * time) * fade)


_PLAIN = (1.0,)
_ORGAN = (1.0, 0.5, 0.35, 0.2, 0.15, 0.1)
_PIANO = (1.0, 0.6, 0.3, 0.25, 0.1)
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 14, 16)


def _chords(rng: np.random.Generator, seconds: float) -> Sound:
    """Triads, each held for one to two seconds, of an organ."""
    bars: list[Sound] = []
    while _seconds(bars) < seconds:
        root, length = int(rng.integers(55, 76)), float(rng.choice((1.0, 1.5, 2.0)))
        third = int(rng.choice((3, 4)))
        notes = [_note(root + step, length, _ORGAN, 0.0) for step in (0, third, 7)]
        bars.append(np.sum(notes, axis=0))
    return np.concatenate(bars)


def _seconds(pieces: Sequence[Sound | Samples]) -> float:
    return sum(len(piece) for piece in pieces) / SAMPLE_RATE


def _melody(
    rng: np.random.Generator, seconds: float, harmonics: tuple[float, ...], decay: float
) -> Sound:
    """Notes of a scale one by one, with rests."""
    root, out = int(rng.integers(60, 84)), list[Sound]()
    while _seconds(out) < seconds:
        length = float(rng.choice((0.125, 0.25, 0.25, 0.5, 1.0)))
        out.append(_note(root + int(rng.choice(_SCALE)), length, harmonics, decay))
        if rng.random() < 0.15:
            out.append(np.zeros(int(length * SAMPLE_RATE)))
    return np.concatenate(out)


def _two_voices(rng: np.random.Generator, seconds: float) -> Sound:
    """A high melody over a low one, of plain sines: the nearest that music comes to keys."""
    high, low = (_melody(rng, seconds + 2, _PLAIN, 0.5) for _ in range(2))
    length = int(seconds * SAMPLE_RATE)
    return high[:length] + low[:length]


def _drums(rng: np.random.Generator, seconds: float) -> Sound:
    """A beat over a bass line."""
    length = int(seconds * SAMPLE_RATE)
    out = _melody(rng, seconds + 2, _PIANO, 2.0)[:length] * 0.4
    for start in range(0, length - 2400, SAMPLE_RATE // 4):
        time = np.arange(2400) / SAMPLE_RATE
        hit = rng.normal(0, 0.6, 2400) if rng.random() < 0.5 else np.sin(2 * np.pi * 80 * time)
        out[start : start + 2400] += hit * np.exp(-25 * time)
    return out


def _hold(rng: np.random.Generator, seconds: float) -> Sound:
    """Arpeggios over chords with a slow vibrato."""
    length = int(seconds * SAMPLE_RATE)
    out = 0.5 * _chords(rng, seconds)[:length] + _melody(rng, seconds + 2, _PIANO, 3.0)[:length]
    time = np.arange(length) / SAMPLE_RATE
    return np.asarray(out * (1 + 0.1 * np.sin(2 * np.pi * 5 * time)))


_PIECES: dict[str, Callable[[np.random.Generator, float], Sound]] = {
    "chords": _chords,
    "flute": lambda rng, seconds: _melody(rng, seconds, _PLAIN, 0.2),
    "piano": lambda rng, seconds: _melody(rng, seconds, _PIANO, 3.0),
    "two voices": _two_voices,
    "drums": _drums,
    "hold music": _hold,
}


def _levelled(sound: Sound) -> Sound:
    """About -18 dBFS, never clipped."""
    gain = 0.126 / max(float(np.sqrt(np.mean(sound**2))), 1e-9)
    return np.asarray(sound * min(gain, 0.9 / max(float(np.abs(sound).max()), 1e-9)))
