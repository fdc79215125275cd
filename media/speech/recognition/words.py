"""From a recogniser's pieces to words with times: grouping, cleaning, and what was never said.

Whisper writes on when a short window leaves it nothing to write: it says the sentence again, or a
phrase that its training ended with. Such words have no time of their own in the sound: they are
squeezed together at its end.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.words import words_of

__all__ = ["Spoken", "is_monotonous", "normalise", "without_invented"]

MAX_COMPRESSION = 2.4
"""Text that zlib makes so many times smaller says the same again and again (as in Whisper)."""
MIN_WORD_SECONDS = 0.04
"""No word is shorter: two in a row that are were squeezed in at the end."""

_NOT_SPOKEN = re.compile(r"\[[^\]]*\]?|\([^)]*\)?|\*[^*]*\*?|♪")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word in a window: seconds from the window's start."""

    text: str
    """As it was understood, with its space and punctuation."""
    tokens: tuple[int, ...]
    start: float
    end: float
    confidence: float


def normalise(text: str) -> list[str]:
    """The words of a text: lower case, no punctuation, `$50` as it is spoken; nothing that is only
    noted ([music])."""
    return list(words_of(_NOT_SPOKEN.sub(" ", text)))


def without_invented(words: Sequence[Spoken], sound_end: float) -> list[Spoken]:
    """The words up to the first that begins after the sound, or of two with no time in it; none
    ends after the sound."""
    kept: list[Spoken] = []
    for word in words:
        if word.start >= sound_end:
            break
        if kept and _is_squeezed(kept[-1]) and _is_squeezed(word):
            return kept[:-1]
        kept.append(word if word.end <= sound_end else replace(word, end=sound_end))
    return kept


def _is_squeezed(word: Spoken) -> bool:
    return word.end - word.start < MIN_WORD_SECONDS


def is_monotonous(text: str) -> bool:
    """Whether a text says the same again and again."""
    octets = text.encode("utf-8")
    return len(octets) > 40 and len(octets) / len(zlib.compress(octets)) > MAX_COMPRESSION
