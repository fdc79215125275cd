"""What digits a caller has said: "six oh two, five five five", "602-555", "double five", "fifty
two".

The same words can be read in several ways (twenty one: 21, or 20 and 1; eight hundred five: 805,
or 800 and 5), and "to", "for", "ate" may be digits. `readings` gives all ways, the likeliest first;
who asks takes the first that can be an answer. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

__all__ = ["FILLERS", "Reading", "begins_again", "digit_of", "is_number_word", "readings"]

MAX_READINGS = 64
"""Ways of reading that are looked at: six doubtful places."""
MAX_STEPS = 2000
"""Steps on all ways together: ways that lead nowhere must not cost more than those that do."""
MAX_TOKENS = 40
"""Words of an answer: more is a conversation."""

UNITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "one": "1", "two": "2",
    "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "niner": "9",
}  # fmt: skip
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "20", "thirty": "30", "forty": "40", "fourty": "40", "fifty": "50", "sixty": "60",
    "seventy": "70", "eighty": "80", "ninety": "90",
}  # fmt: skip
REPEATS = {"double": 2, "triple": 3, "treble": 3}
SCALES = {"hundred": 100, "thousand": 1000}
SOUND_ALIKES = {
    "to": "2", "too": "2", "tu": "2", "for": "4", "fore": "4", "won": "1", "ate": "8", "sex": "6",
    "free": "3", "tree": "3", "owe": "0", "ow": "0", "nein": "9", "mine": "9", "sicks": "6",
}  # fmt: skip
"""What a recogniser writes for a digit that it takes for another word."""

FILLERS = frozenset(
    (
        "a", "and", "the", "my", "is", "it", "it's", "its", "that", "that's", "this", "number",
        "numbers", "zip", "code", "postal", "area", "press", "pressed", "option", "choice",
        "choose", "say", "said", "key", "digit", "digits", "please", "um", "uh", "er", "ah", "hm",
        "hmm", "well", "okay", "ok", "so", "yes", "yeah", "thanks", "thank", "you", "i", "i'd",
        "i'll", "want", "would", "like", "go", "with", "take", "pick", "be", "dash", "hyphen",
        "space", "plus", "comma", "period", "then",
    )
)  # fmt: skip
"""Words around an answer that change nothing."""
CORRECTIONS = frozenset(
    (
        "no", "not", "sorry", "wait", "actually", "mean", "oops", "correction", "instead",
        "rather",
    )
)  # fmt: skip
"""Words after which something else counts than what was said before: nobody knows how much."""
ENDINGS = frozenset(("pound", "hash", "star"))
"""Said for the key that would end the entry."""


class Reading(NamedTuple):
    """One way to read what was said."""

    digits: str
    strange: int
    """Words that belong to no number: the more, the less sure."""


def digit_of(word: str) -> str | None:
    """The digit that a word stands for, or sounds like."""
    if len(word) == 1 and word.isascii() and word.isdigit():
        return word
    return UNITS.get(word) or SOUND_ALIKES.get(word)


def is_number_word(word: str) -> bool:
    """Whether a word is, surely, part of a number."""
    return (
        (word.isascii() and word.isdigit())
        or word in UNITS
        or word in TEENS
        or word in TENS
        or word in SCALES
        or word in REPEATS
    )


def readings(words: Sequence[str]) -> tuple[Reading, ...]:
    """All ways to read the words as digits, the likeliest first, each once; none where somebody
    corrects himself, or speaks too long."""
    if len(words) > MAX_TOKENS or any(word in CORRECTIONS for word in words):
        return ()
    if words and words[-1] in ENDINGS:
        words = words[:-1]
    found: dict[str, int] = {}
    said = tuple(words)
    repeated = begins_again(said)
    for part, more in ((said, 0), (said[: len(said) - repeated], 1))[: 2 if repeated else 1]:
        for digits, strange in islice(_Reader().read(part), MAX_READINGS):
            if digits:
                found[digits] = min(strange + more, found.get(digits, strange + more))
    return tuple(Reading(digits, strange) for digits, strange in found.items())


def begins_again(words: Sequence[str]) -> int:
    """How many words at the end are the beginning once more, once or several times, and need not
    have been said.

    Recognisers that write on when nothing more was said write it again: "90210 90210 9", or "six
    four eight two seven six".
    """
    for period in range(1, len(words)):
        behind = words[period:]
        again = [words[place % period] for place in range(len(behind))]
        if list(behind[:-1]) == again[:-1] and again[-1].startswith(behind[-1]):
            return len(behind)
    return 0


class _Reader:
    """Walks all ways, for so many steps."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS

    def read(self, words: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        """Every way to read the rest of the words: digits, and how many words are strange."""
        self._steps -= 1
        if not words:
            yield "", 0
        elif self._steps > 0:
            for digits, taken, strange in _starts(words):
                for rest, more in self.read(words[taken:]):
                    yield digits + rest, strange + more


def _starts(words: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """Ways to read the first words: digits, how many words they took, how many were strange."""
    word = words[0]
    if word in REPEATS:
        repeated = _repeated(words[1]) if len(words) > 1 else None
        if repeated is not None:
            yield repeated[0] * REPEATS[word] + repeated[1:], 2, 0
    elif _plain(word) is not None:
        yield from _values(words)
    elif word in SCALES:
        return  # of nothing
    elif word in SOUND_ALIKES:
        yield SOUND_ALIKES[word], 1, 0
        yield "", 1, 0
    else:
        yield "", 1, int(word not in FILLERS)


def _repeated(word: str) -> str | None:
    """The digits whose first is said more than once: of `double 709`, as of `double seven`."""
    return word if word.isascii() and word.isdigit() else digit_of(word)


def _values(words: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """The longest number that begins here, then shorter ones, down to its first word."""
    value, taken = int(_plain(words[0]) or 0), 1
    leading = len(_plain(words[0]) or "") - len(str(value))
    found = [(_plain(words[0]) or "", 1)]
    room = _room_behind(words[0])
    while taken < len(words) and not leading:
        word, skipped = words[taken], 0
        if word == "and" and room > 10 and taken + 1 < len(words):
            word, skipped = words[taken + 1], 1
        part = _plain(word)
        scale = SCALES.get(word)
        if scale is not None and not skipped and 0 < value % 1000 < 100 and room <= 10:
            value, room = _scaled(value, scale), scale
        elif part is not None and 0 < int(part) < room and str(int(part)) == part:
            value += int(part)
            room = _room_behind(word) if room > 10 else 1
        else:
            break
        taken += 1 + skipped
        found.append((str(value), taken))
    yield from ((digits, taken, 0) for digits, taken in reversed(found))


def _scaled(value: int, scale: int) -> int:
    """`twelve hundred` is 1200; of `one thousand two hundred` only the 2 is meant."""
    last = value % 1000 if value >= 1000 else value
    return value - last + last * scale


def _room_behind(word: str) -> int:
    """What may be added behind a word lies below this: twenty-one, but not two-one."""
    if word in TENS:
        return 10
    return SCALES.get(word, 1)


def _plain(word: str) -> str | None:
    """The digits of one number word or numeral."""
    if word.isascii() and word.isdigit():
        return word
    return UNITS.get(word) or TEENS.get(word) or TENS.get(word)
