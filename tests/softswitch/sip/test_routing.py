"""Where a request inside a dialog goes (RFC 3261 sections 12.2.1.1 and 19.1.2)."""

from __future__ import annotations

import pytest

from softswitch.sip.flow import Flow
from softswitch.sip.routing import flow_to, path_to

HEARD = Flow("udp", "192.0.2.1", 5099, 3)
HEARD_TCP = Flow("tcp", "192.0.2.1", 40001, 1, 9)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("sip:a@192.0.2.7", Flow("udp", "192.0.2.7", 5060, 3)),
        ("sip:a@192.0.2.7:5080", Flow("udp", "192.0.2.7", 5080, 3)),
        ("sip:a@host.example;transport=TCP", Flow("tcp", "host.example", 5060, 3)),
        ("sip:a@[2001:db8::7]:5080", Flow("udp", "2001:db8::7", 5080, 3)),
        ("sip:a@host;maddr=192.0.2.8", Flow("udp", "192.0.2.8", 5060, 3)),
        ("tel:+1555", HEARD),
        ("nonsense", HEARD),
        ("", HEARD),
    ],
)
def test_the_flow_to_a_target(target: str, expected: Flow) -> None:
    assert flow_to(path_to(target, ()).next_hop, HEARD) == expected


def test_what_the_uri_leaves_open_is_as_last_heard() -> None:
    assert flow_to(path_to("sip:192.0.2.7", ()).next_hop, HEARD_TCP).transport == "tcp"
    assert flow_to(None, HEARD_TCP) == HEARD_TCP._replace(connection=0)


def test_an_address_is_to_show_the_certificate_of_whom_we_have_called() -> None:
    """An address in a Contact has none; a name that the peer has written has its own."""
    heard = Flow("tls", "192.0.2.1", 5061, 1, 9, "carrier.example")

    def name_for(target: str) -> str:
        return flow_to(path_to(target, ()).next_hop, heard).name

    assert name_for("sip:a@192.0.2.7") == "carrier.example"
    assert name_for("sip:a@[2001:db8::7];transport=tls") == "carrier.example"
    assert name_for("sip:a@edge.example;transport=tls") == ""
    # Nor is one that leads out of TLS followed there.
    assert name_for("sip:a@192.0.2.7;transport=tcp") == "carrier.example"
    assert flow_to(None, heard) == heard._replace(connection=0)


def test_a_loose_route_leaves_the_target_in_the_request_uri() -> None:
    path = path_to("sip:a@b", ("<sip:p1;lr>", "<sip:p2>"))
    assert (path.uri, path.routes) == ("sip:a@b", "Route: <sip:p1;lr>\r\nRoute: <sip:p2>\r\n")
    assert str(path.next_hop) == "sip:p1;lr"


def test_a_strict_route_takes_the_request_uri() -> None:
    """12.2.1.1: stripping any parameters that are not allowed in a Request-URI."""
    path = path_to("sip:a@b", ("<sip:p1?Subject=x>", "<sip:p2;lr>"))
    assert path.uri == "sip:p1"
    assert path.routes == "Route: <sip:p2;lr>\r\nRoute: <sip:a@b>\r\n"
    assert str(path.next_hop) == "sip:p1?Subject=x"


def test_a_route_that_cannot_be_read_is_passed_on_as_it_is() -> None:
    path = path_to("sip:a@b", ("<<<",))
    assert (path.uri, path.routes) == ("sip:a@b", "Route: <<<\r\n")
    assert str(path.next_hop) == "sip:a@b"
