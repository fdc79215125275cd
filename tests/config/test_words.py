import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.words import MAX_WORD, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Credit Card", "credit card"),
        ("I don\u2019t know.", "i don't know"),
        ("e-mail, please!", "e mail please"),
        ("$50", "50 dollars"),
        ("$1", "1 dollar"),
        ("$1,250.50", "1250 dollars and 50 cents"),
        ("\u00a320", "20 pounds"),
        ("\u20ac 5", "5 euros"),
        ("100%", "100 percent"),
        ("Smith & Sons", "smith and sons"),
        ("we're #1", "we're number 1"),
        ("1.5 miles", "1 point 5 miles"),
        ("8 a.m.", "8 am"),
        ("the U.S.A.", "the usa"),
        ("602-555-1234", "602 555 1234"),
        ("caf\u00e9 M\u00fcller", "cafe muller"),
        ("\uce5c\uad6c", "\uce5c\uad6c"),
        ("'quoted'", "quoted"),
        ("...", ""),
        ("", ""),
    ],
)
def test_text_becomes_the_words_that_are_spoken(text: str, words: str) -> None:
    assert words_of(text) == tuple(words.split())


@given(st.text())
def test_words_are_lower_case_letters_digits_and_apostrophes(text: str) -> None:
    for word in words_of(text):
        assert 0 < len(word) <= MAX_WORD
        assert word.replace("'", "").isalnum()
        assert word == word.lower()


@given(st.text(st.characters(codec="ascii")))
def test_words_stay_what_they_are_when_they_are_read_again(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
