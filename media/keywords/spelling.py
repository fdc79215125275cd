"""One spelling for what is said alike: contractions, numbers, signs, before words are compared.

`don't` is "do not", `gonna` is "going to", `twenty one` and `21` are "21", `$50` is "50 dollars",
`3rd` is "third". Phrases of rules and recognised words go through the same, so that it makes no
difference how either was written. Digits that are read out one by one stay apart: matching joins
them (`media.keywords.phrases`).
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from config.words import words_of

__all__ = ["Spelled", "spelled"]

MAX_NUMBER = 12
"""Digits of a number that is made of words: nobody says longer ones."""


class Spelled(NamedTuple):
    """A word as it is compared, and which words as they were written it stands for."""

    text: str
    first: int
    last: int


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """`don't=do not; ok=okay` as a table."""
    pairs = (entry.split("=") for entry in text.split(";"))
    return {word.strip(): tuple(words.split()) for word, words in pairs}


_EXPANSIONS = _table(
    "can't=can not; cant=can not; cannot=can not; won't=will not; shan't=shall not; dont=do not; "
    "didnt=did not; doesnt=does not; isnt=is not; arent=are not; wasnt=was not; werent=were not; "
    "wouldnt=would not; couldnt=could not; shouldnt=should not; hasnt=has not; havent=have not; "
    "hadnt=had not; im=i am; ive=i have; youre=you are; youve=you have; theyre=they are; "
    "weve=we have; thats=that is; whats=what is; it's=it is; that's=that is; what's=what is; "
    "he's=he is; she's=she is; there's=there is; who's=who is; where's=where is; how's=how is; "
    "here's=here is; let's=let us; lets=let us; y'all=you all; gonna=going to; wanna=want to; "
    "gotta=got to; lemme=let me; gimme=give me; dunno=do not know; ok=okay; o'clock=oclock; "
    "mr=mister; mrs=missus; dr=doctor; vs=versus; colour=color; colours=colors; centre=center; "
    "theatre=theater; cheque=check; cheques=checks; tyre=tire; tyres=tires; programme=program; "
    "grey=gray; licence=license; favourite=favorite; catalogue=catalog; cancelled=canceled; "
    "cancelling=canceling; travelling=traveling; labour=labor; neighbour=neighbor; "
    "jewellery=jewelry; organisation=organization"
)
_ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am"}
_ONE_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_ONE_WORDS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TEN_WORDS.split(), 2)}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINAL_WORDS = """
zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
"""
_TENTH_WORDS = "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth"
_ORDINALS = _ORDINAL_WORDS.split()
_TENTHS = _TENTH_WORDS.split()
_ORDINAL = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)\Z")
_BEGINS = frozenset((*_ONES, *_TENS, "a", "oh", "o"))
"""What a number in words may begin with."""
_ZERO = ("oh", "o")
"""How a zero is read out, between other digits."""


def spelled(words: Sequence[str]) -> list[Spelled]:
    """The words as they are compared."""
    return list(_numbers(_expanded(words)))


def _expanded(words: Sequence[str]) -> list[Spelled]:
    found: list[Spelled] = []
    for index, written in enumerate(words):
        for part in _parts_of(written):
            found.append(Spelled(part, index, index))
    return found


@lru_cache(maxsize=16384)
def _parts_of(written: str) -> tuple[str, ...]:
    """A word as it was written, in words as they are compared, numbers still in words."""
    return tuple(part for word in words_of(written) for part in _parts(word))


def _parts(word: str) -> tuple[str, ...]:
    expansion = _EXPANSIONS.get(word)
    if expansion is not None:
        return expansion
    for ending, meaning in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return word.removesuffix(ending), meaning
    return _ordinal(word) or (word,)


def _ordinal(word: str) -> tuple[str, ...]:
    """The words of `21st`; none when it is no such."""
    match = _ORDINAL.match(word)
    if match is None:
        return ()
    tens, ones = divmod(int(match[1]), 10)
    if tens < 2:
        return (_ORDINALS[int(match[1])],)
    return (_TENTHS[tens - 2],) if ones == 0 else (str(10 * tens), _ORDINALS[ones])


# Numbers.


def _numbers(words: list[Spelled]) -> Iterator[Spelled]:
    """The words with numbers in digits."""
    at = 0
    while at < len(words):
        if not (words[at].text in _BEGINS or words[at].text[0].isdigit()):
            yield words[at]
            at += 1
            continue
        value, after = _number(words, at)
        if value is not None:
            yield Spelled(value, words[at].first, words[after - 1].last)
            at = after
        else:
            word = words[at]
            yield word._replace(text="0") if _is_zero(words, at) else word
            at += 1


def _is_zero(words: list[Spelled], at: int) -> bool:
    """Whether an "oh" stands for a digit: beside one."""
    if words[at].text not in _ZERO:
        return False
    beside = [*words[max(0, at - 1) : at], *words[at + 1 : at + 2]]
    return any(word.text in _ONES or word.text.isdigit() for word in beside)


def _number(words: list[Spelled], at: int) -> tuple[str | None, int]:
    """The number in words that begins here, and where it ends."""
    total, end, limit = 0, at, 10**MAX_NUMBER
    while limit > 1:
        skipped = int(end > at and _text(words, end) == "and")
        value, after = _below_thousand(words, end + skipped)
        scale = _SCALES.get(_text(words, after), 1)
        if value is None or scale >= limit:
            break
        total, end, limit = total + value * scale, after + (scale > 1), scale
    if end == at:
        return None, at
    only = words[at].text
    return (only if end == at + 1 and only.isdigit() else str(total)), end


def _below_thousand(words: list[Spelled], at: int) -> tuple[int | None, int]:
    """`two hundred and five`, `a hundred`, `forty two`, `7`; with digits also those of a scale."""
    text = _text(words, at)
    following = _text(words, at + 1)
    if text in ("a", "one") and following == "hundred":
        return _hundreds(1, words, at + 2)
    if text == "a" and following in _SCALES:
        return 1, at + 1
    if text.isdigit() and text.isascii() and len(text) <= 3:
        if following == "hundred" and len(text) == 1:
            return _hundreds(int(text), words, at + 2)
        return int(text), at + 1
    if 1 <= _ONES.get(text, 0) <= 9 and following == "hundred":
        return _hundreds(_ONES[text], words, at + 2)
    return _below_hundred(words, at)


def _hundreds(count: int, words: list[Spelled], at: int) -> tuple[int, int]:
    behind_and = at + 1 if _text(words, at) == "and" else at
    rest, after = _below_hundred(words, behind_and)
    return (100 * count, at) if rest is None else (100 * count + rest, after)


def _below_hundred(words: list[Spelled], at: int) -> tuple[int | None, int]:
    text = _text(words, at)
    if text in _TENS:
        ones = _ONES.get(_text(words, at + 1), 0)
        return (_TENS[text] + ones, at + 2) if 1 <= ones <= 9 else (_TENS[text], at + 1)
    return (_ONES[text], at + 1) if text in _ONES else (None, at)


def _text(words: list[Spelled], at: int) -> str:
    return words[at].text if at < len(words) else ""
