"""The container of header lines (RFC 3261 section 7.3)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import LocalProtocolError
from softswitch.sip.headers.container import CANONICAL_NAMES, Headers, canonical_name


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Via", "Via"),
        ("v", "Via"),
        ("V", "Via"),
        ("call-id", "Call-ID"),
        ("CALL-ID", "Call-ID"),
        ("cSeQ", "CSeq"),
        ("p-asserted-identity", "P-Asserted-Identity"),
        ("X-FOO-bar", "X-Foo-Bar"),
        ("q", "Q"),
    ],
)
def test_names_have_one_spelling(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


def test_canonical_names_are_their_own_spelling() -> None:
    for name in CANONICAL_NAMES.values():
        assert CANONICAL_NAMES[name] == name


def test_lines_are_kept_in_order_under_one_name() -> None:
    headers = Headers([("v", "1"), ("X-a", "2"), ("VIA", "3")])

    assert headers.get("Via") == "1"
    assert headers.get_all("via") == ["1", "3"]
    assert headers.names() == ["Via", "X-A"]
    assert list(headers.items()) == [("Via", "1"), ("Via", "3"), ("X-A", "2")]
    assert repr(headers) == "Headers([('Via', '1'), ('Via', '3'), ('X-A', '2')])"


def test_lists_are_taken_apart_over_lines() -> None:
    headers = Headers([("Contact", '"a, b" <sip:a>, <sip:b>'), ("m", "<sip:c,d>")])

    assert headers.get_list("contact") == ['"a, b" <sip:a>', "<sip:b>", "<sip:c,d>"]
    assert headers.get_list("M") == headers.get_list("Contact")
    assert Headers([("Contact", "a, b")]).get_list("Contact") == ["a", "b"]
    assert headers.get_list("Route") == []


def test_what_is_not_there_is_none() -> None:
    headers = Headers()

    assert headers.get("Via") is None
    assert headers.get_all("Via") == []
    assert "Via" not in headers
    assert 1 not in headers


def test_lines_are_set_added_and_removed() -> None:
    headers = Headers([("Via", "1"), ("Via", "2")])

    headers.set("v", "3")
    headers.add("via", "4")
    assert headers.get_all("Via") == ["3", "4"]
    assert "V" in headers
    headers.remove("VIA")
    headers.remove("Via")
    assert "Via" not in headers


def test_a_copy_is_independent() -> None:
    headers = Headers([("Via", "1")])
    twin = headers.copy()

    twin.add("Via", "2")

    assert headers.get_all("Via") == ["1"]
    assert twin != headers
    assert headers == Headers([("v", "1")])
    assert headers != "Via: 1"


def test_what_is_handed_out_is_not_the_inside() -> None:
    headers = Headers([("Via", "1")])

    headers.get_all("Via").append("2")

    assert headers.get_all("Via") == ["1"]


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "é"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        Headers([(name, "x")])


def test_headers_are_no_key() -> None:
    with pytest.raises(TypeError):
        hash(Headers())
