"""name-addr and addr-spec (RFC 3261 sections 20.10, 20.20, 20.39)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.parameters import Parameters
from softswitch.sip.uri import Uri

AB = Uri.parse("sip:a@b")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<sip:a@b>", NameAddress(AB)),
        ("sip:a@b", NameAddress(AB)),
        (" sip:a@b ", NameAddress(AB)),
        ("sip:a@b;tag=1", NameAddress(AB, parameters=Parameters([("tag", "1")]))),
        ("sip:a@b ; tag = 1", NameAddress(AB, parameters=Parameters([("tag", "1")]))),
        ("Alice <sip:a@b>;tag=1", NameAddress(AB, "Alice", Parameters([("tag", "1")]))),
        ("Alice  B. <sip:a@b>", NameAddress(AB, "Alice  B.")),
        ('"Alice" <sip:a@b>', NameAddress(AB, "Alice")),
        ('"Al \\"ice\\\\"<sip:a@b> ;x', NameAddress(AB, 'Al "ice\\', Parameters([("x", None)]))),
        ('"<sip:x@y>" <sip:a@b>', NameAddress(AB, "<sip:x@y>")),
        ('"" <sip:a@b>', NameAddress(AB)),
        ("< sip:a@b >", NameAddress(AB)),
        ("Bell, Alexander <sip:a@b>", NameAddress(AB, "Bell, Alexander")),
        ('"Zoë" <sip:a@b>', NameAddress(AB, "Zoë")),
        ("<tel:+1602;npdi>", NameAddress(Uri.parse("tel:+1602;npdi"))),
        ("sip:a,b@c", NameAddress(Uri.parse("sip:a,b@c"))),
        ("sip:a?b@c", NameAddress(Uri.parse("sip:a?b@c"))),
    ],
)
def test_an_address_is_read(text: str, address: NameAddress) -> None:
    assert NameAddress.parse(text) == address
    assert NameAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "Alice",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "<sip:a@b>x",
        "<sip:a@b>, <sip:c@d>",
        "<sip:a@b>;;",
        '"Alice <sip:a@b>',
        'Al"ice" <sip:a@b>',
        '"Al" ice <sip:a@b>',
        "sip:a@b?Subject=x",
        "sip:b?Subject=x;tag=1",
        "sip:a@b;tag=<1>",
    ],
)
def test_another_text_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        NameAddress.parse(text)


def test_without_brackets_the_parameters_are_the_headers() -> None:
    """20.10: "any semicolon-delimited parameters are header-parameters, not URI parameters"."""
    bare = NameAddress.parse("sip:a@b;lr")

    assert "lr" in bare.parameters
    assert "lr" not in bare.uri.parameters


def test_an_empty_tag_is_none() -> None:
    assert NameAddress.parse("<sip:a@b>;tag=").tag is None
    assert NameAddress.parse("<sip:a@b>;TAG=x").tag == "x"


def test_it_is_written_with_brackets_and_quotes() -> None:
    assert str(NameAddress(AB)) == "<sip:a@b>"
    assert str(NameAddress(AB, 'a"b', Parameters([("tag", "1")]))) == '"a\\"b" <sip:a@b>;tag=1'


def test_a_list_is_read_over_lines() -> None:
    headers = Headers([("Route", "<sip:a;lr>, <sip:b;lr>"), ("Route", "<sip:c>")])

    hosts = [address.uri.host for address in NameAddress.parse_all(headers, "Route")]

    assert hosts == ["a", "b", "c"]


@given(st.text() | st.text().map(lambda text: f'"{text}" <sip:a@b>;x="{text}"'))
def test_what_is_read_is_written_so_that_it_reads_the_same(text: str) -> None:
    try:
        address = NameAddress.parse(text)
    except ParseError:
        return
    assert NameAddress.parse(str(address)) == address
