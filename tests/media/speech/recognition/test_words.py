import pytest

from media.speech.recognition.words import Spoken, is_monotonous, normalise, without_invented


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" A friend told me.", ["a", "friend", "told", "me"]),
        (" I'd", ["i'd"]),
        (" I\N{RIGHT SINGLE QUOTATION MARK}d", ["i'd"]),
        (" 602-555", ["602", "555"]),
        (" [Music]", []),
        (" (laughs) yes", ["yes"]),
        (" 'order'", ["order"]),
        (" ...", []),
    ],
)
def test_words_are_lower_case_without_punctuation(text: str, words: list[str]) -> None:
    assert normalise(text) == words


def spoken(text: str, start: float, end: float) -> Spoken:
    return Spoken(f" {text}", (1,), start, end, 0.9)


def test_a_word_that_begins_after_the_sound_was_never_said() -> None:
    said = [spoken("a", 0.1, 0.4), spoken("friend", 0.4, 0.9), spoken("thanks", 1.0, 1.4)]
    assert [one.text for one in without_invented(said, 1.0)] == [" a", " friend"]


def test_the_last_word_ends_with_the_sound_at_the_latest() -> None:
    assert without_invented([spoken("card", 0.5, 1.7)], 1.0)[0].end == 1.0


def test_words_squeezed_together_were_never_said() -> None:
    said = [spoken("yes", 0.1, 0.5), spoken("yes", 0.8, 0.82), spoken("it", 0.82, 0.84)]
    assert [one.text for one in without_invented(said, 2.0)] == [" yes"]


def test_one_short_word_is_kept() -> None:
    said = [spoken("a", 0.1, 0.12), spoken("friend", 0.12, 0.6)]
    assert without_invented(said, 2.0) == said


def test_a_phrase_again_and_again_is_monotonous() -> None:
    assert is_monotonous("thank you for watching " * 8)
    assert not is_monotonous("I would like to make an appointment for Tuesday at ten please")
    assert not is_monotonous("no no no")
