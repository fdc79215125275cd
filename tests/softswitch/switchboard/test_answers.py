"""Who may answer what was asked of a trunk, and what is told of those who may not."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from config.model import Configuration
from softswitch.call.seldom import EVERY_SECONDS, Seldom
from softswitch.routing.sources import SourceTable
from softswitch.routing.trunks import Known, TrunkTable
from softswitch.sip.flow import Flow
from softswitch.sip.message import Request, parse_message
from softswitch.sip.peer import FROM_ELSEWHERE
from softswitch.switchboard.sources import Sources
from tests.support.configurations import loaded
from tests.support.laboratory import DIRECT, HOSTS, Laboratory, laboratory

CONFIGURATION = """\
switch: {tls: {certificate: a.pem, key: a.key}}
trunks:
  plain: {address: 192.0.2.1:5060, sources: [192.0.2.2, 198.51.100.0/24, "2001:db8::/64"]}
  named: carrier.example
  other: 192.0.2.3:5060
  loose: {address: 192.0.2.4:5060, responses_from: any}
  proxied: {address: 192.0.2.5:5060, behind: {proxies: [10.0.0.5], header: X-Trunk}}
  secure: "192.0.2.6:5061;transport=tls"
  roaming:
    address: 192.0.2.7:5060
    inbound_auth: {user: roamer, password: secret}
"""


def sources_of(text: str) -> tuple[Sources, Configuration, SimpleNamespace]:
    configuration = loaded(text)
    known = Known(
        {"carrier.example": frozenset(("203.0.113.1",))},
        {("carrier.example", ""): frozenset(("203.0.113.2",))},
    )
    table = SourceTable(configuration, TrunkTable(configuration, known))
    services: Any = SimpleNamespace(loop=None, now=lambda: services.clock, clock=0.0)
    services.seldom = Seldom()
    return Sources(lambda: table, services, lambda event: None), configuration, services


@pytest.mark.parametrize(
    ("trunk", "source", "may"),
    [
        ("plain", "192.0.2.1", True),
        ("plain", "192.0.2.2", True),
        ("plain", "198.51.100.77", True),
        ("plain", "2001:db8::77", True),
        ("plain", "::ffff:192.0.2.1", True),
        ("plain", "192.0.2.3", False),
        ("plain", "203.0.113.66", False),
        ("named", "203.0.113.1", True),
        ("named", "203.0.113.2", True),
        ("named", "203.0.113.3", False),
        ("proxied", "10.0.0.5", True),
        ("proxied", "192.0.2.5", True),
        ("proxied", "10.0.0.6", False),
        ("loose", "203.0.113.66", True),
        ("roaming", "203.0.113.66", False),
        ("nobody", "192.0.2.1", False),
    ],
)
def test_a_trunk_answers_from_what_is_its(trunk: str, source: str, *, may: bool) -> None:
    sources, configuration, _ = sources_of(CONFIGURATION)
    asked = Flow("udp", "192.0.2.200", 5060)
    assert sources.answers(trunk, asked, Flow("udp", source, 5060)) is may
    if trunk in configuration.trunks:
        # Legs know the trunk, registrations and probes its name.
        whole = configuration.trunks[trunk]
        assert sources.answers(whole, asked, Flow("udp", source, 5060)) is may


def test_nobody_answers_for_nobody() -> None:
    sources, _, _ = sources_of(CONFIGURATION)
    flow = Flow("udp", "192.0.2.1", 5060)
    assert not sources.answers(None, flow, flow)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_went_by_tls_is_not_answered_by_anything_else(transport: str) -> None:
    sources, _, _ = sources_of(CONFIGURATION)
    asked = Flow("tls", "192.0.2.6", 5061, 0, 3)
    assert sources.answers("secure", asked, asked._replace(connection=4))
    assert not sources.answers("secure", asked, asked._replace(transport=transport))
    assert sources.answers("loose", asked, asked._replace(transport=transport))


def test_who_believes_everybody_believes_this_too() -> None:
    sources, _, _ = sources_of(CONFIGURATION + "defence: {on: false}\n")
    flow = Flow("udp", "203.0.113.66", 5060)
    assert sources.answers("plain", flow._replace(transport="tls"), flow)


def test_what_a_reload_says_holds_at_once() -> None:
    sources, before, _ = sources_of(CONFIGURATION.replace(", responses_from: any", ""))
    now, _, _ = sources_of(CONFIGURATION)
    flow = Flow("udp", "203.0.113.66", 5060)
    assert not sources.answers(before.trunks["loose"], flow, flow)
    assert now.answers(before.trunks["loose"], flow, flow)


# In a call.

SPOOFER = Flow("udp", "203.0.113.66", 5999)


def forged(invite: bytes, status: int, tag: str = "forged") -> bytes:
    """A response by somebody who has read the INVITE."""
    message = parse_message(invite)
    assert isinstance(message, Request)
    fields = message.headers.fields
    return (
        f"SIP/2.0 {status} Forged\r\nVia: {fields['Via'][0]}\r\nFrom: {fields['From'][0]}\r\n"
        f"To: {fields['To'][0]};tag={tag}\r\nCall-ID: {fields['Call-ID'][0]}\r\n"
        f"CSeq: {fields['CSeq'][0]}\r\nContact: <sip:me@203.0.113.66>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def watch(lab: Laboratory) -> list[bytes]:
    """The INVITEs of the switch from now on; has its responses told apart."""
    sources = lab.switchboard.sources
    found: list[bytes] = []
    lab.stack.tell_strangers(sources.gatekeeper.is_stranger, sources.belongs)
    lab.stack.tell_answers(sources.answers)
    lab.stack.trace = lambda trace: (
        found.append(trace.data)
        if trace.direction == "out" and trace.data.startswith(b"INVITE ")
        else None
    )
    return found


def give(lab: Laboratory, data: bytes) -> None:
    lab.stack.receive_datagram(data, SPOOFER, now=lab.loop.time())
    lab.do(lab.services.flush_soon)
    lab.settle()


@pytest.mark.parametrize("status", [200, 486, 603])
def test_a_call_goes_on_whatever_a_spoofer_says(
    lab: Laboratory, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    invites = watch(lab)
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.ring()
    lab.settle()
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            give(lab, forged(invites[-1], status))
    (line,) = [one.getMessage() for one in caplog.records if "dropped" in one.getMessage()]
    assert line.startswith(
        f"trunk agents: {status} to INVITE from udp 203.0.113.66:5999 (a stranger)"
    )
    assert f"which went to udp {HOSTS['callee']}: dropped" in line
    assert lab.stack.drops[FROM_ELSEWHERE] == 5
    lab.callee.answer()
    lab.settle()
    assert "call.bridged" in lab.kinds()
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_response_by_another_transport_is_dropped_for_that(
    lab: Laboratory, caplog: pytest.LogCaptureFixture, transport: str
) -> None:
    """Its address is the trunk's already: to list it among the sources would change nothing."""
    invites = watch(lab)
    lab.caller.invite(DIRECT)
    lab.settle()
    flow = SPOOFER
    if transport == "tcp":
        flow = Flow("tcp", HOSTS["callee"], 5999, 1, 7)
    with caplog.at_level(logging.WARNING):
        response = forged(invites[-1], 486)
        if transport == "tcp":
            lab.stack.receive_stream(response, flow, now=lab.loop.time())
        else:
            lab.stack.receive_datagram(response, flow, now=lab.loop.time())
        lab.do(lab.services.flush_soon)
        lab.settle()
    (line,) = [one.getMessage() for one in caplog.records if "dropped" in one.getMessage()]
    if transport == "tcp":
        remedy = "it came by tcp instead of udp; where the trunk does so, responses_from: any"
        assert remedy in line
        assert "sources" not in line
    else:
        assert "say so in its sources" in line
    lab.caller.cancel()
    lab.settle()


