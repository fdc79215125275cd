"""Reason (RFC 3326)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import MAX_VALUES
from softswitch.sip.headers.reason import Reason
from softswitch.sip.parameters import Parameters


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'SIP ;cause=200 ;text="Call completed elsewhere"',
            Reason("SIP", 200, "Call completed elsewhere"),
        ),
        ("Q.850;cause=16", Reason("Q.850", 16)),
        ('Q.850;cause=16;text=""', Reason("Q.850", 16, "")),
        (
            "preemption;location=LN",
            Reason("preemption", parameters=Parameters([("location", "LN")])),
        ),
        ("SIP;text=OK", Reason("SIP", None, "OK")),
    ],
)
def test_a_reason_is_read(text: str, reason: Reason) -> None:
    assert Reason.parse(text) == reason
    assert Reason.parse(str(reason)) == reason


def test_its_text_is_always_written_in_quotes() -> None:
    """Section 2: reason-text = "text" EQUAL quoted-string."""
    assert str(Reason("SIP", 200, "OK")) == 'SIP;cause=200;text="OK"'


@pytest.mark.parametrize(
    "text", ["", ";cause=1", "Q 850;cause=1", "Q.850;cause=x", "Q.850;cause=1000", "Q.850;cause="]
)
def test_another_reason_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        Reason.parse(text)


def test_several_reasons_are_read_and_broken_ones_left_out() -> None:
    headers = Headers(
        [
            ("Reason", 'Q.850;cause=16;text="a, b", nonsense here, SIP;cause=487'),
            ("Reason", "x;y=1"),
        ]
    )

    assert [reason.protocol for reason in Reason.parse_all(headers)] == ["Q.850", "SIP", "x"]
    assert Reason.cause_of(headers, "q.850") == 16
    assert Reason.cause_of(headers, "SIP") == 487
    assert Reason.cause_of(headers, "X") is None
    assert Reason.parse_all(Headers()) == ()


def test_no_more_values_are_read_than_the_limit() -> None:
    headers = Headers([("Reason", ",".join(["SIP"] * (MAX_VALUES + 5)))])

    assert len(Reason.parse_all(headers)) == MAX_VALUES
