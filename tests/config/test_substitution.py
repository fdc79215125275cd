import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.substitution import SubstitutionError, substitute

VARIABLES = {"HOST": "example.org", "EMPTY": "", "_X1": "y", "DOLLAR": "${HOST}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing here", "nothing here"),
        ("${HOST}", "example.org"),
        ("sip:a@${HOST}:5060", "sip:a@example.org:5060"),
        ("${HOST}${_X1}", "example.orgy"),
        ("${HOST:-other}", "example.org"),
        ("${NONE:-other}", "other"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b}", "a:-b"),
        ("${NONE:-$}", "$"),
        ("${EMPTY}", ""),
        ("${EMPTY:-other}", "other"),
        ("it costs $5", "it costs $5"),
        ("$HOST", "$HOST"),
        ("$${HOST}", "${HOST}"),
        ("$$$$", "$$"),
        ("$$$", "$$"),
        ("ends with $", "ends with $"),
    ],
)
def test_references_are_replaced_as_a_shell_would(text: str, expected: str) -> None:
    assert substitute(text, VARIABLES, used={}) == expected


def test_what_is_put_in_is_not_searched_again() -> None:
    assert substitute("${DOLLAR}", VARIABLES, used={}) == "${HOST}"


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("ab${NONE}", "NONE is not set", 2),
        ("${1X}", "a reference is written", 0),
        ("${}", "a reference is written", 0),
        ("${HOST", "a reference is written", 0),
        ("${HOST:other}", "a reference is written", 0),
        ("x ${HOST:-${_X1}}", "may not contain another", 2),
    ],
)
def test_a_bad_reference_says_what_and_where(text: str, message: str, offset: int) -> None:
    with pytest.raises(SubstitutionError, match=message) as caught:
        substitute(text, VARIABLES, used={})
    assert caught.value.offset == offset


def test_the_variables_that_were_read_are_remembered() -> None:
    used: dict[str, str] = {}
    substitute("${HOST} ${NONE:-x} ${EMPTY:-y}", VARIABLES, used=used)
    assert used == {"HOST": "example.org", "EMPTY": ""}


@given(st.text(alphabet="${}:-AB ", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    offset = 0
    try:
        substitute(text, {"A": "1"}, used={})
    except SubstitutionError as error:
        offset = error.offset
    assert 0 <= offset <= len(text)


@given(st.text(max_size=40))
def test_a_text_with_its_dollars_doubled_comes_out_as_it_was(text: str) -> None:
    assert substitute(text.replace("$", "$$"), {}, used={}) == text
