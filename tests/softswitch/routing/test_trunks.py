import pytest

from softswitch.routing.trunks import Known, TrunkTable, names_to_resolve
from softswitch.sip.flow import Flow
from tests.support.configurations import loaded

CONFIGURATION = loaded("""\
trunks:
  carrier: 127.0.0.1:5080
  second: 127.0.0.1:5082;transport=tcp
  third: 127.0.0.1:5084
  named:
    address: sbc.example.org
    sources: [Media.Example.org, 198.51.100.0/24, 2001:db8::7]
  inside: {address: 198.51.100.9, sources: 10.0.0.0/8}
  six: "[2001:DB8::1]:5070"
""")
KNOWN = Known(
    {
        "sbc.example.org": frozenset({"203.0.113.1", "::ffff:203.0.113.2"}),
        "media.example.org": frozenset({"203.0.113.3"}),
    },
    {("sbc.example.org", ""): frozenset({"203.0.113.5", "2001:db8::5"})},
)
TABLE = TrunkTable(CONFIGURATION, KNOWN)


def identified(host: str, transport: str = "udp", port: int | None = None) -> str | None:
    trunk = TABLE.identify(host, transport, port)
    return None if trunk is None else trunk.name


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("203.0.113.1", "named"),
        ("203.0.113.2", "named"),
        ("::ffff:203.0.113.1", "named"),
        ("203.0.113.3", "named"),
        ("sbc.example.org", "named"),
        # The servers that its name leads to.
        ("203.0.113.5", "named"),
        ("2001:db8:0::5", "named"),
        ("198.51.100.77", "named"),
        ("::ffff:198.51.100.77", "named"),
        # An address goes before a network it lies in.
        ("198.51.100.9", "inside"),
        ("10.255.0.1", "inside"),
        ("2001:db8::7", "named"),
        ("2001:0db8:0::1", "six"),
        ("[2001:db8::1]", "six"),
        ("203.0.113.4", None),
        ("2001:db8::2", None),
        ("example.com", None),
        ("", None),
    ],
)
def test_a_trunk_is_known_by_its_host(host: str, expected: str | None) -> None:
    assert identified(host) == expected


@pytest.mark.parametrize(
    ("transport", "port", "expected"),
    [
        ("udp", 5080, "carrier"),
        ("udp", 5084, "third"),
        ("udp", 40000, "carrier"),
        ("udp", None, "carrier"),
        ("tcp", 5082, "second"),
        ("tcp", 40000, "second"),
        ("tcp", 5084, "second"),
        ("tls", 5080, "carrier"),
    ],
)
def test_of_trunks_on_one_host_the_nearest_is_taken(
    transport: str, port: int | None, expected: str
) -> None:
    assert identified("127.0.0.1", transport, port) == expected


def test_names_are_resolved_by_somebody_else() -> None:
    assert names_to_resolve(CONFIGURATION) == {"sbc.example.org", "media.example.org"}
    assert TrunkTable(CONFIGURATION).identify("203.0.113.1", "udp") is None


def test_without_networks_an_unknown_host_is_nobody() -> None:
    table = TrunkTable(loaded("trunks: {a: 192.0.2.1}\n"))
    assert table.identify("192.0.2.2") is None
    assert table.identify("192.0.2.1") is not None


def test_the_way_to_a_trunk() -> None:
    assert TABLE.flow(CONFIGURATION.trunks["second"]) == Flow("tcp", "127.0.0.1", 5082)
    assert TABLE.flow(CONFIGURATION.trunks["six"]) == Flow("udp", "2001:db8::1", 5070)


def test_a_trunk_is_known_by_what_its_name_stands_for_now() -> None:
    table = TrunkTable(loaded("trunks: {a: {address: carrier.example, sources: [192.0.2.9]}}\n"))
    assert table.identify("192.0.2.1") is None
    table.learn(Known({"carrier.example": frozenset({"192.0.2.1"})}))
    assert table.identify("192.0.2.1") is not None
    table.learn(Known({"carrier.example": frozenset({"192.0.2.2"})}))
    assert table.identify("192.0.2.1") is None
    assert table.identify("192.0.2.2") is not None
    assert table.identify("192.0.2.9") is not None


def test_servers_are_only_those_of_a_trunk_without_a_port_and_of_its_transport() -> None:
    table = TrunkTable(
        loaded(
            "trunks: {a: 'carrier.example:5060', b: 'carrier.example;transport=tcp', c: other.x}\n"
        ),
        Known(
            servers={
                ("carrier.example", "udp"): frozenset({"192.0.2.1"}),
                ("carrier.example", "tcp"): frozenset({"192.0.2.2"}),
            }
        ),
    )
    assert table.identify("192.0.2.1") is None
    found = table.identify("192.0.2.2")
    assert found is not None
    assert found.name == "b"


def test_servers_of_a_trunk_behind_proxies_are_known_behind_them() -> None:
    text = "trunks: {a: {address: carrier.example, behind: {proxies: [192.0.2.50], via: true}}}\n"
    servers = {("carrier.example", ""): frozenset({"192.0.2.1"})}
    table = TrunkTable(loaded(text), Known(servers=servers))
    assert table.identify("192.0.2.1") is None
    assert [trunk.name for trunk in table.behind.find("192.0.2.1")] == ["a"]


def test_all_trunks_of_a_host_are_named_by_network_and_proxy_too() -> None:
    table = TrunkTable(
        loaded(
            "trunks:\n"
            "  wide: {address: 10.9.0.1, sources: [10.0.0.0/8]}\n"
            "  one: {address: 10.0.0.5}\n"
            "  behind: {address: 10.3.0.1, behind: {proxies: [10.0.0.5], header: X-Trunk}}\n"
            "  named: {address: carrier.test}\n"
        ),
        Known({"carrier.test": frozenset({"192.0.2.1"})}, {}),
    )
    assert table.names_at("10.0.0.5") == {"wide", "one", "behind"}
    assert table.names_at("10.3.0.1") == {"wide", "behind"}
    assert table.names_at("192.0.2.1") == {"named"}
    assert table.names_at("192.0.2.2") == set()
