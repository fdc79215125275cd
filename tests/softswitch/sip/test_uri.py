"""URIs (RFC 3261 section 19.1, RFC 3966 for tel)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.parameters import Parameters
from softswitch.sip.uri import MAX_URI, MAX_URI_HEADERS, Uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:example.com", Uri("sip", host="example.com")),
        ("SIPS:alice@Example.com", Uri("sips", "alice", host="Example.com")),
        ("sip:alice:secret@h:5061", Uri("sip", "alice", "secret", "h", 5061)),
        ("sip:alice:@h", Uri("sip", "alice", "", "h")),
        ("sip:my_host", Uri("sip", host="my_host")),
        ("sip:bob@pbx1", Uri("sip", "bob", host="pbx1")),
        ("sip:[2001:db8::1]:5060", Uri("sip", host="2001:db8::1", port=5060)),
        ("sip:a@h:65535", Uri("sip", "a", host="h", port=65535)),
        (
            "sip:+1-602@h;user=phone;lr",
            Uri(
                "sip", "+1-602", host="h", parameters=Parameters([("user", "phone"), ("lr", None)])
            ),
        ),
        ("sip:a%40b@h", Uri("sip", "a@b", host="h")),
        ("sip:a@b@h", Uri("sip", "a@b", host="h")),
        ("sip:a;x=1?y@h", Uri("sip", "a;x=1?y", host="h")),
        (
            "sip:a@h?Subject=hi%20there&Priority=urgent",
            Uri("sip", "a", host="h", headers=(("Subject", "hi there"), ("Priority", "urgent"))),
        ),
        ("sip:h?a", Uri("sip", host="h", headers=(("a", ""),))),
        ("sip:é@h", Uri("sip", "é", host="h")),
        ("tel:+1-602-555-0100", Uri("tel", "+1-602-555-0100")),
        (
            "tel:7042;phone-context=example.com;npdi",
            Uri("tel", "7042", parameters=Parameters.parse("phone-context=example.com;npdi")),
        ),
        ("urn:service:sos", Uri("urn", opaque="service:sos")),
        ("http://www.example.com/a;b?c", Uri("http", opaque="//www.example.com/a;b?c")),
        ("soap.beep://192.0.2.103:3002", Uri("soap.beep", opaque="//192.0.2.103:3002")),
    ],
)
def test_uris_are_read(text: str, uri: Uri) -> None:
    parsed = Uri.parse(text)

    assert parsed == uri
    assert str(parsed) == text
    assert Uri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip",
        "sip:",
        ":a",
        "sip:@h",
        "sip:a@",
        "sip:a@h:99999",
        "sip:a@h:port",
        "sip:a@h;;lr",
        "sip:a@h?",
        "sip:a@h?=1",
        "sip:a b@h",
        "sip:a@h;x=\t1",
        "<sip:a@h>",
        "sip:a@h>",
        'sip:a"b@h',
        "sip:a\r\nb@h",
        "sip:a@h\x00",
        "sip:2001:db8::1",
        "1sip:a",
        "s p:a",
        "sip:" + "a" * 256,
        "sip:h?" + "&".join(["a=b"] * (MAX_URI_HEADERS + 1)),
    ],
)
def test_other_texts_are_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        Uri.parse(text)

    assert caught.value.status_hint == 400


def test_a_uri_that_is_too_long_hints_at_414() -> None:
    with pytest.raises(ParseError) as caught:
        Uri.parse("sip:a@h;x=" + "1" * MAX_URI)

    assert (caught.value.reason, caught.value.status_hint) == ("uri-too-long", 414)


def test_a_built_uri_escapes_what_its_parts_may_not_hold() -> None:
    uri = Uri(
        "sip",
        "a b@c:d",
        "p:w",
        "2001:db8::1",
        5060,
        Parameters([("x", "1;2 3"), ("lr", None)]),
        (("Subject", "a&b=c d"), ("X", "")),
    )

    assert str(uri) == (
        "sip:a%20b%40c%3Ad:p%3Aw@[2001:db8::1]:5060;x=1%3B2%203;lr?Subject=a%26b%3Dc%20d&X="
    )


def test_a_changed_copy_is_written_from_its_fields() -> None:
    uri = Uri.parse("sip:%61lice@h;transport=tcp")

    assert str(uri) == "sip:%61lice@h;transport=tcp"
    assert str(replace(uri, port=5061)) == "sip:alice@h:5061;transport=tcp"
    assert str(Uri("tel", "+1 602", parameters=Parameters([("npdi", None)]))) == "tel:+1%20602;npdi"
    assert str(Uri("urn", opaque="x:y")) == "urn:x:y"


def test_a_uri_does_not_change() -> None:
    uri = Uri.parse("sip:a@h")

    with pytest.raises(FrozenInstanceError):
        uri.host = "other"  # type: ignore[misc]  # the point of the test


def test_escapes_are_taken_out_once() -> None:
    assert Uri.parse("sip:a%2541@h").user == "a%41"


def test_telephone_parameters_are_found_in_the_user_part_and_in_tel() -> None:
    """19.1.6: a tel URI made into a sip URI keeps its parameters in the user part."""
    sip = Uri.parse("sip:+16025550100;rn=+16025550000;npdi@h;user=phone")
    tel = Uri.parse("tel:+16025550100;rn=+16025550000")

    assert sip.number == tel.number == "+16025550100"
    assert sip.user_parameters.get("rn") == tel.user_parameters.get("rn") == "+16025550000"
    assert "npdi" in sip.user_parameters
    assert not Uri.parse("sip:a;;b@h").user_parameters
    assert not Uri.parse("sip:h").user_parameters
    assert Uri.parse("sip:h").number == ""


def test_uri_headers_are_found_in_any_case() -> None:
    uri = Uri.parse("sip:a@h?replaces=x%3By&Replaces=z")

    assert uri.header("Replaces") == "x;y"
    assert uri.header("Reason") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("urn:a:b", "urn:a:b"),
    ],
)
def test_equivalent_uris_match(one: str, other: str) -> None:
    """The examples of 19.1.4."""
    assert Uri.parse(one).matches(Uri.parse(other))
    assert Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:a:b@h"),
        ("sip:a@h", "tel:a"),
        ("urn:a:b", "urn:a:c"),
    ],
)
def test_different_uris_do_not_match(one: str, other: str) -> None:
    """The examples of 19.1.4."""
    assert not Uri.parse(one).matches(Uri.parse(other))
    assert not Uri.parse(other).matches(Uri.parse(one))


hosts = st.from_regex(r"[a-z0-9]([a-z0-9.\-]{0,20}[a-z0-9])?", fullmatch=True) | st.ip_addresses(
    v=6
).map(str)
names = st.text(min_size=1, max_size=8).map(str.lower).filter(lambda name: name == name.lower())


@given(
    st.builds(
        Uri,
        st.sampled_from(["sip", "sips"]),
        st.none() | st.text(min_size=1, max_size=20),
        st.none(),
        hosts,
        st.none() | st.integers(0, 65535),
        st.lists(st.tuples(names, st.none() | st.text(max_size=10)), max_size=5).map(Parameters),
        st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=4).map(tuple),
    )
)
def test_whatever_is_written_is_read_again(uri: Uri) -> None:
    assert Uri.parse(str(uri)) == uri


@given(st.text() | st.text().map("sip:".__add__))
def test_nothing_but_a_parse_error_comes_out(text: str) -> None:
    try:
        uri = Uri.parse(text)
    except ParseError:
        return
    assert str(uri) == text
    assert replace(uri) == uri


def test_a_semicolon_in_the_number_of_a_tel_uri_begins_no_parameter() -> None:
    """RFC 3966 section 3: what is behind a `;` is a parameter; one that is escaped is none."""
    uri = Uri.parse("tel:1%3Bphone-context=+1")
    assert uri.user == "1;phone-context=+1"
    assert str(replace(uri)) == "tel:1%3Bphone-context=+1"
