"""How the words begin that rules listen for."""

from config.model import KeywordRule
from config.said import parse_said
from media.keywords.beginnings import beginning, beginnings


def rule(said: str) -> KeywordRule:
    return KeywordRule("x", parse_said(said), said)


def test_every_word_of_every_phrase_counts_by_its_begin() -> None:
    found = beginnings((rule("credit card or no"), rule("near(refund, back, 3 s) and not manager")))
    assert found == {"cre", "car", "no", "ref", "bac", "man"}


def test_a_longer_word_begins_alike_and_a_short_one_is_itself() -> None:
    assert beginning("friendly") == beginning("friend")
    assert beginning("no") != beginning("now")


def test_nothing_is_listened_for_without_rules() -> None:
    assert beginnings(()) == frozenset()
