"""Replaces and Refer-To (RFC 3891, RFC 3515)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.refer_to import ReferTo
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
