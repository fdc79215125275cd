"""What callers mean by what they say: choices, yes and no, digits."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Ask, Prompt
from config.words import words_of
from ivr.spoken import (
    choice_meant,
    digits_meant,
    is_mumbled,
    words_for_answer,
    words_for_menu,
    yes_or_no_meant,
)
from ivr.spoken_numbers import MAX_READINGS, readings

FANS = {"1": ("one", "infant"), "2": ("two", "toddler"), "3": ("twenty two",)}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("One.", "1"),
        ("1", "1"),
        ("press two", "2"),
        ("I want the infant baby fans, please", "1"),
        ("TWO!", "2"),
        ("one one", "1"),
        ("two, toddler", "2"),
        ("twenty-two", "3"),
    ],
)
def test_a_choice_that_was_said_is_sure(text: str, key: str) -> None:
    assert choice_meant(FANS, text) == (key, 1.0)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("to", "2"),
        ("too, too", "2"),
        ("won", "1"),
        ("22", "3"),
        ("infants", "1"),
        ("todler", "2"),
        ("toddlers please", "2"),
    ],
)
def test_what_sounds_or_looks_like_a_choice_is_it_less_surely(text: str, key: str) -> None:
    meant = choice_meant(FANS, text)
    assert meant is not None
    assert meant.keys == key
    assert meant.sure < 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "thank you",
        "for",
        "three",
        "one or two",
        "infant, toddler",
        "twenty one",
        "one hundred",
        "one seven",
        "not two",
        "I don't want infant",
        "ate",
        "a friend told me to call",
        "two two three two three",
    ],
)
def test_what_is_no_choice_or_may_be_two_is_none(text: str) -> None:
    assert choice_meant(FANS, text) is None


def test_the_longer_phrase_counts() -> None:
    spoken = {"1": ("sales",), "2": ("after sales",), "3": ("not interested",)}
    assert choice_meant(spoken, "after sales") == ("2", 1.0)
    assert choice_meant(spoken, "sales") == ("1", 1.0)
    assert choice_meant(spoken, "i'm not interested") == ("3", 1.0)
    assert choice_meant(spoken, "sales, no, after sales") is None


def test_short_words_are_themselves_only() -> None:
    assert choice_meant({"1": ("yes",), "2": ("cat",)}, "yet") is None
    assert choice_meant({"1": ("yes",), "2": ("cat",)}, "cap") is None


@pytest.mark.parametrize(
    "text",
    ["yes", "Yeah, that's right.", "uh-huh", "sure", "of course", "that is correct", "one", "won"],
)
def test_yes(text: str) -> None:
    meant = yes_or_no_meant(text)
    assert meant is not None
    assert meant.keys == "1"


@pytest.mark.parametrize(
    "text", ["no", "Nope.", "that's not right", "no, that's wrong", "isn't correct", "two", "to"]
)
def test_no(text: str) -> None:
    meant = yes_or_no_meant(text)
    assert meant is not None
    assert meant.keys == "2"


@pytest.mark.parametrize(
    "text", ["", "yes no", "not sure", "I don't know", "maybe", "yes, no, yes", "three", "one two"]
)
def test_neither_yes_nor_no(text: str) -> None:
    assert yes_or_no_meant(text) is None


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("six oh two, five five five", "602555"),
        ("602-555", "602555"),
        ("double five", "55"),
        ("triple zero one", "0001"),
        ("fifty two", "52"),
        ("double seven oh nine", "7709"),
        ("double 709", "7709"),
        ("It's 8 5 0 0 1, thanks.", "85001"),
        ("85,001", "85001"),
        ("eighty five thousand one", "85001"),
        ("eight fifty oh one", "85001"),
        ("nineteen eighty four", "1984"),
        ("two thousand and twenty six", "2026"),
        ("twelve hundred", "1200"),
        ("one thousand two hundred five", "1205"),
        ("ten thousand", "10000"),
        ("six hundred two", "602"),
        ("one two three pound", "123"),
        ("four for 2 to", "4422"),
    ],
)
def test_digits_in_the_likeliest_reading(text: str, digits: str) -> None:
    assert readings(words_of(text))[0].digits == digits


@pytest.mark.parametrize(
    ("text", "length", "digits"),
    [
        ("eight hundred five five five one two one two", 10, "8005551212"),
        ("six hundred two five five five one two three four", 10, "6025551234"),
        ("twenty one", 3, "201"),
        ("it is for two one", 2, "21"),
        ("it is for two one", 3, "421"),
    ],
)
def test_the_reading_that_fits_counts(text: str, length: int, digits: str) -> None:
    whole, _ = digits_meant(text, lambda keys: len(keys) == length)
    assert whole is not None
    assert whole.keys == digits


@pytest.mark.parametrize(
    "text", ["", "hello", "hundred", "double", "one two, no, three", "eight five sorry eight six"]
)
def test_no_digits_where_nothing_was_said_or_taken_back(text: str) -> None:
    assert readings(words_of(text)) == ()


@pytest.mark.parametrize("text", ["", "Mm, mm, mm.", "uh", "Um... er", "huh"])
def test_sounds_are_no_words(text: str) -> None:
    assert is_mumbled(text)


@pytest.mark.parametrize("text", ["uh huh", "mm-hmm", "uh two", "oh", "banana"])
def test_a_word_among_sounds_is_one(text: str) -> None:
    assert not is_mumbled(text)


def test_strange_words_make_digits_less_sure() -> None:
    plain, _ = digits_meant("eight five", lambda keys: True)
    strange, _ = digits_meant("kids eight five", lambda keys: True)
    assert plain is not None
    assert strange is not None
    assert (plain.keys, plain.sure) == ("85", 1.0)
    assert strange.keys == "85"
    assert strange.sure < 1.0


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("90210 90210 90210 9", "90210"),
        ("six four eight two seven six", "64827"),
        ("one zero zero one three 1", None),
        ("85018", "85018"),
        ("8 5 0 1 8", None),
        ("six oh six oh six", None),
    ],
)
def test_what_a_recogniser_writes_twice_was_said_once(text: str, digits: str | None) -> None:
    whole, _ = digits_meant(text, lambda keys: len(keys) == 5)
    assert (None if whole is None else whole.keys) == digits


def test_the_same_digits_twice_are_said_where_that_fits() -> None:
    whole, _ = digits_meant("one two one two", lambda keys: len(keys) == 4)
    assert whole is None
    short, _ = digits_meant("five five five", lambda keys: len(keys) == 3)
    assert short is not None
    assert short.keys == "555"


def test_digits_among_many_other_words_are_none() -> None:
    whole, begun = digits_meant("my kids were two or three when we lived here", lambda keys: True)
    assert whole is begun is None


def test_digits_come_in_parts() -> None:
    def fits(keys: str) -> bool:
        return len(keys) == 5

    whole, begun = digits_meant("eight five", fits)
    assert whole is None
    assert begun is not None
    whole, _ = digits_meant("oh oh one", fits, before=begun.keys)
    assert whole is not None
    assert whole.keys == "85001"


NAMES = {
    "0": ["zero", "oh", "0"], "1": ["one", "1"], "2": ["two", "2"], "3": ["three", "3"],
    "4": ["four"], "5": ["five"], "6": ["six"], "7": ["seven"], "8": ["eight"], "9": ["nine"],
}  # fmt: skip


@given(st.data(), st.text("0123456789", min_size=1, max_size=15))
def test_digits_said_one_by_one_are_those_digits(data: st.DataObject, digits: str) -> None:
    said = [data.draw(st.sampled_from(NAMES[digit])) for digit in digits]
    found = readings(said)
    assert found[0] == (digits, 0)
    # No number follows from its digits but they themselves, and what a repetition leaves.
    assert all(digits.startswith(one.digits) for one in found)
    assert len(found) <= 2


WORDS = st.sampled_from(
    [*NAMES["0"], "twenty", "hundred", "thousand", "to", "for", "double", "and", "x", "12", "teen"]
)


@given(st.lists(WORDS, max_size=50))
def test_whatever_is_said_is_read_soon(words: list[str]) -> None:
    began = time.process_time()
    found = readings(words)
    assert time.process_time() - began < 0.5
    assert len(found) <= MAX_READINGS
    assert all(one.digits.isdigit() for one in found)


@given(st.text(max_size=60))
def test_any_text_is_taken(text: str) -> None:
    choice_meant(FANS, text)
    yes_or_no_meant(text)
    digits_meant(text, lambda keys: False)


def test_the_recogniser_leans_to_what_may_be_said() -> None:
    assert words_for_menu(FANS) == ("one", "infant", "two", "toddler", "twenty two")
    assert words_for_answer(Ask("a", Prompt("x"), kind="yes_no")) == ("yes", "no")
    assert words_for_answer(Ask("a", Prompt("x"), kind="zip")) == ()
