import pytest

from config.errors import (
    MAX_REPORTED,
    ConfigError,
    ConfigErrors,
    Problems,
    TooManyProblemsError,
    did_you_mean,
)
from config.model import Location


def test_an_error_reads_like_a_compilers() -> None:
    error = ConfigError(Location("a.yaml", 3, 7), "no such key", 'did you mean "listen"?')
    assert str(error) == 'a.yaml:3:7: no such key (did you mean "listen"?)'
    assert (error.file, error.line, error.column) == ("a.yaml", 3, 7)
    assert str(ConfigError(Location("a.yaml", 3, 7), "no such key")) == "a.yaml:3:7: no such key"


def test_errors_are_sorted_by_place() -> None:
    places = [Location("a", 10, 1), Location("a", 2, 9), Location("a", 2, 1)]
    errors = ConfigErrors(ConfigError(place, "bad") for place in places)
    assert [error.location for error in errors.errors] == sorted(places)
    assert str(errors) == "a:2:1: bad\na:2:9: bad\na:10:1: bad"


def test_the_same_mistake_at_one_place_counts_once() -> None:
    problems = Problems()
    assert not problems
    for _ in range(3):
        problems.add(Location("a", 1, 1), "bad")
    problems.add(Location("a", 1, 1), "worse")
    with pytest.raises(ConfigErrors) as caught:
        problems.raise_if_any()
    assert [error.message for error in caught.value.errors] == ["bad", "worse"]
    assert caught.value.complete


def test_a_silenced_place_has_no_second_mistake() -> None:
    problems = Problems()
    problems.silence(Location("a", 1, 1))
    problems.add(Location("a", 1, 1), "follows from the first")
    problems.raise_if_any()
    assert not problems


def test_reading_stops_when_mistakes_are_too_many() -> None:
    problems = Problems()
    for line in range(1, MAX_REPORTED):
        problems.add(Location("a", line, 1), "bad")
    with pytest.raises(TooManyProblemsError):
        problems.add(Location("a", MAX_REPORTED, 1), "bad")
    with pytest.raises(ConfigErrors, match="reading stopped after 500 mistakes") as caught:
        problems.raise_if_any()
    assert not caught.value.complete


@pytest.mark.parametrize(
    ("word", "expected"),
    [("listn", "listen"), ("LISTEN", "listen"), ("adress", "address"), ("xyzzy", None), ("", None)],
)
def test_a_near_word_is_suggested_and_no_far_one(word: str, expected: str | None) -> None:
    answer = did_you_mean(word, ["listen", "address", "data"])
    assert answer == (f'did you mean "{expected}"?' if expected else None)


def test_the_nearest_of_many_words_is_found_by_how_they_begin_and_end() -> None:
    words = [f"campaign {n}" for n in range(1000)]
    assert did_you_mean("campain 567", words) == 'did you mean "campaign 567"?'
    assert did_you_mean("ampaign 999", words) == 'did you mean "campaign 999"?'
    assert did_you_mean("something else", words) is None
