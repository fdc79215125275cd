"""The ways to a trunk: its servers, those that failed lately last."""

from __future__ import annotations

from config.model import Trunk
from softswitch.call import servers as module
from softswitch.call.servers import AVOID_SECONDS, Ways
from softswitch.sip.flow import Flow
from softswitch.sip.ids import Ids
from softswitch.sip.servers import Server
from tests.support.agents import Pseudorandom

NAMED = Trunk("t", "carrier.example", by_name=True)
FLOW = Flow("udp", "carrier.example", 5060)
KNOWN = {("carrier.example", "udp"): (Server("one", 1), Server("two", 2, 1), Server("three", 3, 2))}


def hosts(ways: Ways, now: float = 0.0, trunk: Trunk = NAMED) -> list[str]:
    return [flow.host for flow in ways.of(trunk, FLOW, KNOWN, now)]


def test_servers_come_by_priority_with_their_own_ports() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    assert hosts(ways) == ["one", "two", "three"]
    assert [flow.port for flow in ways.of(NAMED, FLOW, KNOWN, 0.0)] == [1, 2, 3]


def test_a_trunk_with_a_port_and_one_that_is_not_known_yet_have_one_way() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    assert hosts(ways, trunk=Trunk("t", "carrier.example")) == ["carrier.example"]
    assert ways.of(NAMED, FLOW, {}, 0.0) == [FLOW]


def test_what_failed_lately_comes_last_for_a_while() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    ways.failed(Flow("udp", "one", 1), 0.0)
    assert hosts(ways, 1.0) == ["two", "three", "one"]
    assert hosts(ways, AVOID_SECONDS + 1.0) == ["one", "two", "three"]


def test_servers_of_a_name_that_says_so_are_called_by_transports_of_their_own() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    trunk = Trunk("t", "carrier.example", by_name=True, any_transport=True)
    known = {
        ("carrier.example", ""): (Server("one", 1, 0, 0, "tcp"), Server("one", 1, 9, 0, "udp"))
    }
    found = ways.of(trunk, FLOW, known, 0.0)
    assert [flow[:3] for flow in found] == [("tcp", "one", 1), ("udp", "one", 1)]
    # What fails by one transport may be there by another.
    ways.failed(found[0], 0.0)
    assert [flow.transport for flow in ways.of(trunk, FLOW, known, 1.0)] == ["udp", "tcp"]


def test_a_server_is_to_show_the_certificate_of_the_name_that_was_written() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    known = {
        ("carrier.example", ""): (Server("edge", 1, 0, 0, "tls"), Server("edge", 2, 1, 0, "udp"))
    }
    trunk = Trunk("t", "carrier.example", by_name=True, any_transport=True)
    found = ways.of(trunk, FLOW, known, 0.0)
    assert [flow.name for flow in found] == ["carrier.example", ""]
    # One that has no such certificate may have that of another name.
    ways.failed(found[0], 0.0)
    other = Trunk("o", "other.example", by_name=True, transport="tls")
    both = {
        ("other.example", "tls"): (Server("edge", 1), Server("edge", 9, 1)),
        **known,
    }
    flow = Flow("tls", "other.example", 5061)
    assert [way.port for way in ways.of(other, flow, both, 1.0)] == [1, 9]
    assert [way.port for way in ways.of(trunk, FLOW, both, 1.0)] == [2, 1]


def test_another_transport_leaves_by_the_listener_that_the_trunk_names() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    known = {
        ("carrier.example", ""): tuple(
            Server("one", 1, rank, 0, transport) for rank, transport in enumerate(("tcp", "udp"))
        )
    }
    trunk = Trunk(
        "t", "carrier.example", by_name=True, any_transport=True,
        listen="public", listener=2, listeners=(("udp", 2), ("tcp", 3)),
    )  # fmt: skip
    found = ways.of(trunk, FLOW._replace(listener=2), known, 0.0)
    assert [(flow.transport, flow.listener) for flow in found] == [("tcp", 3), ("udp", 2)]


def test_failures_that_are_remembered_are_bounded() -> None:
    ways = Ways(Ids(Pseudorandom(1)))
    for number in range(module.MAX_AVOIDED * 2):
        ways.failed(Flow("udp", f"h{number}", 1), 0.0)
    assert len(ways._avoided) <= module.MAX_AVOIDED
