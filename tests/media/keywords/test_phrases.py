import pytest

from config.model import ALL_VARIANTS, Phrase, Variant
from config.words import words_of
from media.keywords.phrases import MAX_PAUSE_NS, Pattern, PhraseIndex, Said
from media.keywords.spelling import spelled

STEP = 400_000_000


def said(text: str, *, pause_after: int | None = None) -> list[Said]:
    words: list[Said] = []
    at = 0
    for index, word in enumerate(spelled(text.split())):
        words.append(Said(word.text, at, at + STEP, 0.9, word.first, word.last))
        at += STEP + (MAX_PAUSE_NS + 1 if index == pause_after else 0)
    return words


def places(
    phrase: str, text: str, variants: frozenset[Variant] = ALL_VARIANTS
) -> list[tuple[int, int]]:
    index = PhraseIndex([Pattern(Phrase(words_of(phrase)), variants)])
    return [(found.first, found.last) for found in index.find(said(text))]


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("friend", "a friend told my friends", [(1, 1), (4, 4)]),
        ("credit card", "my credit card", [(1, 2)]),
        ("credit card", "credit my card", []),
        ("credit card", "card credit", []),
        ("credit card", "credit uh um cards", [(0, 3)]),
        ("uh oh", "uh oh", [(0, 1)]),
        ("do not call", "please don't call me", [(1, 3)]),
        ("$50", "i have fifty dollars", [(2, 3)]),
        ("fifty dollars", "$50", [(0, 1)]),
        ("nine one one", "call 911", [(1, 1)]),
        ("911", "call nine one one now", [(1, 3)]),
        ("nine one one", "nine eleven", [(0, 1)]),
        ("nine one one", "nine one", []),
        ("1984", "nineteen eighty four", [(0, 1)]),
        ("website", "the web site", [(1, 2)]),
        ("web site", "the website", [(1, 1)]),
        ("web sites", "the websites", [(1, 1)]),
        ("medicare plan", "medicaire plan", [(0, 1)]),
        ("order", "border disorder orderly", []),
        ("security card", "special security guard", []),
        ("cat", "category", []),
        ("no", "i know", []),
    ],
)
def test_a_phrase_is_found_where_it_is_said(
    phrase: str, text: str, found: list[tuple[int, int]]
) -> None:
    assert places(phrase, text) == found


def test_a_long_pause_begins_anew() -> None:
    index = PhraseIndex([Pattern(Phrase(("credit", "card")), ALL_VARIANTS)])
    assert list(index.find(said("credit card", pause_after=0))) == []
    assert len(list(index.find(said("credit card")))) == 1


def test_without_variants_only_the_words_themselves_count() -> None:
    bare = frozenset[Variant]()
    assert places("credit card", "credit cards credit card", bare) == [(2, 3)]
    assert places("website", "web site website", bare) == [(2, 2)]
    assert places("medicare", "medicaire", bare) == []
    assert places("911", "nine one one", bare) == [(0, 2)]


def test_less_sure_forms_weigh_on_the_phrase() -> None:
    patterns = [Pattern(Phrase(("medicare", "plan")), ALL_VARIANTS)]
    exact = next(PhraseIndex(patterns).find(said("medicare plan")))
    alike = next(PhraseIndex(patterns).find(said("medicaire plans")))
    assert exact.sureness == 1.0
    assert alike.sureness < 0.9


def test_many_phrases_are_looked_for_at_once() -> None:
    phrases = ["friend", "credit card", "card"]
    index = PhraseIndex([Pattern(Phrase(words_of(one)), ALL_VARIANTS) for one in phrases])
    found = [
        (phrases[one.pattern], one.first) for one in index.find(said("a friend's credit card"))
    ]
    assert found == [("friend", 1), ("credit card", 2), ("card", 3)]
