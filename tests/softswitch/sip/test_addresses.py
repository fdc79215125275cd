import ipaddress

import pytest

from softswitch.sip.addresses import canonical_host, ip_address, sip_uri, uri_host
from softswitch.sip.uri import Uri


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::FFFF:C000:201]", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[::1]", "::1"),
        ("SBC.Example.org.", "sbc.example.org"),
        ("", ""),
    ],
)
def test_a_host_has_one_spelling(host: str, expected: str) -> None:
    assert canonical_host(host) == expected


def test_a_name_is_no_address() -> None:
    assert ip_address("example.org") is None
    assert ip_address("::ffff:10.0.0.1") == ipaddress.ip_address("10.0.0.1")


def test_ipv6_stands_in_brackets_in_a_uri() -> None:
    assert uri_host("::1") == uri_host("[::1]") == "[::1]"
    assert uri_host("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("user", "host", "port", "expected"),
    [
        ("+16025551234", "192.0.2.1", 5080, "sip:+16025551234@192.0.2.1:5080"),
        ("100001", "::1", 5060, "sip:100001@[::1]"),
        ("*97#", "h", 5060, "sip:*97%23@h"),
        ("a b@c", "h", 5060, "sip:a%20b%40c@h"),
        ("é\r\n", "h", 5060, "sip:%C3%A9%0D%0A@h"),
        ("", "h", 5062, "sip:h:5062"),
    ],
)
def test_a_user_is_escaped_in_a_uri(user: str, host: str, port: int, expected: str) -> None:
    text = sip_uri(user, host, port)
    assert text == expected
    uri = Uri.parse(text)
    assert (uri.user or "") == user
    assert uri.host == host
