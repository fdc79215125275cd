import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import KeywordRule
from config.said import parse_said
from media.keywords import Hit, KeywordMatcher
from media.keywords.mentions import MAX_MENTIONS
from media.speech.recognition.result import Recognised
from tests.support.recognised import SECOND, recognised

END = 100 * SECOND


def rule(text: str, **settings: object) -> KeywordRule:
    made = KeywordRule(text, parse_said(text), text)
    return dataclasses.replace(made, **settings)  # type: ignore[arg-type]  # fields by their names


def heard(
    rules: str | KeywordRule | list[KeywordRule], *results: Recognised
) -> list[tuple[str, str]]:
    """The rules that came true with their words, those at the end too."""
    return [(hit.rule.name, hit.text) for hit in hits(rules, *results)]


def hits(rules: str | KeywordRule | list[KeywordRule], *results: Recognised) -> list[Hit]:
    made = [rule(rules)] if isinstance(rules, str) else rules
    matcher = KeywordMatcher(made if isinstance(made, list) else [made])
    found = [hit for result in results for hit in matcher.feed(result)]
    return found + matcher.finish(END)


# Plain phrases.


def test_a_hit_has_words_times_and_confidence() -> None:
    (hit,) = hits("credit card", recognised("my Credit Cards", 2.0, confidence=0.8))
    assert (hit.text, hit.phrases) == ("Credit Cards", ("credit card",))
    assert (hit.start_ns, hit.end_ns) == (2.4 * SECOND, 3.16 * SECOND)
    assert 0.7 < hit.confidence < 0.8


def test_a_word_in_windows_that_overlap_is_one_hit() -> None:
    windows = [
        recognised("a friend told", 0.0, final=False),
        recognised("friend told me", 0.6, final=False),
        recognised("a friend told me to call", 0.2),
    ]
    assert heard("friend", *windows) == [("friend", "friend")]


def test_a_word_that_is_said_again_is_another_hit() -> None:
    assert len(hits("friend", recognised("a friend"), recognised("my friend", 5.0))) == 2


def test_a_word_that_is_repeated_at_once_is_one_hit() -> None:
    assert len(hits("friend", recognised("friend friend", each=0.3))) == 1


def test_hits_are_as_many_as_are_counted() -> None:
    one_by_one = recognised("yes yes yes", each=0.9)
    again = recognised("yes yes yes", 0.1, each=0.9)
    assert len(hits("yes", one_by_one, again)) == 3
    assert len(hits("count(yes, 3)", one_by_one)) == 1
    assert hits("count(yes, 4)", one_by_one, again) == []


def test_one_of_several_phrases_is_a_hit_each_time() -> None:
    results = recognised("a friend"), recognised("my buddy", 4.0), recognised("friends", 8.0)
    assert [hit.phrases for hit in hits("friend or buddy", *results)] == [
        ("friend",), ("buddy",), ("friend",),
    ]  # fmt: skip


def test_a_phrase_may_be_spread_over_two_results() -> None:
    assert heard("credit card", recognised("my credit"), recognised("card is", 0.8)) == [
        ("credit card", "credit card")
    ]


def test_a_word_that_is_cut_by_a_window_is_not_another_word() -> None:
    results = recognised("my friend told me"), recognised("end told me", 0.6, start=0.6)
    assert heard([rule("end"), rule("friend")], *results) == [("friend", "friend")]


@pytest.mark.parametrize(
    ("phrase", "speech"),
    [
        ("order", "the border patrol had a disorder in an orderly manner"),
        ("appointment", "what a disappointment"),
        ("friend", "a friendly fiend in trendy friendship"),
        ("security card", "a special security guard"),
        ("cancel", "the council has cancer"),
        ("insurance", "my assurance and endurance"),
        ("agent", "the agency agenda is urgent"),
        ("refund", "fun and a fund"),
        ("card", "he scared the guard of the court with a cord and a cart"),
        ("yes", "yesterday we ate eyes"),
        ("no", "you know nothing now"),
    ],
)
def test_other_words_are_no_hits(phrase: str, speech: str) -> None:
    assert heard(phrase, recognised(speech)) == []


def test_a_hit_that_is_not_sure_enough_is_none_until_it_is() -> None:
    sure = rule("friend", confidence=0.6)
    assert heard(sure, recognised("friend", confidence=0.5)) == []
    unsure, surer = (
        recognised("friend", confidence=0.5),
        recognised("friend", 0.1, start=0.0, confidence=0.7),
    )
    assert heard(sure, unsure, surer) == [("friend", "friend")]


# Rules of several parts.


def test_and_comes_true_once_when_the_last_part_is_said() -> None:
    text = "refund and credit card"
    first, second = recognised("a refund"), recognised("my credit card", 9.0)
    matcher = KeywordMatcher([rule(text)])
    assert matcher.feed(first) == []
    (hit,) = matcher.feed(second)
    assert hit.text == "refund ... credit card"
    assert (hit.start_ns, hit.phrases) == (0.4 * SECOND, ("refund", "credit card"))
    assert matcher.feed(recognised("refund my credit card", 20.0)) == []
    assert matcher.finish(END) == []


def test_what_must_not_be_said_is_known_at_the_end() -> None:
    text = 'price and not "no thanks"'
    assert heard(text, recognised("the price")) == [(text, "price")]
    assert heard(text, recognised("the price"), recognised("no thanks", 5.0)) == []
    assert heard(text, recognised("no thanks"), recognised("the price", 5.0)) == []
    matcher = KeywordMatcher([rule(text)])
    assert matcher.feed(recognised("the price")) == []


