import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.expression import ExpressionError
from config.model import AllSaid, AnySaid, CountSaid, NearSaid, NotSaid, Phrase, Said
from config.said import MAX_LENGTH, MAX_NESTING, MAX_PHRASES, MAX_WORDS, parse_said, phrases_of

FRIEND, BUDDY, NO = Phrase(("friend",)), Phrase(("buddy",)), Phrase(("no", "thanks"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("friend", FRIEND),
        ("  Friend ", FRIEND),
        ("no thanks", NO),
        ('"no thanks"', NO),
        ("'no thanks'", NO),
        ('"rock and roll"', Phrase(("rock", "and", "roll"))),
        ("I don't know", Phrase(("i", "don't", "know"))),
        ("near me", Phrase(("near", "me"))),
        ("count on me", Phrase(("count", "on", "me"))),
        ("friend or buddy", AnySaid((FRIEND, BUDDY))),
        ("friend OR buddy", AnySaid((FRIEND, BUDDY))),
        ("friend and not no thanks", AllSaid((FRIEND, NotSaid(NO)))),
        ("friend or buddy and no thanks", AnySaid((FRIEND, AllSaid((BUDDY, NO))))),
        ("(friend or buddy) and no thanks", AllSaid((AnySaid((FRIEND, BUDDY)), NO))),
        ("near(friend, no thanks, 5 s)", NearSaid(FRIEND, NO, 5.0)),
        ('near("friend", buddy, 2 min)', NearSaid(FRIEND, BUDDY, 120.0)),
        ("near(friend, buddy, 750 ms)", NearSaid(FRIEND, BUDDY, 0.75)),
        ("near(friend, buddy, 3)", NearSaid(FRIEND, BUDDY, 3.0)),
        ("count(no thanks, 3)", CountSaid(NO, 3)),
        ("friend and count(buddy, 2)", AllSaid((FRIEND, CountSaid(BUDDY, 2)))),
    ],
)
def test_what_is_said_is_read(text: str, said: Said) -> None:
    assert parse_said(text) == said


@pytest.mark.parametrize(
    ("text", "position", "message", "hint"),
    [
        ("", 0, "nothing stands here", None),
        ("friend and", 10, "expected a phrase, not the end", None),
        ("or friend", 0, 'expected a phrase, not "or"', "in quotes"),
        ("not friend", 0, "nothing is listened for", "something that is said"),
        ("friend or not buddy", 0, "nothing is listened for", "something that is said"),
        ("friend, buddy", 6, 'expected "and" or "or", not ","', "joined by"),
        ("do not call", 3, 'expected "and" or "or", not "not"', "in quotes"),
        ("friend or fri*", 10, "there are no wildcards", 'write "fri"'),
        ("friend or *", 10, "there are no wildcards", None),
        ("fri\x07end", 3, "a character that cannot be said: U+0007", None),
        ("not not friend", 4, "not twice says nothing", None),
        ("nera(a, b, 5 s)", 0, '"nera" is no function', 'did you mean "near"?'),
        ("near(a, b)", 9, 'expected ",", not ")"', "near(refund, money, 5 s)"),
        ("near(a, b, 5 x)", 11, "near: expected a time, 0.5 s to 10 min", "near("),
        ("near(a, b, 11 min)", 11, "near: expected a time", "near("),
        ("near((a), b, 5 s)", 5, "near: expected a phrase", "near("),
        ("count(yes, 1)", 11, "count: expected a number of times, 2 to 100", "count("),
        ("count(yes, many)", 11, "count: expected a number of times", "count("),
        ("(friend", 7, 'expected ")", not the end', None),
        ("friend && buddy", 7, '"&&" is no operator', "write and"),
        ('"friend', 0, "a text that begins here does not end", None),
        ("\u201cfriend\u201d", 0, "has no meaning here", 'quotes are "'),
        ("...", 0, 'has no word in it', None),
        ("a " * (MAX_WORDS + 1), 0, f"up to {MAX_WORDS} words", "near"),
        (" or ".join("a" * (MAX_PHRASES + 1)), 250, f"up to {MAX_PHRASES} phrases", "several"),
        ("(" * (MAX_NESTING + 1) + "a", MAX_NESTING, "nested more than", None),
        ("a" * (MAX_LENGTH + 1), 0, "longer than", None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(
    text: str, position: int, message: str, hint: str | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_said(text)
    assert message in str(caught.value)
    assert caught.value.position == position
    assert hint is None or hint in (caught.value.suggestion or "")


def test_all_phrases_of_a_rule_are_found() -> None:
    said = parse_said("near(a, b, 5 s) and (count(c, 2) or d) and not e")
    assert [phrase.words for phrase in phrases_of(said)] == [("a",), ("b",), ("c",), ("d",), ("e",)]


WORDS = st.sampled_from(
    ["friend", "and", "or", "not", "near", "count", "(", ")", ",", '"', "5 s", "3"]
)


@given(st.lists(WORDS, max_size=20).map(" ".join) | st.text(max_size=60))
def test_whatever_is_written_is_read_or_told_within_its_text(text: str) -> None:
    position = 0
    phrases: tuple[Phrase, ...] = (FRIEND,)
    try:
        phrases = phrases_of(parse_said(text))
    except ExpressionError as error:
        position = error.position
    assert 0 <= position <= len(text)
    assert phrases
    assert all(phrase.words for phrase in phrases)
