"""Date (RFC 3261 section 20.17)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.date import format_date, parse_date


def test_the_example_of_the_rfc_is_read_and_written() -> None:
    text = "Sat, 13 Nov 2010 23:29:00 GMT"

    assert parse_date(text) == 1289690940
    assert format_date(1289690940.9) == text


@pytest.mark.parametrize(
    "text",
    ["", "now", "Sat, 13 Nov 2010 23:29:00 EST", "Sat, 31 Feb 2010 23:29:00 GMT",
     "Sat, 13 Foo 2010 23:29:00 GMT", "Sat, 13 Nov 2010 25:29:00 GMT",
     "Sat, 13 Nov 0000 00:00:00 GMT"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_date(text)


@given(st.integers(0, 4_000_000_000))
def test_what_is_written_is_read_again(at: int) -> None:
    assert parse_date(format_date(at)) == at


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    try:
        parse_date(text)
    except ParseError:
        return
