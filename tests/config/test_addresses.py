from typing import Any

import pytest

from config.addresses import (
    HOST,
    NAME_SERVER,
    PORT_RANGE,
    SOURCE,
    TRUNK_ADDRESS,
    HostPort,
    address,
    sip_uri_problem,
)
from config.reading import Kind, RefusedError
from tests.support.configurations import read_kind


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (HOST, "EXAMPLE.org", "example.org"),
        (HOST, "'[::1]'", "::1"),
        (HOST, "'2001:DB8:0::1'", "2001:db8::1"),
        (address(5060), "127.0.0.1:5070", HostPort("127.0.0.1", 5070)),
        (address(5060), "localhost", HostPort("localhost", 5060, explicit=False)),
        (address(5060), "'[::1]:5070'", HostPort("::1", 5070)),
        (address(5060), "'[::1]'", HostPort("::1", 5060, explicit=False)),
        (TRUNK_ADDRESS, "10.0.0.1", HostPort("10.0.0.1", 5060, explicit=False)),
        (
            TRUNK_ADDRESS,
            "10.0.0.1:5080;transport=TCP",
            HostPort("10.0.0.1", 5080, "tcp", told=True),
        ),
        (TRUNK_ADDRESS, "'[::1]:5080;transport=udp'", HostPort("::1", 5080, "udp", told=True)),
        (SOURCE, "198.51.100.7/24", "198.51.100.0/24"),
        (SOURCE, "sbc.example.org", "sbc.example.org"),
        (PORT_RANGE, "20000-29999", (20000, 29999)),
        (PORT_RANGE, "20001 - 29998", (20002, 29997)),
        (PORT_RANGE, "65532-65535", (65532, 65535)),
        (address(5060), "'127.0.0.1:5070 '", HostPort("127.0.0.1", 5070)),
        (address(5060), "' 127.0.0.1'", HostPort("127.0.0.1", 5060, explicit=False)),
        (NAME_SERVER, "'192.0.2.53 '", HostPort("192.0.2.53", 53, explicit=False)),
        (HOST, "'sbc.example.org '", "sbc.example.org"),
        (SOURCE, "'198.51.100.7/24 '", "198.51.100.0/24"),
        (TRUNK_ADDRESS, "'10.0.0.1 '", HostPort("10.0.0.1", 5060, explicit=False)),
    ],
)
def test_a_good_address_is_read(kind: Kind[Any], text: str, expected: object) -> None:
    assert read_kind(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (HOST, "256.1.1.1", "expected a host"),
        (HOST, "a..b", "expected a host"),
        (HOST, "'[10.0.0.1]'", "expected a host"),
        (HOST, "'fe80::1%eth0'", "expected a host"),
        (HOST, "'[example.org]'", "expected a host"),
        (address(5060), "127.0.0.1:0", "expected host:port"),
        (address(5060), "127.0.0.1:65536", "expected host:port"),
        (address(5060), "'127.0.0.1:'", "expected host:port"),
        (address(5060), "':5060'", "expected host:port"),
        (address(5060), "'::1:5060'", "an IPv6 address stands in brackets"),
        (address(5060), "'[::1]5060'", "expected host:port"),
        (address(None), "127.0.0.1", "expected host:port"),
        (TRUNK_ADDRESS, "10.0.0.1;lr", "expected host:port"),
        (
            TRUNK_ADDRESS,
            "10.0.0.1;transport=sctp",
            'the transport is udp, tcp, tls, ws or wss, not "sctp"',
        ),
        (SOURCE, "10.0.0.0/33", "expected a host, or a network"),
        (PORT_RANGE, "20000", "expected a range of ports"),
        (PORT_RANGE, "20001-20002", "there is no pair of an even and the next odd port"),
        (PORT_RANGE, "30000-20000", "there is no pair"),
        (PORT_RANGE, "20000-20001", "takes two pairs of ports, 20000-20001 has one"),
        (PORT_RANGE, "20001-20004", "a bridged call takes two pairs"),
        (address(5060), "'127.0.0. 1:5060'", "expected host:port"),
        (PORT_RANGE, "1000-2000", "ports below 1024 belong to the system"),
    ],
)
def test_a_bad_address_is_refused_with_what_was_expected(
    kind: Kind[Any], text: str, message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_kind(kind, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sip:sales@example.org", None),
        ("sip:sales@[::1]:5070;transport=tcp", None),
        ("sip:192.0.2.1", None),
        ("sips:sales@example.org", "transport: tls"),
        ("sip:sa les@example.org", "expected a SIP URI"),
        ("sip:sales@example.org>", "expected a SIP URI"),
        ("sip:sales", None),
        ("sip:sales@-bad-", "is no host"),
        ("sip:sales@h:99999", "is no port"),
        ("sip:", "expected a SIP URI"),
    ],
)
def test_what_is_wrong_with_a_sip_uri(text: str, problem: str | None) -> None:
    found = sip_uri_problem(text)
    assert (found is None) if problem is None else (found is not None and problem in found)
