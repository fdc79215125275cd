"""The quick looks agree with the typed headers, on usual and on odd spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.inspect import (
    contact_uri,
    from_tag_of,
    hop_of,
    method_of,
    number_of,
    plain_user,
    route_values,
    to_tag_of,
)
from softswitch.sip.message import Message, parse_message
from tests.support.wire import request


def message(**more: object) -> Message:
    return parse_message(request(**more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/UDP 192.0.2.1",
        "SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bKa",
        "SIP/2.0/TCP host.example.com;rport;branch=z9hG4bKa",
        "SIP/2.0/UDP h:1;rport=77;branch=z9hG4bKa;received=192.0.2.2",
        "SIP/2.0/UDP h:1;branch=z9hG4bKa;rport",
        "SIP/2.0/UDP h:1;branch=z9hG4bKa;rport=6;received=192.0.2.2",
        "SIP/2.0/UDP h:1;branch=z9hG4bKa;received=192.0.2.2;rport=6",
        "SIP / 2.0 / UDP  [2001:db8::1]:5060 ;branch=z9hG4bKa;x=y",
        "SIP/2.0/TLS h;alias;branch=z9hG4bKa",
        "sip/2.0/udp h;BRANCH=z9hG4bKa;RPORT",
    ],
)
def test_the_hop_is_that_of_the_typed_via(via: str) -> None:
    one = message(via=via)
    hop = hop_of(one)
    typed = one.via
    assert (hop.host, hop.port, hop.branch) == (typed.host, typed.port, typed.branch or "")
    assert hop.has_rport == typed.has_rport
    assert hop.has_received == ("received" in typed.parameters)


@pytest.mark.parametrize("via", ["", "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=x", "x y z"])
def test_a_hop_that_cannot_be_read_is_a_parse_error(via: str) -> None:
    with pytest.raises(ParseError):
        hop_of(message(via=via))


@pytest.mark.parametrize(
    "value",
    [
        "<sip:a@b>",
        "<sip:a@b>;tag=abc",
        "<sip:a@b>;tag=a-b.c!%*_+`'~",
        '"x>" <sip:a@b>;tag=abc;y=z',
        "<sip:a@b>;y=z;TAG=abc",
        "<sip:a@b> ; tag = abc",
        "sip:a@b;tag=abc",
        "sip:a@b",
    ],
)
def test_tags_are_those_of_the_typed_address(value: str) -> None:
    one = message(from_=value, to=value)
    assert from_tag_of(one) == to_tag_of(one) == (one.to.tag or "")


@pytest.mark.parametrize("value", ["<sip:a@b", "", "<sip:a@b>;tag=a b"])
def test_a_tag_that_cannot_be_read_is_absent(value: str) -> None:
    assert to_tag_of(message(to=value)) == ""


@given(st.text(alphabet='<>;=tagsip:@ "x1', max_size=30))
def test_tags_never_raise_and_agree_where_the_address_can_be_read(value: str) -> None:
    one = message(to=value)
    try:
        expected = one.to.tag or ""
    except ParseError:
        to_tag_of(one)
    else:
        assert to_tag_of(one) == expected


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:a@192.0.2.1>",
        "<sip:192.0.2.1:5080;transport=tcp>",
        "sip:a@192.0.2.1:5080",
        "sip:a@192.0.2.1;expires=60",
        '"A, B" <sip:a@b;x=y?h=1>;q=1',
        "<sips:a@b>, <sip:c@d>",
        "<tel:+1555>",
    ],
)
def test_the_contact_is_that_of_the_typed_address(contact: str) -> None:
    one = message(contact=contact)
    assert contact_uri(one) == str(one.contacts[0].uri)


@pytest.mark.parametrize("contact", [None, "*", "<<", ""])
def test_a_contact_that_cannot_be_read_is_absent(contact: str | None) -> None:
    assert contact_uri(message(contact=contact)) is None


def test_number_and_method() -> None:
    one = parse_message(request("OPTIONS").replace(b"1 OPTIONS", b"0042   OPTIONS"))
    assert (number_of(one), method_of(one)) == (42, "OPTIONS")
    for bad in (b"OPTIONS", b"-1 OPTIONS", b"\xc2\xb2 OPTIONS"):
        one = parse_message(request("OPTIONS").replace(b"1 OPTIONS", bad))
        with pytest.raises(ParseError):
            number_of(one)
    one = parse_message(request("OPTIONS").replace(b"1 OPTIONS", b"1 @"))
    with pytest.raises(ParseError):
        method_of(one)


def test_routes_are_taken_apart_at_commas_outside_brackets() -> None:
    one = message(headers=["Record-Route: <sip:a,b@c;lr>, <sip:d>", "Record-Route: <sip:e>"])
    assert route_values(one) == ["<sip:a,b@c;lr>", "<sip:d>", "<sip:e>"]
    assert route_values(message()) == []


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:100000@h", "100000"),
        ("sip:+1555@h;user=phone", "+1555"),
        ("sip:a:secret@h", ""),
        ("sip:a;rn=1@h", ""),
        ("sip:h", ""),
        ("tel:+1555", ""),
        ("sip:" + "9" * 65 + "@h", ""),
    ],
)
def test_only_a_plain_user_goes_into_our_contact(uri: str, user: str) -> None:
    assert plain_user(uri) == user
