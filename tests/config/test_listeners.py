"""Several listeners: how they are read, which one a trunk uses, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.difference import needs_restart, with_running_settings
from config.listeners import Endpoint, endpoints
from config.model import Configuration, SwitchListener
from tests.support.configurations import MINIMAL, loaded, told

TWO = """\
switch:
  listen:
    - {name: inside, address: "10.0.0.1:5062", transports: [udp]}
    - {name: public, address: 192.0.2.1, advertise: 203.0.113.7}
    - {name: six, address: "[2001:db8::1]"}
"""
TRUNKS = """\
trunks:
  plain: 198.51.100.1
  stream: 198.51.100.1:5060;transport=tcp
  six: "[2001:db8::9]:5060"
  named: carrier.example
  told: {address: 198.51.100.1, listen: public}
  six-stream: {address: "carrier.example;transport=tcp", listen: six}
"""


def by_trunk(configuration: Configuration) -> dict[str, tuple[str, str]]:
    """The listener and transport that calls to each trunk leave by."""
    known = endpoints(configuration.switch)
    return {
        name: (known[trunk.listener].name, known[trunk.listener].transport)
        for name, trunk in configuration.trunks.items()
    }


def test_listeners_reach_the_model() -> None:
    switch = loaded(TWO + TRUNKS).switch
    assert switch.listeners == (
        SwitchListener("inside", "10.0.0.1", 5062, ("udp",), "10.0.0.1"),
        SwitchListener("public", "192.0.2.1", 5060, ("udp", "tcp"), "203.0.113.7"),
        SwitchListener("six", "2001:db8::1", 5060, ("udp", "tcp"), "2001:db8::1"),
    )
    assert (switch.listen_host, switch.listen_port) == ("10.0.0.1", 5062)
    assert (switch.transports, switch.advertise_host) == (("udp",), "10.0.0.1")


def test_sockets_are_counted_in_the_order_of_the_list() -> None:
    assert endpoints(loaded(TWO + TRUNKS).switch) == (
        Endpoint("inside", "udp", "10.0.0.1", 5062, "10.0.0.1"),
        Endpoint("public", "udp", "192.0.2.1", 5060, "203.0.113.7"),
        Endpoint("public", "tcp", "192.0.2.1", 5060, "203.0.113.7"),
        Endpoint("six", "udp", "2001:db8::1", 5060, "2001:db8::1"),
        Endpoint("six", "tcp", "2001:db8::1", 5060, "2001:db8::1"),
    )


def test_one_address_is_one_listener_without_a_name() -> None:
    text = "switch: {listen: 0.0.0.0, advertise: 192.0.2.1, tls: {certificate: c, key: k}}\n"
    assert endpoints(loaded(MINIMAL + text).switch) == (
        Endpoint("", "udp", "0.0.0.0", 5060, "192.0.2.1"),
        Endpoint("", "tcp", "0.0.0.0", 5060, "192.0.2.1"),
        Endpoint("", "tls", "0.0.0.0", 5061, "192.0.2.1"),
    )
    assert loaded(MINIMAL + text).switch.listeners == ()


def test_a_listener_of_tls_takes_the_place_of_the_usual_one() -> None:
    text = (
        "switch:\n  tls: {certificate: c, key: k}\n  listen:\n"
        "    - {name: a, address: 192.0.2.1}\n"
        "    - {name: b, address: 192.0.2.2:5071, transports: tls}\n"
    )
    found = endpoints(loaded(MINIMAL + text).switch)
    assert [(one.transport, one.port) for one in found] == [
        ("udp", 5060), ("tcp", 5060), ("tls", 5071)
    ]  # fmt: skip


def test_the_advertised_host_of_the_switch_is_for_listeners_without_one() -> None:
    text = (
        "switch:\n  advertise: sip.example\n  listen:\n"
        "    - {name: a, address: 0.0.0.0}\n"
        "    - {name: b, address: 192.0.2.2:5070, advertise: b.example}\n"
    )
    found = endpoints(loaded(MINIMAL + text).switch)
    assert {one.name: one.advertise_host for one in found} == {"a": "sip.example", "b": "b.example"}


@pytest.mark.parametrize(
    ("hosts", "media"),
    [
        (("192.0.2.1", "192.0.2.1"), "192.0.2.1"),
        (("192.0.2.1", "192.0.2.2"), "0.0.0.0"),
        (("192.0.2.1", "[2001:db8::1]"), "::"),
    ],
)
def test_media_is_bound_where_all_listeners_peers_send_to(
    hosts: tuple[str, str], media: str
) -> None:
    lines = [
        f'    - {{name: l{number}, address: "{host}:{5060 + number}"}}\n'
        for number, host in enumerate(hosts)
    ]
    assert loaded(MINIMAL + "switch:\n  listen:\n" + "".join(lines)).switch.rtp_host == media


def test_a_trunk_leaves_by_the_first_listener_that_suits_it_or_the_one_it_names() -> None:
    assert by_trunk(loaded(TWO + TRUNKS)) == {
        "plain": ("inside", "udp"),
        "stream": ("public", "tcp"),
        "six": ("six", "udp"),
        "named": ("inside", "udp"),
        "told": ("public", "udp"),
        "six-stream": ("six", "tcp"),
    }


def test_a_name_that_says_the_transport_leaves_by_the_listener_that_the_trunk_names() -> None:
    text = TRUNKS + "  free: {address: carrier.example, listen: public}\n"
    configuration = loaded(TWO + text)
    known = endpoints(configuration.switch)

    def ways(name: str) -> dict[str, str]:
        listeners = configuration.trunks[name].listeners
        return {transport: known[number].name for transport, number in listeners}

    assert ways("free") == {"udp": "public", "tcp": "public"}
    assert ways("named") == {"udp": "inside", "tcp": "public"}
    # Whose transport is written has one way, unless TCP is for what no datagram holds.
    assert ways("six-stream") == {}
    assert ways("plain") == {"udp": "inside", "tcp": "public"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{name: a}]", 'a listener needs "address"'),
        ("[{address: 192.0.2.1}]", 'a listener needs "name"'),
        ("[]", "expected 1 to 16 listeners"),
        ("[{name: a, address: 192.0.2.1, port: 5}]", '"port" is no setting'),
        ("[{name: a, address: 224.0.0.1}]", "address of many hosts"),
        ("[{name: a, address: 192.0.2.1, advertise: 0.0.0.0}]", "no host that peers can reach"),
        ("[{name: a, address: 0.0.0.0}]", "0.0.0.0 listens everywhere"),
        ("[{name: a, address: 192.0.2.1, transports: [tls]}]", '"a" needs a certificate'),
        ("[{name: a, address: 192.0.2.1, transports: [wss]}]", '"a" needs a certificate'),
        ("[{name: a, address: 192.0.2.1, transports: [tcp, tls]}]", "cannot have one port"),
        ("[{name: a, address: 192.0.2.1, transports: [ws, tcp]}]", "ws and tcp cannot have one"),
        ("[{name: a, address: 192.0.2.1, transports: [ws, wss]}]", "ws and wss cannot have one"),
        ("[{name: a, address: 192.0.2.1, origins: ['*']}]", "only ws and wss are reached by web"),
        (
            "[{name: a, address: 192.0.2.1, transports: ws, origins: ['https://a.example/x']}]",
            "an origin such as",
        ),
        (
            "[{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.1, transports: ws}]",
            '"b" has the port 5060 of "a"',
        ),
        ("[{name: a, address: '127.0.0.1:8021', transports: ws}]", "port 8021 is SIP's already"),
        ("[{name: a, address: 192.0.2.1}, {name: a, address: 192.0.2.2}]", '"a" stands twice'),
        (
            "[{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.1}]",
            '"b" has the port 5060 of "a"',
        ),
        (
            "[{name: a, address: 192.0.2.1}, {name: b, address: 0.0.0.0, advertise: x}]",
            '"b" has the port 5060 of "a"',
        ),
        ("[{name: a, address: '192.0.2.1:20000'}]\n  rtp_host: 192.0.2.1", "SIP's port 20000"),
        ("[{name: a, address: '127.0.0.1:8021'}]", "port 8021 is SIP's already"),
        ("[{name: a, address: 192.0.2.1}]\n  transports: udp", "each listener of the list has its"),
    ],
)
def test_nonsense_is_told(text: str, says: str) -> None:
    found = told(MINIMAL + f"switch:\n  listen: {text}\n")
    assert any(says in str(one) for one in found), found


@pytest.mark.parametrize(
    ("trunk", "says"),
    [
        ("{address: 198.51.100.1, listen: nowhere}", 'there is no listener "nowhere"'),
        ("'198.51.100.1:5061;transport=tls'", "no listener reaches 198.51.100.1 by tls"),
        (
            "{address: '198.51.100.1;transport=tcp', listen: inside}",
            'listener "inside" does not reach 198.51.100.1 by tcp',
        ),
        ("{address: '[::5]:5060', listen: public}", 'listener "public" does not reach ::5 by udp'),
        ("'203.0.113.7'", "203.0.113.7:5060 is the switch itself"),
        ("'10.0.0.1:5062'", "10.0.0.1:5062 is the switch itself"),
        ("'198.51.100.1;transport=ws'", "no listener reaches 198.51.100.1 by ws"),
        ("'198.51.100.1:8088;transport=ws'", "the connection that the peer has opened: no port"),
    ],
)
def test_a_trunk_that_no_listener_suits_is_told(trunk: str, says: str) -> None:
    found = told(TWO + f"trunks:\n  a: {trunk}\n")
    assert any(says in str(one) for one in found), found


def test_a_trunk_cannot_name_a_listener_where_there_is_one_address() -> None:
    found = told("trunks: {a: {address: 192.0.2.1, listen: b}}\n")
    assert any("write listeners in a list" in str(one) for one in found), found


WEB = """\
switch:
  tls: {certificate: c, key: k, listen: 192.0.2.1}
  listen:
    - {name: carriers, address: 192.0.2.1}
    - {name: web, address: "192.0.2.1:8088", transports: ws, origins: "https://Phone.example"}
    - {name: safe, address: "192.0.2.1:8443", transports: [wss]}
