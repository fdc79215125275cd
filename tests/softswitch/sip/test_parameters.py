"""generic-param and uri-parameter (RFC 3261 section 25.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.parameters import MAX_PARAMETERS, NO_PARAMETERS, Parameters


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("tag=1;lr", [("tag", "1"), ("lr", None)]),
        ("tag=1;", [("tag", "1")]),
        ("TAG=aB", [("tag", "aB")]),
        ("a=", [("a", "")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=1;a=2;A=3", [("a", "1")]),
        ("a = 1 ; a = 2", [("a", "1")]),
        ("tag = 1 ; lr ", [("tag", "1"), ("lr", None)]),
        ("\ttag\t=\t1", [("tag", "1")]),
        ('text="a;b,\\"c\\""', [("text", 'a;b,"c"')]),
        ('text = "x" ; q=1', [("text", "x"), ("q", "1")]),
        ("received=[2001:db8::1]", [("received", "[2001:db8::1]")]),
        ("received=2001:db8::1", [("received", "2001:db8::1")]),
        ('x="é"', [("x", "é")]),
        ("x=é", [("x", "é")]),
    ],
)
def test_header_parameters_are_read(text: str, items: list[tuple[str, str | None]]) -> None:
    assert list(Parameters.parse(text).items()) == items


@pytest.mark.parametrize(
    "text",
    [
        "a;;b",
        ";a",
        ";;",
        ";",
        "; ;",
        "=1",
        "a b=1",
        "é=1",
        'a="open',
        'a="x"y',
        'a=x"y"',
        "a=x y",
        "a=<b>",
        "a=1,b=2",
        "a=1, <sip:x>",
        '"a"=1',
    ],
)
def test_other_header_parameters_are_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        Parameters.parse(text)

    assert caught.value.reason == "bad-parameters"


@pytest.mark.parametrize("parse", [Parameters.parse, Parameters.parse_uri])
def test_too_many_parameters_are_a_parse_error(parse: object) -> None:
    allowed = ";".join(f"p{number}" for number in range(MAX_PARAMETERS))

    assert callable(parse)
    assert len(parse(allowed)) == MAX_PARAMETERS
    with pytest.raises(ParseError, match="too-many-parameters"):
        parse(allowed + ";one-more")


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("user=phone;lr", [("user", "phone"), ("lr", None)]),
        ("n%61me=v%61lue%25%34%31", [("name", "value%41")]),
        ("Transport=TCP", [("transport", "TCP")]),
        ("a=1;a=2", [("a", "1")]),
        ("lr;", [("lr", None)]),
    ],
)
def test_uri_parameters_are_read_without_escapes(
    text: str, items: list[tuple[str, str | None]]
) -> None:
    assert list(Parameters.parse_uri(text).items()) == items


def test_unescaped_uri_parameters_stay_as_they_are() -> None:
    assert Parameters.parse_uri("a=%41", is_escaped=False).get("a") == "%41"


def test_an_empty_uri_parameter_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        Parameters.parse_uri("a;;b")


def test_no_text_is_no_parameters() -> None:
    assert Parameters.parse("") is NO_PARAMETERS
    assert Parameters.parse_uri("") is NO_PARAMETERS
    assert str(NO_PARAMETERS) == ""
    assert not NO_PARAMETERS


def test_a_parameter_without_value_is_there() -> None:
    parameters = Parameters.parse("rport;branch=z9hG4bK1")

    assert "rport" in parameters
    assert parameters.get("rport", "default") is None
    assert parameters.get("ttl") is None
    assert parameters.get("ttl", "1") == "1"
    assert list(parameters) == ["rport", "branch"]
    assert len(parameters) == 2


def test_values_that_are_no_token_are_written_quoted() -> None:
    parameters = Parameters([("A", "x"), ("text", 'say "a;b"'), ("lr", None)])

    assert str(parameters) == ';a=x;text="say \\"a;b\\"";lr'
    assert repr(Parameters([("a", None)])) == "Parameters([('a', None)])"


def test_copies_with_and_without_leave_the_original_alone() -> None:
    original = Parameters.parse("a=1;b=2")

    assert str(original.with_("C", "3")) == ";a=1;b=2;c=3"
    assert str(original.with_("a", None)) == ";a;b=2"
    assert str(original.without("a", "x")) == ";b=2"
    assert str(original) == ";a=1;b=2"


def test_order_does_not_matter_for_equality() -> None:
    one, other = Parameters.parse("a=1;b"), Parameters.parse("b;a=1")

    assert one == other
    assert hash(one) == hash(other)
    assert one != Parameters.parse("a=1")
    assert one != ";a=1;b"


tokens = st.from_regex(r"[a-z0-9\-.!%*_+`'~]{1,8}", fullmatch=True)


@given(st.lists(st.tuples(tokens, st.none() | st.text()), max_size=8))
def test_whatever_is_written_is_read_again(items: list[tuple[str, str | None]]) -> None:
    parameters = Parameters(items)

    assert Parameters.parse(str(parameters)[1:]) == parameters


@given(st.text())
def test_nothing_but_a_parse_error_comes_out(text: str) -> None:
    for parse in (Parameters.parse, Parameters.parse_uri):
        try:
            parse(text)
        except ParseError:
            continue
