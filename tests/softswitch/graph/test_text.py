from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from softswitch.graph.text import width, wrap


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("thank you for calling", 10, 80, 5) == ["thank you for", "calling"]


def test_a_long_word_is_broken() -> None:
    lines = wrap("x" * 100, 10, 60, 50)
    assert "".join(lines) == "x" * 100
    assert all(width(line, 10) <= 60 for line in lines)


def test_what_is_too_much_ends_in_an_ellipsis() -> None:
    lines = wrap("one two three four five six", 10, 40, 2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")


@given(st.text(max_size=700), st.floats(20, 300), st.integers(1, 6))
def test_no_text_leaves_its_place(text: str, within: float, most: int) -> None:
    lines = wrap(text, 11, within, most)
    assert 1 <= len(lines) <= most
    assert all(width(line, 11) <= within for line in lines)
