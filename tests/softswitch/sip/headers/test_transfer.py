"""Replaces and Refer-To (RFC 3891, RFC 3515)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.refer_to import ReferTo, replacing
from softswitch.sip.headers.replaces import Replaces


@pytest.mark.parametrize(
    ("text", "replaces"),
    [
        (
            "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff",
            Replaces("98732@sip.example.com", "ff87ff", "r33th4x0r"),
        ),
        ("a ;to-tag=1 ;From-Tag=2;early-only", Replaces("a", "1", "2", early_only=True)),
    ],
)
def test_replaces_is_read(text: str, replaces: Replaces) -> None:
    assert Replaces.parse(text) == replaces
    assert Replaces.parse(str(replaces)) == replaces


@pytest.mark.parametrize(
    "text", ["", "a", "a;to-tag=1", "a;from-tag=1", "a;to-tag;from-tag=1", ";to-tag=1;from-tag=2"]
)
def test_another_replaces_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        Replaces.parse(text)


def test_refer_to_is_read() -> None:
    plain = ReferTo.parse("<sip:carol@example.com>")
    attended = ReferTo.parse("<sip:c@d;method=INVITE?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>")

    assert plain.method == "INVITE"
    assert plain.replaces is None
    assert attended.replaces == Replaces("a@b", "1", "2")
    assert ReferTo.parse("<sip:c@d;method=BYE>").method == "BYE"
    assert ReferTo.parse(str(attended)) == attended


def test_a_malformed_replaces_inside_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        _ = ReferTo.parse("<sip:c@d?Replaces=a>").replaces


def read(uri: str) -> ReferTo:
    return ReferTo.parse(f"<{uri}>")


@pytest.mark.parametrize(
    ("target", "plain"),
    [
        ("sip:carol@192.0.2.33:5070;transport=tcp", "sip:carol@192.0.2.33:5070;transport=tcp"),
        ("sip:192.0.2.33", "sip:192.0.2.33"),
        ("sips:%40key%3b;x=?@[2001:db8::1];ob", "sips:%40key%3b;x=?@[2001:db8::1];ob"),
        ("sip:c@h?Reason=x&Replaces=y", "sip:c@h"),
        ("sip:c@h;method=BYE;lr?Subject=x", "sip:c@h;lr"),
    ],
)
def test_a_dialog_is_named_within_the_contact_of_its_peer(target: str, plain: str) -> None:
    """RFC 3891 section 3, RFC 3261 section 19.1.1: what separates is escaped."""
    replaces = Replaces('a+b/[c]"{&}?=%@host', "1-x", "2~y")
    uri = replacing(target, replaces)
    assert uri.startswith(f"{plain}?Replaces=")
    assert not set(uri.removeprefix(f"{plain}?Replaces=")) & set(';@=?&"[]/ {}<>')
    assert read(uri).replaces == replaces
    assert read(uri).method == "INVITE"
    assert len(read(uri).address.uri.headers) == 1


@pytest.mark.parametrize("target", ["", "tel:+1", "mailto:x@y", "sip:", "sip:a b@c", "<sip:c@d>"])
def test_a_contact_that_nobody_can_call_leads_nowhere(target: str) -> None:
    with pytest.raises(ParseError):
        replacing(target, Replaces("a", "1", "2"))