"""


def test_websockets_have_listeners_of_their_own() -> None:
    found = {one.name: one for one in endpoints(loaded(MINIMAL + WEB).switch) if one.name}
    assert (found["web"].transport, found["web"].port) == ("ws", 8088)
    assert found["web"].origins == ("https://phone.example",)
    assert (found["safe"].transport, found["safe"].origins) == ("wss", ())


def test_a_trunk_that_connects_by_websocket_is_called_by_the_listener_it_came_by() -> None:
    text = "trunks:\n  gateway: 198.51.100.7;transport=ws\n  named: gw.example;transport=wss\n"
    configuration = loaded(WEB + text)
    assert by_trunk(configuration) == {"gateway": ("web", "ws"), "named": ("safe", "wss")}
    # There is nothing to be looked up of a peer that connects to us.
    assert not configuration.trunks["named"].by_name
    # Nor is it the switch itself, whatever else is on its machine.
    assert "local" in loaded(WEB + "trunks: {local: '192.0.2.1;transport=ws'}\n").trunks


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("trunks: {a: '192.0.2.1;transport=ws'}\n", "nobody listens for ws"),
        (
            WEB + "trunks: {a: {address: '198.51.100.1;transport=ws', register: {user: u}}}\n",
            "a registrar is not called by a WebSocket",
        ),
        ("trunks: {a: '192.0.2.1;transport=sctp'}\n", "the transport is udp, tcp, tls, ws or wss"),
    ],
)
def test_a_websocket_that_leads_nowhere_is_told(text: str, says: str) -> None:
    found = told(text)
    assert any(says in str(one) for one in found), found


REUSE = "trunks: {a: {address: 'a.example;transport=%s', connection_reuse: true}}\n"
TLS = "switch: {tls: {certificate: c, key: k%s}}\n"


def test_a_connection_is_used_both_ways_where_both_ends_show_certificates() -> None:
    text = TLS % ", client_certificates: true" + REUSE % "tls"
    assert loaded(text).trunks["a"].connection_reuse
    assert not loaded("trunks: {a: 192.0.2.1}\n").trunks["a"].connection_reuse


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TLS % ", client_certificates: true" + REUSE % "tcp", "write ;transport=tls at the end"),
        (REUSE % "udp", '1:68: trunk "a": connection_reuse: only by TLS'),
        (TLS % "" + REUSE % "tls", "write client_certificates: true in tls"),
        (
            TLS % ", client_certificates: true, verify: false" + REUSE % "tls",
            "leave verify: false out of tls",
        ),
    ],
)
def test_where_one_end_proves_nothing_it_is_not(text: str, says: str) -> None:
    found = told(text)
    assert any(says in str(one) for one in found), found


def test_other_listeners_need_a_restart_and_trunks_keep_to_those_there_are() -> None:
    before = loaded(TWO + TRUNKS)
    after = loaded(TWO.replace("    - {name: inside", "    - {name: zero, address: 10.0.0.9}\n"
                               "    - {name: inside") + TRUNKS)  # fmt: skip
    assert "switch.listen" in needs_restart(before, after)
    running = with_running_settings(before, after)
    assert running.switch.listeners == before.switch.listeners
    assert by_trunk(running) == by_trunk(before)


def test_a_listener_is_its_settings_wherever_it_stands() -> None:
    (first, *_rest) = loaded(TWO + TRUNKS).switch.listeners
    assert first == replace(first)
