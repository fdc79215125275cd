from hypothesis import given
from hypothesis import strategies as st

from media.keywords.timeline import MAX_BEFORE, MAX_WORDS, Timeline
from tests.support.recognised import recognised


def words(timeline: Timeline) -> str:
    return " ".join(word.text for word in timeline.words)


def test_results_in_a_row_are_one_text() -> None:
    timeline = Timeline()
    timeline.add(recognised("i want", 0.0))
    said = timeline.add(recognised("a refund", 0.8))
    assert words(timeline) == "i want a refund"
    assert timeline.fresh == (2, 4)
    assert [word.text for word in said] == ["i", "want", "a", "refund"]


def test_a_window_that_overlaps_replaces_what_it_says_again() -> None:
    timeline = Timeline()
    timeline.add(recognised("a trend told", 0.0))
    timeline.add(recognised("friend told me", 0.4, start=0.39))
    assert words(timeline) == "a friend told me"
    assert timeline.fresh == (1, 4)


def test_a_word_that_a_window_begins_in_the_middle_of_stays_whole() -> None:
    timeline = Timeline()
    timeline.add(recognised("my friend", 0.0))
    timeline.add(recognised("end told me", 0.6, each=0.3, start=0.6))
    assert words(timeline) == "my friend told me"


def test_a_late_result_does_not_touch_what_came_after_it() -> None:
    timeline = Timeline()
    timeline.add(recognised("one two", 0.0))
    timeline.add(recognised("five six", 4.0))
    timeline.add(recognised("three four", 2.0))
    assert words(timeline) == "one two three four five six"
    assert timeline.fresh == (2, 4)


def test_words_that_a_window_does_not_find_again_are_gone() -> None:
    timeline = Timeline()
    timeline.add(recognised("uh friend", 0.0))
    timeline.add(recognised("", 0.0, start=0.0, end=1.0))
    assert words(timeline) == ""


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 60)), max_size=60))
def test_however_results_come_what_is_kept_is_bounded_and_in_order(
    results: list[tuple[int, int]],
) -> None:
    timeline = Timeline()
    for at, count in results:
        timeline.add(recognised("word " * count, at / 4))
        middles = [word.start_ns + word.end_ns for word in timeline.words]
        assert len(middles) <= 2 * MAX_BEFORE + MAX_WORDS
        begin, end = timeline.fresh
        assert middles[:begin] == sorted(middles[:begin])
        assert 0 <= begin <= end <= len(middles)
