"""Headers of one value: Call-ID, Max-Forwards, RSeq, RAck, Session-Expires, Min-SE, Retry-After.

RFC 3261 sections 20.8, 20.22, 20.33; RFC 3262 section 7; RFC 4028 sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.call_id import MAX_CALL_ID, parse_call_id
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.cseq import CSeq
from softswitch.sip.headers.max_forwards import parse_max_forwards
from softswitch.sip.headers.min_se import DEFAULT_MIN_SE, parse_min_se
from softswitch.sip.headers.rack import RAck
from softswitch.sip.headers.retry_after import RetryAfter
from softswitch.sip.headers.rseq import parse_rseq
from softswitch.sip.headers.session_expires import SessionExpires
from softswitch.sip.parameters import Parameters


@pytest.mark.parametrize("text", ["a", "a84b4c@pc33", "x" * MAX_CALL_ID, "a|b#c", '<>[]{}?/\\"'])
def test_a_call_id_is_kept_as_it_is(text: str) -> None:
    assert parse_call_id(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a\tb", "é", "a\x00", "x" * (MAX_CALL_ID + 1)])
def test_another_call_id_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError, match="bad-call-id"):
        parse_call_id(text)


@pytest.mark.parametrize(
    ("parse", "text", "number"),
    [
        (parse_max_forwards, "0", 0),
        (parse_max_forwards, "0255", 255),
        (parse_rseq, "4294967295", 2**32 - 1),
        (parse_min_se, "90", DEFAULT_MIN_SE),
        (parse_min_se, "120 ;lr", 120),
    ],
)
def test_a_number_is_read(parse: Callable[[str], int], text: str, number: int) -> None:
    assert parse(text) == number


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_max_forwards, "256"),
        (parse_max_forwards, "-1"),
        (parse_max_forwards, "a"),
        (parse_rseq, "4294967296"),
        (parse_min_se, ""),
        (parse_min_se, "4294967296"),
    ],
)
def test_a_number_out_of_range_is_a_parse_error(parse: Callable[[str], int], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_rack_names_a_response_and_its_request() -> None:
    rack = RAck.parse("776656 1 INVITE")

    assert rack == RAck(776656, CSeq(1, "INVITE"))
    assert str(rack) == "776656 1 INVITE"


@pytest.mark.parametrize("text", ["", "1", "1 INVITE", "1 2", "x 1 INVITE", "1 x INVITE"])
def test_another_rack_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError, match="bad-rack"):
        RAck.parse(text)


@pytest.mark.parametrize(
    ("text", "seconds", "refresher"),
    [
        ("1800", 1800, None),
        ("1800;refresher=uac", 1800, "uac"),
        ("1800 ; Refresher=UAS;x", 1800, "uas"),
        ("1800;refresher=me", 1800, None),
    ],
)
def test_session_expires_is_read(text: str, seconds: int, refresher: str | None) -> None:
    expires = SessionExpires.parse(text)

    assert (expires.seconds, expires.refresher) == (seconds, refresher)
    assert SessionExpires.parse(str(expires)) == expires


def test_another_session_expires_is_a_parse_error() -> None:
    with pytest.raises(ParseError, match="bad-session-expires"):
        SessionExpires.parse("soon")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", RetryAfter(5)),
        ("18000;duration=3600", RetryAfter(18000, "", Parameters([("duration", "3600")]))),
        ("120 (I'm in a meeting)", RetryAfter(120, "I'm in a meeting")),
        ("120 (a \\(b\\) \\\\) ;x", RetryAfter(120, "a (b) \\", Parameters([("x", None)]))),
    ],
)
def test_retry_after_is_read(text: str, value: RetryAfter) -> None:
    assert RetryAfter.parse(text) == value
    assert RetryAfter.parse(str(value)) == value
    assert RetryAfter.find(Headers([("Retry-After", text)])) == value


@pytest.mark.parametrize("text", ["", "soon", "-1", "4294967296", "5 (a", "5 x", "5;;", "5(a)b"])
def test_another_retry_after_is_a_parse_error_and_not_found(text: str) -> None:
    with pytest.raises(ParseError):
        RetryAfter.parse(text)
    assert RetryAfter.find(Headers([("Retry-After", text)])) is None


def test_no_retry_after_is_none() -> None:
    assert RetryAfter.find(Headers()) is None
