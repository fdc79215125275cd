"""The words of one leg in time, as recognisers report them: windows overlap, and a word that was
said once stands once.

A result says again what earlier ones said of its stretch, and replaces it; a word that its window
begins in the middle of stays as it was heard whole. Bounded: only the last words are kept.
"""

from collections.abc import Sequence

from media.keywords.phrases import Said
from media.keywords.spelling import spelled
from media.speech.recognition.result import Recognised, Word

__all__ = ["Timeline"]

MAX_BEFORE = 24
"""Words kept before those that are new; a phrase has twelve at most, and numbers have several."""
MAX_WORDS = 400
"""Words of one result that are looked at; a window has a few dozen."""
EDGE_NS = 100_000_000
"""A word that begins with its window, in the middle of one that was heard whole, is its piece."""
MARGIN_NS = 150_000_000
"""A word that ended so shortly before a window may still be in it: times are not exact."""


class Timeline:
    """What was said lately on a leg."""

    __slots__ = ("_words", "cut_ns", "fresh")

    def __init__(self) -> None:
        self._words: list[Word] = []
        self.cut_ns = 0
        """From when on the last result has replaced what was heard before."""
        self.fresh: tuple[int, int] = (0, 0)
        """Which of the words came with the last result: from, up to."""

    @property
    def words(self) -> Sequence[Word]:
        """The words as they were recognised, in order."""
        return self._words

    def add(self, result: Recognised) -> list[Said]:
        """Take a result; the words around and in its stretch, as they are compared."""
        cut, whole = result.start_ns - MARGIN_NS, 0
        for word in self._words:
            if word.start_ns < result.start_ns < word.end_ns:
                cut = whole = max(cut, word.end_ns)
        before = [word for word in self._words if _middle(word) < cut][-MAX_BEFORE:]
        after = [word for word in self._words if _middle(word) > max(result.end_ns, cut)]
        fresh = [
            word
            for word in result.words[:MAX_WORDS]
            if _middle(word) >= cut
            and (word.start_ns >= whole or word.start_ns > result.start_ns + EDGE_NS)
        ]
        self.cut_ns = cut
        self._words = [*before, *fresh, *after[:MAX_BEFORE]]
        self.fresh = (len(before), len(before) + len(fresh))
        return [self._said(*word) for word in spelled([word.text for word in self._words])]

    def _said(self, text: str, first: int, last: int) -> Said:
        words = self._words[first : last + 1]
        least = min(word.confidence for word in words)
        return Said(text, words[0].start_ns, words[-1].end_ns, least, first, last)


def _middle(word: Word) -> int:
    return (word.start_ns + word.end_ns) // 2
