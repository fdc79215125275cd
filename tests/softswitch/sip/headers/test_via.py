"""Via (RFC 3261 section 20.42, RFC 3581)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.via import Via
from softswitch.sip.parameters import Parameters


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("SIP/2.0/UDP pc33.atlanta.com", Via("UDP", "pc33.atlanta.com")),
        (
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77",
            Via("UDP", "192.0.2.1", 5060, Parameters([("branch", "z9hG4bK77")])),
        ),
        ("SIP/2.0/tcp a;", Via("TCP", "a")),
        (
            "SIP / 2.0 / UDP\tfirst.example.com : 4000 ;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c",
            Via(
                "UDP",
                "first.example.com",
                4000,
                Parameters.parse("ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7c"),
            ),
        ),
        ("sip/2.0/TLS [2001:db8::1]:5061", Via("TLS", "2001:db8::1", 5061)),
        ("SIP/2.0/UNKNOWN a:65535", Via("UNKNOWN", "a", 65535)),
        ("SIP/7.0/UDP a", Via("UDP", "a", version="7.0")),
    ],
)
def test_a_via_is_read(text: str, via: Via) -> None:
    assert Via.parse(text) == via
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0 a",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP a;;branch=1",
        "SIP/2.0/UDP a:65536",
        "SIP/2.0/UDP 2001:db8::1",
        "SIP/2.0/UDP a, SIP/2.0/UDP b",
        "SIP/2.0/U P a",
        "SIP/2.0/UDP " + "a" * 256,
    ],
)
def test_another_text_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        Via.parse(text)


def test_its_parts_are_named() -> None:
    via = Via.parse("SIP/2.0/UDP [::1]:5060;rport;received=[2001:db8::9];branch=z9hG4bK1")

    assert via.branch == "z9hG4bK1"
    assert via.received == "2001:db8::9"
    assert via.sent_protocol == "SIP/2.0/UDP"
    assert via.sent_by == "[::1]:5060"
    assert Via("UDP", "a").sent_by == "a"
    assert Via("UDP", "a").received is None


@pytest.mark.parametrize(
    ("parameters", "asked", "port"),
    [
        ("rport", True, None),
        ("rport=", True, None),
        ("rport=5060", True, 5060),
        ("rport=x", True, None),
        ("rport=٣", True, None),
        ("rport=999999", True, None),
        ("branch=1", False, None),
    ],
)
def test_rport_is_there_with_and_without_a_value(
    parameters: str, asked: bool, port: int | None
) -> None:
    via = Via("UDP", "a", parameters=Parameters.parse(parameters))

    assert via.has_rport is asked
    assert via.rport == port


@given(st.text().map("SIP/2.0/UDP ".__add__) | st.text())
def test_what_is_read_is_written_so_that_it_reads_the_same(text: str) -> None:
    try:
        via = Via.parse(text)
    except ParseError:
        return
    assert Via.parse(str(via)) == via
