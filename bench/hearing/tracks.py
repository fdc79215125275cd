"""What a leg says where keyword spotting is measured: its sound, and where the keywords are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.hearing.voices import KEYWORDS, Part, available, keywords_in, sentences, speak
from config.model import KeywordRule, Phrase
from media import SAMPLE_RATE
from media.g711 import Samples
from media.keywords.matcher import KeywordMatcher
from media.speech.recognition.engines import Engine
from media.speech.recognition.window import Window

__all__ = ["RULES", "Track", "make_tracks"]

GAP_SECONDS: Final = 1.7
"""Silence after a sentence: about two thirds of the time is speech."""
RULES: Final = tuple(
    KeywordRule(word, Phrase(tuple(word.split())), word, confidence=0.0) for word in KEYWORDS
)


@dataclass(slots=True)
class Track:
    """A leg's sound, clean, and what is said in it."""

    sound: Samples
    said: list[tuple[str, int, int]]
    """Keyword, first sample, sample after the last."""
    talk_seconds: float


def make_tracks(part: Part, engine: Engine, *, share: float) -> list[Track]:
    return [_track(voice, part, engine, share=share) for voice in available(part)]


def _track(voice: str, part: Part, engine: Engine, *, share: float) -> Track:
    """All sentences of a voice, those with keywords and those without by turns."""
    texts = []
    for with_keywords in (True, False):
        these = sentences(part, with_keywords=with_keywords)
        texts += list(these[: max(1, round(share * len(these)))])
    order = np.random.default_rng(5).permutation(len(texts))
    pieces: list[Samples] = [_silence()]
    said: list[tuple[str, int, int]] = []
    talk = 0.0
    for text in [texts[place] for place in order]:
        sound = speak(voice, text)
        begin = sum([piece.size for piece in pieces])
        for keyword in keywords_in(text):
            start, end = _where(keyword, text, sound, engine)
            said.append((keyword, begin + start, begin + end))
        pieces += [sound, _silence()]
        talk += sound.size / SAMPLE_RATE
    return Track(np.concatenate(pieces), said, talk)


def _silence() -> Samples:
    return np.zeros(int(GAP_SECONDS * SAMPLE_RATE), np.int16)


_places: dict[tuple[str, bytes], tuple[int, int]] = {}


def _where(keyword: str, text: str, sound: Samples, engine: Engine) -> tuple[int, int]:
    """Where a keyword is in its sentence: as the recogniser aligns the clean sound, else by
    letters."""
    key = (keyword, sound.tobytes())
    if key not in _places:
        window = Window(-1, sound, 0, "segment", True)
        (result,) = engine.recognise([window])
        hits = [hit for hit in KeywordMatcher(RULES).feed(result) if hit.rule.name == keyword]
        if hits:
            span = (hits[0].start_ns, hits[0].end_ns)
        else:
            at, length = text.lower().index(keyword), len(text)
            nanoseconds = window.end_ns
            span = (nanoseconds * at // length, nanoseconds * (at + len(keyword)) // length)
        _places[key] = span
    start_ns, end_ns = _places[key]
    return start_ns * 8 // 1_000_000, end_ns * 8 // 1_000_000
