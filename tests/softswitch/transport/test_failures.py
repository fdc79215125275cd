"""Why what was sent does not arrive, in words."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from pathlib import Path
from typing import Literal

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport import Endpoint, Resolver, Tls, TlsFiles, Transport
from softswitch.transport.failures import FRESH_SECONDS, MAX_KEPT, Failures, reason_of
from softswitch.transport.names import Addresses
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.recording_stack import RecordingStack

OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n"


async def names(host: str) -> Addresses:
    """`*.nowhere` is known to be nowhere; of `*.silent` the name service says nothing."""
    if host.endswith(".silent"):
        raise OSError
    return Addresses(() if host.endswith(".nowhere") else ("127.0.0.1",))


def files(folder: Path, **more: bool) -> TlsFiles:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(CERTIFICATE)
    key.write_text(KEY)
    return TlsFiles(certificate, key, certificate, **more)


class End:
    """A transport of every kind that tells what fails, and who is refused."""

    def __init__(self, folder: Path, **more: bool) -> None:
        self.stack = RecordingStack()
        self.refused: list[tuple[str, str]] = []
        kinds: tuple[Literal["udp", "tcp", "tls", "ws"], ...] = ("udp", "tcp", "tls", "ws")
        self.transport = Transport(
            [Endpoint(kind, "127.0.0.1", 0) for kind in kinds],
            resolver=Resolver(names),
            tls=Tls(files(folder, **more)),
        )
        self.transport.on_certificate_refused = lambda host, why: self.refused.append((host, why))
        ports = (one.port for one in self.transport.endpoints)
        self.port = dict(zip(kinds, ports, strict=True))

    async def __aenter__(self) -> End:
        await self.transport.start(self.stack, lambda event: None)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.transport.close()

    async def why(self, flow: Flow) -> str:
        """What is said of a message that does not arrive."""
        self.stack.outbox.append((OPTIONS, flow))
        self.transport.flush()
        async with asyncio.timeout(10):
            while not self.stack.failed:
                await asyncio.sleep(0.01)
        assert flow in self.stack.failed
        return self.transport.why_failed(flow)


def dead_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("host", ["127.0.0.1", "edge.example"])
async def test_where_nobody_listens_it_is_refused(
    tmp_path: Path, transport: str, host: str
) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    async with End(tmp_path) as end:
        assert await end.why(Flow(transport, host, dead_port(kind))) == "refused"


async def test_a_peer_that_could_have_connected_itself_has_not(tmp_path: Path) -> None:
    async with End(tmp_path) as end:
        end.transport.reuse(["edge.example"])
        why = await end.why(Flow("tls", "edge.example", dead_port(socket.SOCK_STREAM)))
        assert why == "refused; it has opened no connection itself"


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_name_is_not_found_or_nobody_says(tmp_path: Path, transport: str) -> None:
    async with End(tmp_path) as end:
        assert await end.why(Flow(transport, "trunk.nowhere", 5060)) == "name not found"
    async with End(tmp_path) as end:
        why = await end.why(Flow(transport, "trunk.silent", 5060))
        assert why == "the name service does not answer"


async def test_no_websocket_is_open(tmp_path: Path) -> None:
    async with End(tmp_path) as end:
        assert await end.why(Flow("ws", "127.0.0.1", 443)) == "no WebSocket is open"


async def test_a_certificate_is_of_another(tmp_path: Path) -> None:
    async with End(tmp_path) as end, End(tmp_path) as other:
        why = await end.why(Flow("tls", "other.example", other.port["tls"]))
        assert why.startswith("its certificate is not believed: ")
        assert "other.example" in why


async def test_a_failure_is_told_while_it_is_fresh() -> None:
    failures, flow = Failures(), Flow("udp", "192.0.2.1", 5060)
    failures.note(flow, "refused", 1.0)
    assert failures.why(flow._replace(listener=3, connection=4), 1.0) == "refused"
    assert failures.why(flow._replace(port=5061), 1.0) == ""
    assert failures.why(flow, 1.1 + FRESH_SECONDS) == ""
    for port in range(2 * MAX_KEPT):
        failures.note(flow._replace(port=port), "refused", 2.0)
    assert len(failures._kept) <= MAX_KEPT


def test_errors_of_the_system_have_their_own_words() -> None:
    assert reason_of(OSError(errno.ENETUNREACH, "x")) == os.strerror(errno.ENETUNREACH).lower()
    assert reason_of(TimeoutError()) == "timed out"
    assert reason_of(OSError("no address for 'x'")) == "no address for 'x'"
    assert reason_of(ssl.SSLError(1, "odd")).startswith("no TLS: ")


async def test_who_shows_no_certificate_is_counted_and_told_of(tmp_path: Path) -> None:
    async with End(tmp_path, client_certificates=True) as end:
        context = ssl.create_default_context(cadata=CERTIFICATE)
        context.check_hostname = False
        _, writer = await asyncio.open_connection("127.0.0.1", end.port["tls"], ssl=context)
        async with asyncio.timeout(10):
            while not end.refused:
                await asyncio.sleep(0.01)
        assert end.refused == [("127.0.0.1", "it shows no certificate")]
        assert end.transport.counters["tls_no_client_certificate"] == 1
        writer.close()
