from hypothesis import given
from hypothesis import strategies as st

from media.speech.recognition.vocabulary import _SHOWN, Vocabulary

VOCABULARY = Vocabulary([*_SHOWN.values(), "Ġcredit", "Ġcard", "Ġc", "re", "<|endoftext|>"])


def test_the_longest_pieces_are_taken() -> None:
    numbers = VOCABULARY.encode(" credit card")
    assert [VOCABULARY.tokens[number] for number in numbers] == ["Ġcredit", "Ġcard"]


def test_what_is_no_piece_is_spelled() -> None:
    numbers = VOCABULARY.encode(" cre!")
    assert [VOCABULARY.tokens[number] for number in numbers] == ["Ġc", "re", "!"]


@given(st.text())
def test_text_comes_back_from_its_tokens(text: str) -> None:
    assert VOCABULARY.decode(VOCABULARY.encode(text)) == text.encode("utf-8", "replace").decode()


def test_half_a_character_is_marked() -> None:
    assert VOCABULARY.decode(VOCABULARY.encode("é")[:1]) == "\N{REPLACEMENT CHARACTER}"


def test_a_token_with_a_space_begins_a_word() -> None:
    assert VOCABULARY.begins_word(VOCABULARY.numbers["Ġcard"])
    assert not VOCABULARY.begins_word(VOCABULARY.numbers["re"])


def test_control_tokens_are_found_by_name() -> None:
    assert VOCABULARY.tokens[VOCABULARY.special("endoftext")] == "<|endoftext|>"
