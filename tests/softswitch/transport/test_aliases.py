"""Connections of peers that lead back to them (RFC 5923): for whom a certificate has proven it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport import Endpoint, Resolver, Tls, TlsFiles, Transport
from softswitch.transport.aliases import MAX_EACH, Aliases, identities_of
from softswitch.transport.names import Addresses
from tests.support.certificates import write_certificate
from tests.support.recording_stack import RecordingStack

OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n"


def certificate(*names: tuple[str, str]) -> dict[str, Any]:
    return {"subject": ((("commonName", "common.example"),),), "subjectAltName": names}


CARRIER = certificate(("DNS", "Carrier.example"), ("DNS", "edge1.carrier.example"))


class Way:
    """As much of a connection as is looked at."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.strange = False


def connection(host: str = "192.0.2.1", listener: int = 1) -> Any:
    return Way(Flow("tls", host, 40_000, listener, 7))


def to(host: str, port: int = 5061, name: str = "") -> Flow:
    return Flow("tls", host, port, 1, 0, name)


def believing(*names: str) -> Aliases:
    aliases = Aliases()
    aliases.believed = frozenset(names)
    return aliases


def test_identities_are_the_alternative_names_and_nothing_else() -> None:
    shown = certificate(
        ("DNS", "A.example"),
        ("DNS", "*.b.example"),
        ("URI", "sip:c.example"),
        ("URI", "sips:D.example;x=y"),
        ("URI", "sip:user@e.example"),
        ("URI", "https://f.example"),
        ("IP Address", "0:0:0:0:0:0:0:1"),
        ("email", "g@example"),
    )
    assert identities_of(shown) == {"a.example", "*.b.example", "c.example", "d.example", "::1"}
    assert identities_of({}) == identities_of(None) == frozenset()


def test_a_connection_of_a_proven_name_leads_to_it() -> None:
    aliases, way = believing("carrier.example"), connection()
    assert aliases.note(way, CARRIER, "carrier.example", 5061)
    assert aliases.find(to("carrier.example"), 1) is way
    assert aliases.find(to("CARRIER.example."), 1) is way
    # Another port or listener is another place.
    assert aliases.find(to("carrier.example", 5071), 1) is None
    assert aliases.find(to("carrier.example"), 2) is None


def test_servers_behind_a_name_have_ways_of_their_own() -> None:
    aliases, first = believing("carrier.example"), connection("192.0.2.1")
    assert aliases.note(first, CARRIER, "edge1.carrier.example", 5061)
    assert aliases.find(to("edge1.carrier.example", name="carrier.example"), 1) is first
    assert aliases.find(to("192.0.2.1", name="carrier.example"), 1) is first
    assert aliases.find(to("edge2.carrier.example", name="carrier.example"), 1) is None
    # Somebody else's name at the same server is somebody else.
    assert aliases.find(to("edge1.carrier.example", name="other.example"), 1) is None


@pytest.mark.parametrize(
    ("shown", "host"),
    [
        ({}, "carrier.example"),
        (None, "carrier.example"),
        (certificate(("DNS", "evil.example")), "carrier.example"),
        (certificate(("DNS", "*.example")), "carrier.example"),
        (certificate(("DNS", "common.example")), "common.example"),
        # It is who it is, and says it is somebody else.
        (CARRIER, "victim.example"),
        (CARRIER, "192.0.2.66"),
    ],
)
def test_whose_certificate_does_not_prove_it_is_not_believed(
    shown: dict[str, Any] | None, host: str
) -> None:
    aliases = believing("carrier.example", "victim.example")
    assert not aliases.note(connection(), shown, host, 5061)
    for name in ("carrier.example", "victim.example", "192.0.2.66"):
        assert aliases.find(to(name), 1) is None


def test_only_trunks_that_are_told_of_are_believed_and_no_longer_than_that() -> None:
    aliases, way = believing("other.example"), connection()
    assert not aliases.note(way, CARRIER, "carrier.example", 5061)
    aliases.believed = frozenset({"carrier.example"})
    assert aliases.note(way, CARRIER, "carrier.example", 5061)
    aliases.believed = frozenset()
    assert aliases.find(to("carrier.example"), 1) is None


