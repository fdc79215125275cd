"""Phrases looked for in words: which forms count, words that are written apart or together.

A phrase is found in words that follow each other without a long pause; hesitations between them do
not count. A number may be read out in parts (`nine one one`, 911), a word written in two (`web
site`). Knows no rules and no legs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from config.model import Phrase, Variant
from media.keywords.forms import ALIKE, EXACT, SOUNDS, forms_of, sounds_alike
from media.keywords.spelling import spelled

__all__ = ["Found", "Pattern", "PhraseIndex", "Said"]

MAX_PAUSE_NS = 2_000_000_000
"""Between two words of a phrase; who pauses longer has begun anew."""
MAX_JOINED = 10
"""Digits of a number that is read out one by one; words are joined by two."""

_HESITATIONS = frozenset(("uh", "um", "er", "erm", "ah", "hmm", "mm", "eh"))


class Said(NamedTuple):
    """A word that was said, as it is compared."""

    text: str
    start_ns: int
    end_ns: int
    confidence: float
    first: int
    last: int
    """The words as they were recognised that it stands for."""


class Found(NamedTuple):
    """A phrase that was found: which words it takes, from the first to the last, and how sure its
    forms are."""

    pattern: int
    first: int
    last: int
    sureness: float


@dataclass(frozen=True, slots=True)
class _Element:
    """One word of a phrase with all of its forms."""

    text: str
    forms: dict[str, float]
    sound: str | None

    def sureness(self, text: str) -> float:
        """How surely a word is this one; 0 when it is not."""
        known = self.forms.get(text)
        if known is not None:
            return known
        return ALIKE if self.sound is not None and sounds_alike(text) == self.sound else 0.0


class Pattern:
    """A phrase, ready to be looked for."""

    def __init__(self, phrase: Phrase, variants: frozenset[Variant]) -> None:
        words = [word.text for word in spelled(phrase.words)]
        self.text = " ".join(phrase.words)
        self.sounding = "homophones" in variants
        self.elements = [
            _Element(
                word,
                dict(forms_of(word, variants, alone=len(words) == 1)),
                sounds_alike(word) if self.sounding else None,
            )
            for word in words
        ]
        self.joined = self._joined(words)
        """By place: what the words from there on are when they are written together, with how
        many they are."""

    def _joined(self, words: list[str]) -> list[dict[str, int]]:
        found: list[dict[str, int]] = []
        for first in range(len(words)):
            here: dict[str, int] = {}
            for after in range(first + 2, min(len(words), first + MAX_JOINED) + 1):
                part = words[first:after]
                if all(map(str.isdigit, part)) or (self.sounding and len(part) == 2):
                    here["".join(part)] = len(part)
            found.append(here)
        return found

    def begins(self) -> Iterator[str]:
        """The words that it may begin with."""
        yield from self.elements[0].forms
        yield from self.joined[0]

    def match(self, words: Sequence[Said], first: int) -> tuple[int, float] | None:
        """The last word of the phrase when it begins at `first`, and how sure its forms are."""
        return self._match(words, first, 0, EXACT, first)

    def _match(
        self, words: Sequence[Said], at: int, place: int, sureness: float, begin: int
    ) -> tuple[int, float] | None:
        if place == len(self.elements):
            return at - 1, sureness
        if at >= len(words):
            return None
        if at > begin and words[at].start_ns - words[at - 1].end_ns > MAX_PAUSE_NS:
            return None
        for taken, elements, sure in self._steps(words, at, place):
            found = self._match(words, at + taken, place + elements, min(sureness, sure), begin)
            if found is not None:
                return found
        if at > begin and words[at].text in _HESITATIONS:
            return self._match(words, at + 1, place, sureness, begin)
        return None

    def _steps(
        self, words: Sequence[Said], at: int, place: int
    ) -> Iterator[tuple[int, int, float]]:
        """How words from here on may be taken: how many, for how many elements, how surely."""
        element, text = self.elements[place], words[at].text
        sure = element.sureness(text)
        if sure:
            yield 1, 1, sure
        together = self.joined[place].get(text)
        if together is not None:
            yield 1, together, SOUNDS
        for count in self._apart(element, words, at):
            yield count, 1, SOUNDS

    def _apart(self, element: _Element, words: Sequence[Said], at: int) -> Iterator[int]:
        """How many words in a row are the element, written apart."""
        digits = element.text.isdigit()
        if not digits and not self.sounding:
            return
        most = min(len(element.text), MAX_JOINED) if digits else 2
        text = words[at].text
        for count in range(2, min(most, len(words) - at) + 1):
            text += words[at + count - 1].text
            if text == element.text or (not digits and element.forms.get(text, 0.0) > SOUNDS):
                yield count
            if len(text) > len(element.text) + 3:
                return


class PhraseIndex:
    """Many phrases looked for at once: a word that begins none of them costs a look-up."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._begins: dict[str, list[int]] = {}
        self._sounds: dict[str, list[int]] = {}
        for index, pattern in enumerate(self.patterns):
            for text in pattern.begins():
                self._begins.setdefault(text, []).append(index)
            sound = pattern.elements[0].sound
            if sound is not None:
                self._sounds.setdefault(sound, []).append(index)
        self._numbers = [
            index
            for index, pattern in enumerate(self.patterns)
            if pattern.elements[0].text.isdigit() and len(pattern.elements[0].text) > 1
        ]

    def find(self, words: Sequence[Said]) -> Iterator[Found]:
        """Every place at which a phrase stands; of one that begins at a word, once."""
        for first in range(len(words)):
            for index in sorted(self._candidates(words, first)):
                found = self.patterns[index].match(words, first)
                if found is not None:
                    yield Found(index, first, *found)

    def _candidates(self, words: Sequence[Said], first: int) -> set[int]:
        text = words[first].text
        found = set(self._begins.get(text, ()))
        if self._sounds:
            sound = sounds_alike(text)
            if sound is not None:
                found.update(self._sounds.get(sound, ()))
        if text.isdigit():
            found.update(self._numbers)
        elif first + 1 < len(words):
            found.update(self._begins.get(text + words[first + 1].text, ()))
        return found
