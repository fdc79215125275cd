import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.keywords.spelling import spelled


def compared(text: str) -> str:
    return " ".join(word.text for word in spelled(text.split()))


@pytest.mark.parametrize(
    "same",
    [
        ("don't", "do not", "dont"),
        ("can't", "cannot", "can not"),
        ("I'm gonna", "i am going to"),
        ("we'll", "we will"),
        ("that's ok", "that is okay"),
        ("fifty dollars", "50 dollars", "$50"),
        ("one hundred twenty three", "a hundred and twenty three", "123"),
        ("two thousand twenty six", "two thousand and twenty six", "2026"),
        ("fifty thousand", "50 thousand", "50,000"),
        ("five hundred", "5 hundred", "500"),
        ("one million two hundred thousand and five", "1,200,005"),
        ("twenty first", "21st"),
        ("third", "3rd"),
        ("percent", "%"),
        ("six oh two", "6 0 2"),
        ("the colour", "the color"),
        ("eight o'clock", "8 o'clock"),
    ],
)
def test_what_is_said_alike_is_spelled_alike(same: tuple[str, ...]) -> None:
    assert len({compared(text) for text in same}) == 1


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("nine one one", "9 1 1"),
        ("one and two", "1 and 2"),
        ("five hundred and", "500 and"),
        ("nineteen eighty four", "19 84"),
        ("three thousand five million", "3000 5000000"),
        ("007", "007"),
        ("oh no", "oh no"),
        ("a friend", "a friend"),
        ("hundreds of friends", "hundreds of friends"),
    ],
)
def test_numbers_end_where_they_end(text: str, spelling: str) -> None:
    assert compared(text) == spelling


def test_each_word_knows_what_was_written() -> None:
    words = spelled(["i", "don't", "have", "twenty", "five", "dollars"])
    assert [(word.text, word.first, word.last) for word in words] == [
        ("i", 0, 0), ("do", 1, 1), ("not", 1, 1), ("have", 2, 2), ("25", 3, 4), ("dollars", 5, 5),
    ]  # fmt: skip


PARTS = "a and oh one two nine ten nineteen twenty ninety hundred thousand million 5 50 500 first"
NUMBERS = st.sampled_from(PARTS.split())


@given(st.lists(NUMBERS | st.text(max_size=5), max_size=12))
def test_no_word_is_lost_and_none_stands_before_another(words: list[str]) -> None:
    found = spelled(words)
    places = [place for word in found for place in (word.first, word.last)]
    assert places == sorted(places)
    assert all(0 <= word.first <= word.last < len(words) for word in found)
    covered = {place for word in found for place in range(word.first, word.last + 1)}
    assert {
        index for index, word in enumerate(words) if word.isalpha() and word.isascii()
    } <= covered


@given(st.integers(0, 999_999))
def test_every_number_is_the_same_in_words_and_in_digits(number: int) -> None:
    assert compared(in_words(number)) == str(number)


ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def in_words(number: int) -> str:
    if number >= 1000:
        thousands, rest = divmod(number, 1000)
        return f"{in_words(thousands)} thousand {in_words(rest) if rest else ''}".strip()
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{in_words(hundreds)} hundred {in_words(rest) if rest else ''}".strip()
    if number >= 20:
        tens, ones = divmod(number, 10)
        return f"{TENS.split()[tens - 2]} {in_words(ones) if ones else ''}".strip()
    return ONES.split()[number]