def test_of_the_first_seconds_the_silence_is_known_when_they_are_long_over() -> None:
    opening = rule("hello and not recorded", first_seconds=10.0)
    matcher = KeywordMatcher([opening])
    assert matcher.feed(recognised("hello there", 1.0)) == []
    assert matcher.feed(recognised("this is recorded", 12.0)) == []
    assert [hit.text for hit in matcher.feed(recognised("anyway", 25.0))] == ["hello"]
    assert matcher.finish(END) == []


@pytest.mark.parametrize(("pause", "true"), [(3.0, True), (4.9, True), (5.3, False)])
def test_near_is_from_the_end_of_one_to_the_begin_of_the_other(pause: float, true: bool) -> None:
    one, other = recognised("refund"), recognised("money", 0.36 + pause)
    text = "near(refund, money, 5 s)"
    assert bool(hits(text, one, other)) is true
    assert bool(hits("near(money, refund, 5 s)", one, other)) is true


def test_a_phrase_is_not_near_itself() -> None:
    text = "near(refund, refund, 5 s)"
    assert heard(text, recognised("refund")) == []
    assert len(hits(text, recognised("refund please refund"))) == 1


def test_count_counts_what_was_said_and_not_what_was_reported() -> None:
    text = "count(yes, 3)"
    twice = recognised("yes yes"), recognised("yes yes", 0.1), recognised("yes yes", 0.2)
    assert heard(text, *twice) == []
    assert heard(text, recognised("yes yes"), recognised("yes yes yes", 0.1)) == [
        (text, "yes ... yes ... yes")
    ]
    assert len(hits(text, *(recognised("yes", at) for at in (1.0, 20.0, 50.0, 60.0)))) == 1


# When it is said.


def test_only_the_first_seconds_count() -> None:
    first = rule("friend", first_seconds=10.0)
    matcher = KeywordMatcher([first], began_ns=20 * SECOND)
    assert len(matcher.feed(recognised("friend", 29.0))) == 1
    assert matcher.feed(recognised("friend", 31.0)) == []


def test_only_the_last_seconds_count_and_are_known_at_the_end() -> None:
    last = rule("goodbye", last_seconds=10.0)
    matcher = KeywordMatcher([last])
    assert matcher.feed(recognised("goodbye", 20.0)) == []
    assert matcher.feed(recognised("goodbye", 92.0)) == []
    (hit,) = matcher.finish(END)
    assert hit.start_ns == 92 * SECOND
    assert heard(rule("bye and thanks", last_seconds=10.0), recognised("thanks bye", 80.0)) == []
    assert len(hits(rule("bye and thanks", last_seconds=10.0), recognised("thanks bye", 95.0))) == 1


# Many rules, long calls.


def test_rules_do_not_disturb_each_other() -> None:
    rules = [rule("friend"), rule("friend", name="again", confidence=0.95), rule("credit card")]
    found = heard(rules, recognised("my friend has a credit card"))
    assert found == [("friend", "friend"), ("credit card", "credit card")]


def test_a_call_of_four_hours_is_heard_in_bounded_memory() -> None:
    rules = [rule("friend"), rule("count(yes, 100)"), rule("bye", last_seconds=60.0)]
    matcher = KeywordMatcher(rules)
    found = 0
    for number in range(5000):
        found += len(matcher.feed(recognised("yes my friend bye", number * 3.0)))
    assert found == 5000 + 1
    assert all(len(mentions.last) <= MAX_MENTIONS for mentions in matcher._mentions.values())
    assert len(matcher._timeline.words) < 100


SPOKEN = "friend friends credit card yes no uh one hundred web site $50 don't"
WORDS = st.sampled_from(SPOKEN.split())
TEXTS = (
    "friend",
    "credit card",
    "count(yes, 2)",
    "near(yes, no, 2 s)",
    "friend and not no",
    "fifty",
)


@given(
    st.lists(
        st.tuples(st.lists(WORDS, max_size=8), st.integers(0, 200), st.floats(0, 1)), max_size=30
    )
)
def test_whatever_is_reported_hits_are_of_words_that_were_said(
    results: list[tuple[list[str], int, float]],
) -> None:
    rules = [rule(text) for text in TEXTS]
    matcher = KeywordMatcher(rules)
    said = {word for words, _at, _sure in results for word in words}
    found: list[Hit] = []
    for words, at, confidence in results:
        found += matcher.feed(recognised(" ".join(words), at / 10, confidence=confidence))
    found += matcher.finish(END)
    for hit in found:
        assert {word for word in hit.text.split() if word != "..."} <= said
        assert hit.start_ns < hit.end_ns
        assert 0.0 <= hit.confidence <= 1.0
    assert sum(hit.rule.name == "count(yes, 2)" for hit in found) <= 1


@given(st.lists(WORDS, min_size=1, max_size=40), st.floats(1.5, 6.0))
def test_rolling_windows_find_what_one_result_finds(words: list[str], width: float) -> None:
    rules = [rule("friend"), rule("credit card")]
    whole = recognised(" ".join(words))
    once = heard(rules, whole)
    ends = [0.4 * number for number in range(1, len(words) + 8)]
    windows = [part_of(whole, end - width, end) for end in ends]
    rolled = heard(rules, *windows)
    assert sorted(rolled) == sorted(once)


def part_of(whole: Recognised, start: float, end: float) -> Recognised:
    """What a window sees of a speech: words that lie in it whole."""
    start_ns, end_ns = round(start * SECOND), round(end * SECOND)
    words = tuple(
        word for word in whole.words if word.start_ns >= start_ns and word.end_ns <= end_ns
    )
    return dataclasses.replace(whole, words=words, start_ns=start_ns, end_ns=end_ns)