def test_the_last_connection_comes_first_and_one_that_is_gone_leads_nowhere() -> None:
    aliases = believing("carrier.example")
    ways: list[Any] = [connection() for _ in range(MAX_EACH + 2)]
    for way in ways:
        aliases.note(way, CARRIER, "carrier.example", 5061)
    assert aliases.find(to("carrier.example"), 1) is ways[-1]
    for way in reversed(ways[2:]):
        assert aliases.find(to("carrier.example"), 1) == way
        aliases.forget(way)
    # There is room for so many, and the oldest have made it.
    assert aliases.find(to("carrier.example"), 1) is None
    assert not aliases._ways


# Over TLS.


async def names(host: str) -> Addresses:
    return Addresses(("127.0.0.1",))


class End:
    """A transport that listens for TLS."""

    def __init__(self, files: TlsFiles) -> None:
        self.stack = RecordingStack()
        self.transport = Transport(
            [Endpoint("udp", "127.0.0.1", 0), Endpoint("tls", "127.0.0.1", 0)],
            resolver=Resolver(names),
            tls=Tls(files),
        )
        self.port = self.transport.endpoints[1].port

    def send(self, data: bytes, flow: Flow) -> None:
        self.stack.outbox.append((data, flow))
        self.transport.flush()

    @property
    def connections(self) -> int:
        return len(self.transport._streams["tls"]._connections)


@pytest.fixture
async def ends(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[list[End]]:
    certificate, key = write_certificate(tmp_path)
    mutual = getattr(request, "param", True)
    files = TlsFiles(certificate, key, authorities=certificate, client_certificates=mutual)
    made = [End(files) for _ in range(2)]
    for end in made:
        await end.transport.start(end.stack, lambda event: None)
    yield made
    for end in made:
        await end.transport.close()


async def called(ours: End, theirs: End) -> Flow:
    """Have the others connect to us; the flow that they come by."""
    theirs.send(OPTIONS, Flow("tls", "localhost", ours.port))
    await ours.stack.until(lambda: bool(ours.stack.streams))
    return ours.stack.streams[0][1]


async def test_a_request_goes_back_over_the_peers_own_connection(ends: list[End]) -> None:
    ours, theirs = ends
    flow = await called(ours, theirs)
    ours.transport.reuse({"localhost"})
    ours.transport.alias(flow, "localhost", theirs.port)
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port, 1))
    await theirs.stack.until(lambda: bool(theirs.stack.streams))
    assert theirs.stack.streams[0][1].connection
    assert (ours.connections, theirs.connections) == (1, 1)
    # When it is gone, one of our own is opened.
    theirs.transport._streams["tls"].close_connection(theirs.stack.streams[0][1])
    await ours.stack.until(lambda: bool(ours.stack.closed))
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port, 1))
    await theirs.stack.until(lambda: len(theirs.stack.streams) == 2)


@pytest.mark.parametrize("ends", [False], indirect=True)
async def test_who_has_shown_no_certificate_is_called_over_a_connection_of_ours(
    ends: list[End], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = ends
    flow = await called(ours, theirs)
    ours.transport.reuse({"localhost"})
    for _ in range(2):
        ours.transport.alias(flow, "localhost", theirs.port)
    (line,) = [one for one in caplog.messages if "is not used" in one]
    assert line.endswith("is not used for calls to localhost: its certificate is of nobody")
    assert ours.transport.counters["tls_alias_refused"] == 2
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port, 1))
    await theirs.stack.until(lambda: bool(theirs.stack.streams))
    assert (ours.connections, theirs.connections) == (2, 2)


async def test_without_being_told_nobody_is_believed(ends: list[End]) -> None:
    ours, theirs = ends
    flow = await called(ours, theirs)
    ours.transport.alias(flow, "localhost", theirs.port)
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port, 1))
    await theirs.stack.until(lambda: bool(theirs.stack.streams))
    assert ours.connections == 2


async def test_over_tcp_nobody_is_believed() -> None:
    stack = RecordingStack()
    transport = Transport([Endpoint("tcp", "127.0.0.1", 0)])
    await transport.start(stack, lambda event: None)
    transport.reuse({"127.0.0.1"})
    reader, writer = await asyncio.open_connection("127.0.0.1", transport.endpoints[0].port)
    writer.write(OPTIONS)
    await stack.until(lambda: bool(stack.streams))
    transport.alias(stack.streams[0][1], "127.0.0.1", 5060)
    assert transport._streams["tcp"].aliases.find(Flow("tcp", "127.0.0.1", 5060), 0) is None
    await transport.close()
    assert await reader.read() == b""
    writer.close()
