import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import ALL_VARIANTS, Variant
from media.keywords.forms import forms_of, sounds_alike
from media.keywords.homophones import COMMON, HOMOPHONES


def forms(word: str, *variants: Variant, alone: bool = True) -> set[str]:
    chosen = frozenset(variants) if variants else ALL_VARIANTS
    return {form for form, _ in forms_of(word, chosen, alone=alone)}


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("friend", "friends friend's"),
        ("friends", "friend friend's"),
        ("order", "orders ordered ordering"),
        ("ordered", "order orders ordering"),
        ("plan", "plans planned planning"),
        ("planning", "plan planned"),
        ("buy", "buys buying bought"),
        ("bought", "buy buying"),
        ("cancel", "canceled canceling cancels"),
        ("company", "companies company's"),
        ("companies", "company"),
        ("charge", "charges charged charging"),
        ("charging", "charge charged"),
        ("child", "children"),
        ("box", "boxes"),
        ("pay", "pays paid paying"),
        ("try", "tries tried trying"),
        ("tried", "try tries"),
        ("mail", "male mails mailed mailing"),
    ],
)
def test_inflections_are_the_word(word: str, others: str) -> None:
    assert set(others.split()) <= forms(word)


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("order", "border disorder orderly odor reorder ardor"),
        ("friend", "friendly friendship fiend trend befriend"),
        ("card", "cord guard court cart scared discard"),
        ("appointment", "disappointment appoint appointed point"),
        ("new", "news knew"),
        ("news", "new"),
        ("evening", "even"),
        ("even", "evening"),
        ("car", "care caring cared card"),
        ("star", "stare staring"),
        ("rating", "rat"),
        ("thing", "the"),
        ("this", "thi"),
        ("business", "busines busy"),
        ("bus", "bu"),
        ("wedding", "wed"),
        ("willing", "will"),
        ("no", "know"),
        ("right", "write"),
        ("2", "to too"),
    ],
)
def test_other_words_are_not(word: str, others: str) -> None:
    found = forms(word) & set(others.split())
    assert found <= {"write"}


def test_each_variant_has_its_own_forms() -> None:
    assert forms("card", "plural") == {"card", "cards", "card's"}
    assert "ordered" not in forms("order", "plural")
    assert forms("order", "homophones") == {"order"}
    assert forms("mail", "homophones") == {"mail", "male"}
    assert {form for form, _ in forms_of("mail", frozenset())} == {"mail"}
    assert "children" not in forms("child", "stem")


def test_the_word_itself_is_the_surest() -> None:
    found = dict(forms_of("mail", ALL_VARIANTS))
    assert found["mail"] == 1.0
    assert 1.0 > found["mails"] > found["male"] > 0.5


def test_within_a_phrase_a_common_word_may_stand_for_another() -> None:
    assert "know" in forms("no", alone=False)
    assert "know" not in forms("no", alone=True)


def test_homophones_go_both_ways() -> None:
    assert len(HOMOPHONES) > 400
    for word, others in HOMOPHONES.items():
        assert word not in others
        assert all(word in HOMOPHONES[other] for other in others)


@pytest.mark.parametrize(
    "same",
    [
        ("medicare", "medicaire", "medicair"),
        ("crystal", "cristal", "kristal"),
        ("katherine", "catherine"),
        ("zyrtec", "zirtek"),
        ("phones", "fones"),
        ("adviser", "advisor"),
        ("quality", "kwality"),
    ],
)
def test_spellings_of_one_sound_are_alike(same: tuple[str, ...]) -> None:
    sounds = {sounds_alike(word) for word in same}
    assert len(sounds) == 1
    assert None not in sounds


@pytest.mark.parametrize(
    "different",
    [
        ("order", "border", "odors", "ardor"),
        ("cards", "cords", "guard", "court", "carts"),
        ("later", "latter"),
        ("appointment", "disappointment"),
        ("billing", "building"),
        ("recent", "resent"),
        ("angel", "angle"),
        ("insurance", "assurance"),
        ("coral", "corral"),
        ("fleece", "flies"),
    ],
)
def test_words_that_sound_different_are_not(different: tuple[str, ...]) -> None:
    sounds = [sounds_alike(word) for word in different]
    assert len(set(sounds)) == len(sounds)


def test_short_and_common_words_have_no_second_spelling() -> None:
    assert sounds_alike("card") is None
    assert all(sounds_alike(word) is None for word in COMMON)


@given(st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=12))
def test_any_word_is_a_form_of_itself_and_its_forms_are_few(word: str) -> None:
    found = forms_of(word, ALL_VARIANTS)
    assert found[0] == (word, 1.0)
    assert len(found) < 60
    assert all(form and 0 < sure <= 1 for form, sure in found)
    sounds_alike(word)
