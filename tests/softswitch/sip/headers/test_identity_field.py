"""Identity, value by value (RFC 8224 section 4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.identity import MAX_IDENTITIES, Identity, identities_of

FULL = "eyJh.eyJk.c2ln"


def headers(*values: str) -> Headers:
    found = Headers()
    found.fields["Identity"] = list(values)
    return found


def test_the_full_form_is_read() -> None:
    value = f"{FULL};info=<https://biloxi.example.org/biloxi.cer>;alg=ES256;ppt=shaken"

    assert Identity.parse(value) == Identity(
        FULL, "https://biloxi.example.org/biloxi.cer", "ES256", "shaken"
    )


def test_es256_is_what_is_meant_without_a_word() -> None:
    assert Identity.parse("..c2ln;info=<https://a.example/b>").algorithm == "ES256"


def test_an_extension_may_stand_in_quotes() -> None:
    value = f'{FULL} ; info = <https://a.example/b;c,d> ; alg=ES256 ; ppt="shaken"'
    parsed = Identity.parse(value)

    assert parsed.extension == "shaken"
    assert parsed.info == "https://a.example/b;c,d"


def test_what_is_written_is_read_again() -> None:
    identity = Identity(FULL, "https://a.example/b", "ES256", "div")

    assert Identity.parse(str(identity)) == identity


@pytest.mark.parametrize(
    "value",
    [
        "",
        ";",
        "abc;info=<https://a.example/b>",
        "a.b.c.d;info=<https://a.example/b>",
        "a.b.c",
        "a.b.c;info=https://a.example/b",
        "a.b.c;info=<>",
        "a.b.c;info=<https://a.example/\x1b[2J>",
        "a.b.c;info=<https://a.example/\u202e>",
        "a.b.c;info=<https://a.example/ b>",
        "a.b.;info=<https://a.example/b>",
        "a.b.c;info=<https://a.example/b>;ppt=sh aken",
        "a.b.c;info=<https://a.example/b>" + ";x=1" * 8,
    ],
)
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(ParseError):
        Identity.parse(value)


def test_several_fields_and_values_joined_by_commas_are_found() -> None:
    one, two = f"{FULL};info=<https://a.example/1,2>", f"{FULL};info=<https://a.example/3>"

    assert identities_of(headers(f"{one}, {two}", one)) == (one, two, one)


def test_no_more_than_so_many_are_looked_at() -> None:
    assert len(identities_of(headers(*["x"] * 100))) == MAX_IDENTITIES
    assert len(identities_of(headers(",".join("x" * 100)))) == MAX_IDENTITIES


def test_a_message_without_has_none() -> None:
    assert identities_of(Headers()) == ()


@given(st.text(max_size=100))
def test_no_text_breaks_it(value: str) -> None:
    try:
        Identity.parse(value)
    except ParseError:
        return
