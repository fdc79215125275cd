"""pocketsphinx as a recogniser: spots the phrases it is given, and understands nothing else.

Light and old. It holds the interpreter's lock while it works (the worker is a process of its own),
and finds only long phrases with any certainty: for machines that can carry nothing better.
"""

import importlib
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from media.speech.recognition.result import Recognised, Word
from media.speech.recognition.wide import WIDE_RATE, widened
from media.speech.recognition.window import Window
from media.speech.recognition.words import normalise

__all__ = ["PocketsphinxEngine"]

MAX_DECODERS = 8
"""Sets of phrases that are kept ready, 25 MB each; beyond it the one longest unused goes."""
MAX_PHRASES = 100
"""Of one set: the time for a window grows with each, and false alarms do."""

FRAME_NS = 10_000_000
# Tuned by its makers' advice: longer phrases may be found more easily.
_THRESHOLD_A_LETTER = 1.6
CONFIDENCE = 0.5
"""It tells none that can be compared."""


class PocketsphinxEngine:
    """A decoder for each set of phrases."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        self._module: Any = importlib.import_module("pocketsphinx")
        self._decoders: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def recognise(self, windows: Sequence[Window]) -> list[Recognised]:
        """The phrases that were found in each window, in their order."""
        return [self._one(window) for window in windows]

    def _one(self, window: Window) -> Recognised:
        words = self._spot(window) if window.words and window.samples.size else []
        return Recognised(
            words=tuple(sorted(words, key=lambda word: word.start_ns)),
            start_ns=window.start_ns,
            end_ns=window.end_ns,
            mode="rolling" if window.purpose == "rolling" else "segment",
            engine=self.name,
            final=window.final,
            text=" ".join([word.text for word in words]),
        )

    def _spot(self, window: Window) -> list[Word]:
        decoder = self._decoder(window.words)
        if decoder is None:
            return []
        decoder.start_utt()
        decoder.process_raw(widened(window.samples).tobytes(), full_utt=True)
        decoder.end_utt()
        return [word for one in decoder.seg() or () for word in _words(one, window.start_ns)]

    def _decoder(self, phrases: tuple[str, ...]) -> Any:
        """A decoder for these phrases; None when its dictionary has none of their words."""
        if phrases in self._decoders:
            self._decoders.move_to_end(phrases)
            return self._decoders[phrases]
        self._decoders[phrases] = self._make(phrases)
        if len(self._decoders) > MAX_DECODERS:
            self._decoders.popitem(last=False)
        return self._decoders[phrases]

    def _make(self, phrases: tuple[str, ...]) -> Any:
        decoder = self._module.Decoder(samprate=WIDE_RATE, lm=None, loglevel="FATAL")
        known = [phrase for phrase in phrases[:MAX_PHRASES] if _is_known(decoder, phrase)]
        if not known:
            return None
        with tempfile.TemporaryDirectory(prefix="softswitch-phrases-") as folder:
            path = Path(folder, "phrases")
            path.write_text("".join([f"{one} /1e-{_threshold(one)}/\n" for one in known]))
            decoder.add_kws("keywords", str(path))
        decoder.activate_search("keywords")
        return decoder


def _is_known(decoder: Any, phrase: str) -> bool:
    return all(decoder.lookup_word(word) is not None for word in phrase.split())


def _threshold(phrase: str) -> int:
    return min(50, int(len(phrase) * _THRESHOLD_A_LETTER))


def _words(found: Any, origin_ns: int) -> list[Word]:
    """A phrase's words, its time shared out by their letters."""
    words = normalise(str(found.word))
    letters = sum([len(word) for word in words])
    at = origin_ns + int(found.start_frame) * FRAME_NS
    length = (int(found.end_frame) - int(found.start_frame)) * FRAME_NS
    timed = []
    for word in words:
        end = at + length * len(word) // letters
        timed.append(Word(word, at, end, CONFIDENCE))
        at = end
    return timed
