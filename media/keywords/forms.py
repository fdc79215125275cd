"""The forms of a word that count as the word: inflections, plurals, words that sound the same.

Inflection only, never derivation: `order` has ordered and ordering, not orderly, and no word is cut
down to a stem that another word shares: border stays border. A form is spelled out when a rule is
read; what a rule would make that is no word at all does no harm.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from config.model import Variant
from media.keywords.homophones import COMMON, HOMOPHONES
from media.keywords.phonetics import sound_of

__all__ = ["ALIKE", "EXACT", "INFLECTED", "SOUNDS", "forms_of", "sounds_alike"]

EXACT, INFLECTED, SOUNDS, ALIKE = 1.0, 0.97, 0.9, 0.8
"""How sure a form is to be the word: it weighs on the confidence of a hit."""

MIN_ALIKE = 5
"""Letters from which on a spelling that sounds the same counts: shorter ones are words of their
own."""

_VOWELS = frozenset("aeiouy")
_SYLLABLE = re.compile("[aeiouy]+")
_APART_WORDS = """
arms bored ceiling clothing customs does evening glasses goods has herring his inning its jeans
lasting means news outing pants premises shed stocking thing this thus tired united wedding wicked
willing yes
"""
_APART = frozenset(_APART_WORDS.split())
"""Words that only look like a form of another, or have a sense of their own."""

_IRREGULAR = """
buy bought; go goes going went gone; have has had having; say said; get got gotten getting;
make made; know knew known; take took taken; see saw seen; come came; think thought;
give gave given; find found; tell told; become became; feel felt; bring brought;
begin began begun; keep kept; hold held; write wrote written; stand stood; hear heard; meet met;
run ran; pay paid; sit sat; speak spoke spoken; lead led; lose lost; send sent; build built;
understand understood; break broke broken; spend spent; fall fell fallen; catch caught;
choose chose chosen; sell sold; teach taught; drive drove driven; eat ate eaten; fly flew flown;
forget forgot forgotten; grow grew grown; draw drew drawn; show shown; throw threw thrown;
win won; wear wore worn; sing sang sung; sleep slept; steal stole stolen; swim swam swum;
ride rode ridden; rise rose risen; shake shook shaken; shoot shot; seek sought; lend lent;
fight fought; freeze froze frozen; hide hid hidden; drink drank drunk; deal dealt; dig dug;
blow blew blown; wake woke woken; withdraw withdrew withdrawn; swear swore sworn;
refer referred referring; cancel canceled canceling; quit quitting; child children; man men;
woman women; person people; foot feet; tooth teeth; mouse mice; life lives; wife wives;
knife knives; half halves; shelf shelves; loaf loaves; goose geese; thief thieves;
"""
_PLURAL_WORDS = (
    "child man woman person foot tooth mouse life wife knife half shelf loaf goose thief"
)
_PLURALS = frozenset(_PLURAL_WORDS.split())
"""Irregular groups of nouns; the others are verbs."""


def _groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in _IRREGULAR.split(";"):
        words = tuple(group.split())
        found.update((word, words) for word in words)
    return found


_GROUPS = _groups()


@lru_cache(maxsize=4096)
def forms_of(
    word: str, variants: frozenset[Variant], *, alone: bool = False
) -> tuple[tuple[str, float], ...]:
    """Each form of a word with how sure it is, the word itself first. `alone`: it is a phrase by
    itself, for which no word counts that is heard all the time."""
    found: dict[str, float] = {word: EXACT}
    if not word.isdigit():
        for form in _inflected(word, variants):
            found.setdefault(form, INFLECTED)
    if "homophones" in variants:
        for form in HOMOPHONES.get(word, ()):
            if not (alone and form in COMMON):
                found.setdefault(form, SOUNDS)
                if "plural" in variants and not form.isdigit():
                    found.setdefault(_plural(form), SOUNDS)
    return tuple(found.items())


@lru_cache(maxsize=16384)
def sounds_alike(word: str) -> str | None:
    """What a word sounds like, when it is long enough for another spelling to be a slip."""
    good = len(word) >= MIN_ALIKE and word.isalpha() and word.isascii() and word not in COMMON
    return sound_of(word) if good else None


# Inflection.


def _inflected(word: str, variants: Collection[Variant]) -> Iterator[str]:
    if not word.isalpha() and "'" not in word:
        return
    verbs, nouns = "stem" in variants, "plural" in variants
    bases = [base for base in _bases(word, verbs=verbs, nouns=nouns) if base not in _APART]
    for base in bases:
        yield base
        irregular = _GROUPS.get(base, ())
        if (verbs and base not in _PLURALS) or (nouns and base in _PLURALS):
            yield from irregular
        if nouns or verbs:
            yield from (form for form in (_plural(base), *_others(base)) if form not in _APART)
        if nouns:
            yield f"{base}'s"
        if verbs and not irregular:
            yield from (form for form in _past(base) if form not in _APART)
        if verbs:
            yield from (form for form in _progressive(base) if form not in _APART)


def _bases(word: str, *, verbs: bool, nouns: bool) -> list[str]:
    """What a word may be a form of: itself first."""
    if word in _APART:
        return []
    found = [word]
    if word in _GROUPS and (verbs or nouns):
        found.append(_GROUPS[word][0])
    if word.endswith("'s"):
        found.append(word[:-2])
    elif (verbs or nouns) and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        found += _without_s(word)
    if verbs and word.endswith("ed"):
        found += _without(word, "ed", "ied")
    if verbs and word.endswith("ing"):
        found += _without(word, "ing", "ying")
    bases = [base for base in dict.fromkeys(found[1:]) if _is_base(base)]
    return bases or [word]


def _is_base(word: str) -> bool:
    return len(word) >= 3 and any(letter in _VOWELS for letter in word)


def _without_s(word: str) -> list[str]:
    if word.endswith("ies") and len(word) > 4:
        return [f"{word[:-3]}y"]
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        return [word[:-2], word[:-1]]
    return [word[:-1]]


def _without(word: str, ending: str, with_y: str) -> list[str]:
    """The bases of a word with -ed or -ing."""
    rest = word.removesuffix(ending)
    found = [rest, f"{rest}e"]
    if word.endswith(with_y) and ending == "ed":
        found = [f"{word[:-3]}y"]
    if len(rest) > 3 and rest[-1] == rest[-2]:
        found = [rest[:-1]] if rest[-1] not in "lsz" else [rest, rest[:-1]]
    elif _doubles(rest) and _is_short(rest):
        found = [f"{rest}e"]
    return found


def _plural(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and len(word) > 1 and word[-2] not in _VOWELS:
        return f"{word[:-1]}ies"
    return f"{word}s"


def _others(word: str) -> Iterator[str]:
    if word.endswith("o"):
        yield f"{word}es"


def _past(word: str) -> Iterator[str]:
    if word.endswith("e"):
        yield f"{word}d"
    elif word.endswith("y") and len(word) > 1 and word[-2] not in _VOWELS:
        yield f"{word[:-1]}ied"
    else:
        if not (_doubles(word) and _is_short(word)):
            yield f"{word}ed"
        if _doubles(word):
            yield f"{word}{word[-1]}ed"


def _progressive(word: str) -> Iterator[str]:
    if word.endswith("ie"):
        yield f"{word[:-2]}ying"
    elif word.endswith("e") and not word.endswith(("ee", "ye", "oe")):
        yield f"{word[:-1]}ing"
    else:
        if not (_doubles(word) and _is_short(word)):
            yield f"{word}ing"
        if _doubles(word):
            yield f"{word}{word[-1]}ing"


def _is_short(word: str) -> bool:
    """Whether it has one syllable: then its last letter is doubled for certain (plan, planned)."""
    return len(_SYLLABLE.findall(word)) == 1


def _doubles(word: str) -> bool:
    """Whether the last letter may be doubled: one vowel before one consonant."""
    return (
        len(word) >= 3
        and word[-1] not in "aeiouywx"
        and word[-2] in "aeiou"
        and word[-3] not in "aeiou"
    )
