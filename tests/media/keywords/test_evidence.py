from collections.abc import Sequence

import pytest

from config.model import Phrase
from config.said import parse_said
from media.keywords.evidence import evidence, is_plain, needs_silence
from media.keywords.mentions import Mention

SECOND = 1_000_000_000


def at(phrase: str, *seconds: float) -> list[Mention]:
    return [
        Mention(round(one * SECOND), round((one + 0.5) * SECOND), 0.9, phrase, phrase)
        for one in seconds
    ]


def true_by(text: str, **said: Sequence[float]) -> list[tuple[str, float]] | None:
    """The mentions that make a rule true, when words were said at these times."""
    known = {word: at(word, *times) for word, times in said.items()}

    def lookup(phrase: Phrase) -> Sequence[Mention]:
        return known.get(" ".join(phrase.words), [])

    found = evidence(parse_said(text), lookup)
    return None if found is None else [(one.phrase, one.start_ns / SECOND) for one in found]


@pytest.mark.parametrize(
    ("text", "plain", "silence"),
    [
        ("a", True, False),
        ("a or (b or c)", True, False),
        ("a and b", False, False),
        ("a or near(b, c, 5 s)", False, False),
        ("count(a, 2)", False, False),
        ("a and not b", False, True),
        ("(a and not b) or c", False, True),
    ],
)
def test_rules_are_told_apart(text: str, plain: bool, silence: bool) -> None:
    assert is_plain(parse_said(text)) is plain
    assert needs_silence(parse_said(text)) is silence


def test_the_latest_mentions_are_the_evidence() -> None:
    assert true_by("a", a=[1, 5]) == [("a", 5)]
    assert true_by("a or b", a=[9], b=[5]) == [("a", 9)]
    assert true_by("a and b", a=[1, 2], b=[5]) == [("a", 2), ("b", 5)]
    assert true_by("count(a, 2)", a=[1, 2, 3]) == [("a", 2), ("a", 3)]
    assert true_by("near(a, b, 2 s)", a=[1, 20], b=[2, 21, 40]) == [("a", 20), ("b", 21)]


def test_what_is_missing_makes_it_false() -> None:
    assert true_by("a") is None
    assert true_by("a and b", a=[1]) is None
    assert true_by("a or b", c=[1]) is None
    assert true_by("count(a, 3)", a=[1, 2]) is None
    assert true_by("near(a, b, 2 s)", a=[1], b=[5]) is None


def test_what_must_not_be_said_is_no_evidence_but_its_lack_is_needed() -> None:
    assert true_by("a and not b", a=[1]) == [("a", 1)]
    assert true_by("a and not b", a=[1], b=[9]) is None
    assert true_by("a and not (b and c)", a=[1], b=[9]) == [("a", 1)]
    assert true_by("a and (b or not c)", a=[1]) == [("a", 1)]


def test_mentions_that_overlap_are_near() -> None:
    assert true_by("near(a, b, 0.5 s)", a=[1.0], b=[1.2]) == [("a", 1.0), ("b", 1.2)]
    assert true_by("near(a, b, 0.5 s)", a=[1.0], b=[2.1]) is None
