"""Whose a request is, behind proxies and at registered contacts; and what nobody may claim."""

from __future__ import annotations

import pytest

from softswitch.routing.sources import NO_MARK, WRONG_MARK, SourceTable
from softswitch.routing.trunks import TrunkTable
from softswitch.sip.flow import Flow
from softswitch.sip.message import Request, parse_message
from tests.support.configurations import loaded

CONFIGURATION = loaded("""\
trunks:
  plain: 192.0.2.1:5060
  one: {address: 10.0.0.5:5060, behind: {proxies: [10.0.0.5, 10.1.0.0/16], header: X-Trunk}}
  two:
    address: 10.0.0.5:5060
    behind: {proxies: [10.0.0.5], header: X-Trunk, value: second carrier}
  three: {address: 10.0.0.6:5060, behind: {proxies: [10.0.0.6], parameter: Trunk}}
  four:
    address: 203.0.113.4:5060
    sources: 198.51.100.0/24
    behind: {proxies: [10.0.0.7], via: true}
""")
TABLE = SourceTable(CONFIGURATION, TrunkTable(CONFIGURATION))


def found(
    host: str, *lines: str, uri: str = "sip:100@us", registered: dict[str, str] | None = None
) -> str | None:
    message = request_of(*lines, uri=uri)
    trunk = TABLE.find(message, Flow("udp", host, 5060), registered or {})
    return None if trunk is None else trunk.name


def request_of(*lines: str, uri: str = "sip:100@us") -> Request:
    text = "\r\n".join(
        [
            f"INVITE {uri} SIP/2.0",
            "Via: SIP/2.0/UDP proxy;branch=z9hG4bK1",
            *lines,
            "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
        ]
    )
    message = parse_message(text.encode())
    assert isinstance(message, Request)
    return message


def test_an_address_is_enough_where_nothing_else_is_asked_for() -> None:
    assert found("192.0.2.1") == "plain"
    assert found("192.0.2.2") is None


def test_a_proxy_says_whose_call_it_is_by_a_header() -> None:
    assert found("10.0.0.5", "X-Trunk: one") == "one"
    assert found("10.0.0.5", "x-trunk:  second carrier ") == "two"
    assert found("10.1.2.3", "X-Trunk: one") == "one"


@pytest.mark.parametrize(
    "lines",
    [(), ("X-Trunk: three",), ("X-Trunk: two",), ("X-Trunk: one", "X-Trunk: second carrier")],
)
def test_a_proxy_that_says_nothing_clear_brings_nobodys_call(lines: tuple[str, ...]) -> None:
    assert found("10.0.0.5", *lines) is None


@pytest.mark.parametrize(
    ("host", "lines", "told"),
    [
        ("192.0.2.9", ["X-Trunk: one"], ("unknown-source", "")),
        ("10.0.0.5", [], (NO_MARK, "")),
        ("10.0.0.5", ["X-Trunk: one", "X-Trunk: two"], (NO_MARK, "")),
        ("10.0.0.5", ["X-Trunk: onne"], (WRONG_MARK, "onne")),
        ("10.0.0.5", ["X-Trunk: " + "x" * 500], (WRONG_MARK, "x" * 100)),
        ("10.0.0.7", ["X-Trunk: one"], (NO_MARK, "")),
    ],
)
def test_a_wrong_mark_is_told_and_is_another_reason_than_none(
    host: str, lines: list[str], told: tuple[str, str]
) -> None:
    assert TABLE.why_unknown(request_of(*lines), host) == told


def test_a_mark_from_elsewhere_is_not_looked_at() -> None:
    assert found("192.0.2.1", "X-Trunk: one") == "plain"
    assert found("192.0.2.9", "X-Trunk: one") is None
    assert found("10.1.2.3", "X-Trunk: second carrier") is None


def test_a_proxy_says_it_by_a_parameter_of_the_uri() -> None:
    assert found("10.0.0.6", uri="sip:100@us;trunk=three") == "three"
    assert found("10.0.0.6", uri="sip:100@us;trunk=one") is None
    assert found("10.0.0.6") is None


@pytest.mark.parametrize(
    "uri",
    [
        "sip:100@us;trunk=one;trunk=three",
        "sip:100@us;trunk=three;trunk=three",
        "sip:100@us;TRUNK=one;trunk=three",
        "sip:100@us;%74runk=one;trunk=three",
        "sip:100@us;trunk=three;trunk",
    ],
)
def test_a_parameter_that_is_there_twice_says_nothing(uri: str) -> None:
    """The proxy appends its own: what stands before it is the caller's."""
    assert found("10.0.0.6", uri=uri) is None


def test_the_second_via_says_who_was_before_the_proxy() -> None:
    assert found("10.0.0.7", "Via: SIP/2.0/UDP 203.0.113.4:5060;branch=z9hG4bK2") == "four"
    behind_nat = "Via: SIP/2.0/UDP 192.168.0.1;received=198.51.100.9;branch=z9hG4bK2"
    assert found("10.0.0.7", behind_nat) == "four"
    assert found("10.0.0.7", "Via: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK2") is None
    lies = "Via: SIP/2.0/UDP 203.0.113.4;received=192.0.2.66;branch=z9hG4bK2"
    assert found("10.0.0.7", lies) is None
    assert found("10.0.0.7") is None


def test_who_is_behind_a_proxy_does_not_come_straight() -> None:
    assert found("203.0.113.4") is None
    assert found("198.51.100.9") is None


def test_what_is_sent_to_a_registered_contact_is_its_trunks() -> None:
    lines = {"f00d": "plain", "gone": "no longer there"}
    assert found("192.0.2.99", uri="sip:us@us;line=f00d", registered=lines) == "plain"
    assert found("192.0.2.99", uri="sip:us@us;line=f00", registered=lines) is None
    assert found("192.0.2.99", uri="sip:us@us", registered=lines) is None
    assert found("192.0.2.99", uri="sip:us@us;line=gone", registered=lines) is None