def test_a_trunk_without_its_certificate_is_told_of_and_a_stranger_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sources, _, services = sources_of(CONFIGURATION)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            sources.note_certificate_refused("203.0.113.66", "it shows no certificate")
            sources.note_certificate_refused("192.0.2.6", "it shows no certificate")
        services.clock = EVERY_SECONDS
        sources.note_certificate_refused("192.0.2.6", "it shows no certificate")
    first, second = [one.getMessage() for one in caplog.records]
    assert first == (
        "trunk secure: no TLS with 192.0.2.6, which has connected: it shows no certificate "
        "(client_certificates of tls)"
    )
    assert second == f"{first} (3 times)"


def test_a_trunk_may_be_answered_for_by_anybody(tmp_path: Any) -> None:
    with laboratory(tmp_path / "data", agents="responses_from: any") as lab:
        invites = watch(lab)
        lab.caller.invite(DIRECT)
        lab.settle()
        give(lab, forged(invites[-1], 486))
        assert lab.stack.drops[FROM_ELSEWHERE] == 0
        assert [one["status"] for one in lab.facts("leg.ended") if one["leg"] != "a"] == [486]


def test_a_line_now_and_then_says_how_many_there_were() -> None:
    seldom = Seldom()
    assert seldom.tells("x", 0.0) == 1
    assert [seldom.tells("x", 0.1 * number) for number in range(1, 8)] == [None] * 7
    assert seldom.tells("y", 0.5) == 1
    assert seldom.tells("x", EVERY_SECONDS) == 8
    assert seldom.tells("x", EVERY_SECONDS + 0.1) is None
    assert seldom.tells("x", 3 * EVERY_SECONDS) == 2
