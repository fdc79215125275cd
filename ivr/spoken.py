"""What a caller means by what was said: the choice of a menu, yes or no, digits.

From words (as `config.words` makes them of what a recogniser wrote) to what a key would say. What
may mean two things means none: asking again costs seconds, a wrong choice the call. Pure; knows no
recogniser and no call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from config.model import Ask
from config.words import words_of
from ivr.answers import NO, YES
from ivr.spoken_numbers import FILLERS, begins_again, digit_of, is_number_word, readings

__all__ = [
    "MIN_CONFIDENCE",
    "Meant",
    "choice_meant",
    "digits_meant",
    "is_mumbled",
    "words_for_answer",
    "words_for_menu",
    "yes_or_no_meant",
]

MIN_CONFIDENCE = 0.02
"""A recogniser that is less sure has made words of noise. That leans to few words it is seldom
surer: of right answers of one word it says 0.01 to 0.3, of noise below 0.005."""

ALIKE_SHARE = 0.85
"""How sure a choice is that was heard nearly, or by its sound."""
STRANGE_SHARE = 0.9
"""How sure digits are beside each word that has nothing to do with them."""

MAX_STRANGE = 3
"""Words that have nothing to do with digits, among which digits are still believed."""

MIN_AGAIN = 4
"""Words from which on it is doubted that the last is the first again."""

MIN_ALIKE = 5
"""Letters from which on a word may differ in one and be the same: "infants", "todler"."""


class Meant(NamedTuple):
    """What was meant, as keys."""

    keys: str
    sure: float
    """0 to 1: how well the words fit, whatever the recogniser thought of them."""


_DENIALS = frozenset(("not", "isn't", "don't", "ain't", "wasn't"))


# Choices.


def choice_meant(spoken: Mapping[str, Sequence[str]], text: str) -> Meant | None:
    """The key of the one choice that was said; None where there is none, or more than one.

    `spoken` has phrases as `config.words` makes them.
    """
    words = words_of(text)
    choices = {key: [tuple(one.split()) for one in phrases] for key, phrases in spoken.items()}
    meant = {word for phrases in choices.values() for phrase in phrases for word in phrase}
    if any(word in _DENIALS and word not in meant for word in words):
        return None
    for same, sure in ((_same, 1.0), (_alike, ALIKE_SHARE)):
        found = _choices_in(words, choices, same)
        if found:
            return Meant(found[0], sure) if len(found) == 1 else None
    return _by_sound(words, choices)


_Words = tuple[str, ...]
_Choices = Mapping[str, Sequence[_Words]]


def _choices_in(
    words: _Words, choices: _Choices, same: Callable[[str, str], bool]
) -> tuple[str, ...]:
    """The choices whose phrases stand in what was said, but for those that are only part of a
    longer one."""
    spans = [
        (start, start + len(phrase), key)
        for key, phrases in choices.items()
        for phrase in phrases
        for start in _places(words, phrase, same)
    ]
    whole = {
        key
        for start, end, key in spans
        if not any(a <= start and end <= b and b - a > end - start for a, b, _ in spans)
    }
    return tuple(sorted(whole))


def _places(words: _Words, phrase: _Words, same: Callable[[str, str], bool]) -> list[int]:
    """Where a phrase stands. A number is one only by itself: "one" is not in "twenty one"."""
    found = []
    for start in range(len(words) - len(phrase) + 1):
        end = start + len(phrase)
        if all(same(a, b) for a, b in zip(words[start:end], phrase, strict=True)) and not (
            is_number_word(phrase[0]) and _counts_on(phrase, words[:start][::-1], words[end:])
        ):
            found.append(start)
    return found


def _counts_on(number: _Words, *beside: Sequence[str]) -> bool:
    """Whether the words on both sides of a number go on with another; said again ("one one") it is
    a stutter."""
    return any(
        not _same(word, number[0]) for words in beside for word in takewhile(is_number_word, words)
    )


def _same(word: str, wanted: str) -> bool:
    if word == wanted:
        return True
    digit = _named_digit(word)
    return digit is not None and digit == _named_digit(wanted)


def _named_digit(word: str) -> str | None:
    """The digit that a word surely is."""
    return digit_of(word) if is_number_word(word) else None


def _alike(word: str, wanted: str) -> bool:
    """Whether a word is another with one letter more, less or changed."""
    if _same(word, wanted):
        return True
    shorter, longer = sorted((word, wanted), key=len)
    if len(shorter) < MIN_ALIKE - 1 or len(longer) < MIN_ALIKE or len(longer) - len(shorter) > 1:
        return False
    place = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), None)
    if place is None:
        return True
    behind = shorter[place + 1 :] if len(shorter) == len(longer) else shorter[place:]
    return behind == longer[place + 1 :]


def _by_sound(words: _Words, choices: _Choices) -> Meant | None:
    """A number that was written in another way: "22", or "to", "for", "won"; only when nothing
    else was said."""
    left = [word for word in words if word not in FILLERS] or list(words)
    if not all(digit_of(word) or is_number_word(word) for word in left):
        return None
    number = _number(left[:1] if len(set(left)) == 1 else left)
    found = [
        key
        for key, phrases in choices.items()
        if number and any(_is_number(phrase) and _number(phrase) == number for phrase in phrases)
    ]
    return Meant(found[0], ALIKE_SHARE) if len(found) == 1 else None


def _is_number(words: Sequence[str]) -> bool:
    return all(is_number_word(word) for word in words)


def _number(words: Sequence[str]) -> str:
    """The likeliest number that words make."""
    return next((reading.digits for reading in readings(words)), "")


# Yes or no.

_YES = frozenset(
    (
        "yes", "yeah", "yep", "yup", "yea", "ya", "yah", "mhm", "sure", "correct", "right",
        "affirmative", "absolutely", "definitely", "certainly", "indeed", "okay", "ok", "exactly",
        "true", "course",
    )
)  # fmt: skip
_NO = frozenset(
    (
        "no", "nope", "nah", "nay", "negative", "wrong", "incorrect", "never", "false",
    )
)  # fmt: skip
_DENIED = frozenset(("right", "correct", "true"))
"""What is a clear no when it is not."""
_AGREEING = (("uh", "huh"), ("mm", "hmm"), ("mm", "hm"))
MAX_DENIED = 3
"""Words behind "not" that it may be about."""


def yes_or_no_meant(text: str) -> Meant | None:
    """1 for yes, 2 for no; None for neither, for both, and for "not sure"."""
    words = words_of(text)
    said = {YES} if _agrees(words) else set()
    denied = 0
    for place, word in enumerate(words):
        if word in _DENIALS:
            denied = place + 1 + MAX_DENIED
        elif word in _NO or (place < denied and word in _DENIED):
            said.add(NO)
        elif word in _YES:
            said |= {YES, NO} if place < denied else {YES}
    if not said:
        return _by_sound(words, {YES: [("one",)], NO: [("two",)]})
    return Meant(said.pop(), 1.0) if len(said) == 1 else None


# Digits.


def digits_meant(
    text: str, fits: Callable[[str], bool], *, before: str = ""
) -> tuple[Meant | None, Meant | None]:
    """The digits that make an answer with those said before, and else those that may begin one.

    `fits` says whether digits are an answer. Of several readings the likeliest that fits counts;
    what fits only with its beginning said once more at its end is none: that comes more often of a
    digit that was not heard.
    """
    words = words_of(text)
    found = sorted(readings(words), key=lambda reading: reading.strange)
    meant = [
        Meant(before + one.digits, STRANGE_SHARE**one.strange)
        for one in found
        if one.strange <= MAX_STRANGE
    ]
    whole = next((one for one in meant if fits(one.keys)), None)
    if whole is not None and len(words) >= MIN_AGAIN and begins_again(words):
        shorter = {one.digits for one in readings(words[: len(words) - begins_again(words)])}
        if whole.keys.removeprefix(before) not in shorter:
            return None, None
    return whole, meant[0] if meant else None


# Nothing.

_MUMBLED = frozenset(
    (
        "um", "umm", "uh", "uhh", "er", "erm", "eh", "ah", "hm", "hmm", "huh", "m", "mm", "mmm",
        "mhmm",
    )
)  # fmt: skip


def is_mumbled(text: str) -> bool:
    """Whether somebody has made sounds and said no word; "uh huh" says yes."""
    words = words_of(text)
    return all(word in _MUMBLED for word in words) and not _agrees(words)


def _agrees(words: _Words) -> bool:
    return any(pair in _AGREEING for pair in pairwise(words))


# What the recogniser may lean to.


def words_for_menu(spoken: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What may be said for the choices."""
    return tuple(dict.fromkeys(phrase for phrases in spoken.values() for phrase in phrases))


def words_for_answer(node: Ask) -> tuple[str, ...]:
    """What may be said for an answer; nothing for digits: a recogniser that leans to their names
    loses and doubles some of them."""
    return ("yes", "no") if node.kind == "yes_no" else ()
