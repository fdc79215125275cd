"""SIP over TLS: whom we believe, who believes us, half-open peers, certificates that change."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from softswitch.sip.flow import Flow
from softswitch.transport import Endpoint, Resolver, Tls, TlsFiles, TlsUnusable, Transport
from softswitch.transport import half_open as half_open_module
from softswitch.transport import handshakes as handshakes_module
from softswitch.transport import strangers as strangers_module
from softswitch.transport import tcp as tcp_module
from softswitch.transport.names import Addresses
from tests.support.certificates import CERTIFICATE, KEY, LOCKED_KEY
from tests.support.recording_stack import RecordingStack

OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n"
LENGTH = len(OPTIONS)


async def names(host: str) -> Addresses:
    """A name service for which every name is this machine."""
    return Addresses(("127.0.0.1",))


def files(folder: Path, **more: object) -> TlsFiles:
    (folder / "cert.pem").write_text(CERTIFICATE)
    (folder / "key.pem").write_text(KEY)
    options = {"authorities": folder / "cert.pem", **more}
    return TlsFiles(folder / "cert.pem", folder / "key.pem", **options)  # type: ignore[arg-type]


class End:
    """A transport that listens for TLS."""

    def __init__(self, files: TlsFiles) -> None:
        self.stack = RecordingStack()
        self.tls = Tls(files)
        self.transport = Transport(
            [Endpoint("udp", "127.0.0.1", 0), Endpoint("tls", "127.0.0.1", 0)],
            resolver=Resolver(names),
            tls=self.tls,
        )
        self.port = self.transport.endpoints[1].port

    @property
    def half_open(self) -> int:
        """How many of those who connect have not made their handshake."""
        handshakes = self.transport._streams["tls"]._handshakes
        assert handshakes is not None
        return handshakes.half_open

    async def start(self) -> End:
        await self.transport.start(self.stack, lambda event: None)
        return self

    def send(self, data: bytes, flow: Flow) -> None:
        self.stack.outbox.append((data, flow))
        self.transport.flush()

    async def until(self, condition: object) -> None:
        async with asyncio.timeout(10):
            while not condition():  # type: ignore[operator]
                await asyncio.sleep(0.01)


@pytest.fixture
async def ends() -> AsyncIterator[list[End]]:
    made: list[End] = []
    yield made
    for end in made:
        await end.transport.close()


async def end_of(ends: list[End], files: TlsFiles) -> End:
    end = await End(files).start()
    ends.append(end)
    return end


async def test_messages_go_both_ways_over_one_connection(tmp_path: Path, ends: list[End]) -> None:
    ours, theirs = [await end_of(ends, files(tmp_path)) for _ in range(2)]
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port))
    await theirs.until(lambda: theirs.stack.streams)
    data, flow = theirs.stack.streams[0]
    assert data == OPTIONS
    assert (flow.transport, flow.host, flow.listener) == ("tls", "127.0.0.1", 1)
    theirs.send(b"back", flow)
    await ours.until(lambda: ours.stack.streams)
    back, way = ours.stack.streams[0]
    assert back == b"back"
    assert way.transport == "tls"
    assert way.connection


async def test_a_peer_of_another_name_is_not_believed(tmp_path: Path, ends: list[End]) -> None:
    ours, theirs = [await end_of(ends, files(tmp_path)) for _ in range(2)]
    ours.send(OPTIONS, Flow("tls", "carrier.example", theirs.port))
    await ours.until(lambda: ours.stack.failed)
    assert ours.transport.counters["tls_handshake_failed"] == 1
    assert not theirs.stack.streams


async def test_a_server_is_believed_by_the_name_that_led_to_it(
    tmp_path: Path, ends: list[End]
) -> None:
    """RFC 5922 section 7: records of the name service say where, not who."""
    ours, theirs = [await end_of(ends, files(tmp_path)) for _ in range(2)]
    shown: list[str | None] = []
    theirs.tls.server.sni_callback = lambda _, name, __: shown.append(name)
    forged = Flow("tls", "localhost", theirs.port, name="carrier.example")
    ours.send(OPTIONS, forged)
    await ours.until(lambda: ours.stack.failed)
    assert ours.stack.failed == [forged]
    assert not theirs.stack.streams
    ours.send(OPTIONS, Flow("tls", "edge.example", theirs.port, name="localhost"))
    await theirs.until(lambda: theirs.stack.streams)
    assert shown == ["carrier.example", "localhost"]


async def test_two_names_that_lead_to_one_server_have_a_connection_each(
    tmp_path: Path, ends: list[End]
) -> None:
    ours, theirs = [await end_of(ends, files(tmp_path)) for _ in range(2)]
    good = Flow("tls", "edge.example", theirs.port, name="localhost")
    ours.send(OPTIONS, good)
    await theirs.until(lambda: theirs.stack.streams)
    theirs.send(b"back", theirs.stack.streams[0][1])
    await ours.until(lambda: ours.stack.streams)
    back = ours.stack.streams[0][1]
    assert (back.host, back.name) == ("127.0.0.1", "localhost")
    others = [
        good._replace(name="carrier.example"),
        Flow("tls", "edge.example", theirs.port),
        Flow("tls", "127.0.0.1", theirs.port, name="carrier.example"),
    ]
    for other in others:
        ours.send(OPTIONS, other)
    await ours.until(lambda: len(ours.stack.failed) == len(others))
    assert set(ours.stack.failed) == set(others)
    assert len(theirs.stack.streams) == 1
    # Whoever is called by the name that was shown has the connection, at its address too.
    for same in (good, Flow("tls", "127.0.0.1", theirs.port, name="localhost")):
        ours.send(OPTIONS, same)
    await theirs.until(lambda: sum(len(data) for data, _ in theirs.stack.streams) >= 3 * LENGTH)
    assert {flow for _, flow in theirs.stack.streams} == {theirs.stack.streams[0][1]}


async def test_who_has_connected_to_us_is_nobody_whom_we_have_called(
    tmp_path: Path, ends: list[End]
) -> None:
    theirs = await end_of(ends, files(tmp_path))
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    reader, writer = await asyncio.open_connection("localhost", theirs.port, ssl=trusting)
    writer.write(OPTIONS)
    await theirs.until(lambda: theirs.stack.streams)
    way = theirs.stack.streams[0][1]
    # Its certificate was not asked for: a request to where it comes from goes another way.
    theirs.send(OPTIONS, way._replace(connection=0))
    await theirs.until(lambda: theirs.stack.failed)
    theirs.send(b"answer", way)
    async with asyncio.timeout(10):
        assert await reader.read(100) == b"answer"
    writer.close()


async def test_without_verifying_any_name_will_do(tmp_path: Path, ends: list[End]) -> None:
    ours = await end_of(ends, files(tmp_path, verify=False))
    theirs = await end_of(ends, files(tmp_path))
    ours.send(OPTIONS, Flow("tls", "carrier.example", theirs.port))
    await theirs.until(lambda: theirs.stack.streams)


async def test_an_authority_that_is_not_ours_is_not_believed(
    tmp_path: Path, ends: list[End]
) -> None:
    ours = await end_of(ends, files(tmp_path, authorities=None))
    theirs = await end_of(ends, files(tmp_path))
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port))
    await ours.until(lambda: ours.stack.failed)


async def answered(host: str, port: int, context: ssl.SSLContext) -> bool:
    """Whether a connection stays open for what we say."""
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return False
    try:
        writer.write(OPTIONS)
        async with asyncio.timeout(10):
            return bool(await reader.read(1))
    except (ssl.SSLError, ConnectionError):
        return False
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.wait_closed()


async def test_who_connects_may_have_to_show_a_certificate(tmp_path: Path, ends: list[End]) -> None:
    theirs = await end_of(ends, files(tmp_path, client_certificates=True))
    bare = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    assert not await answered("localhost", theirs.port, bare)
    assert not theirs.stack.streams
    ours = await end_of(ends, files(tmp_path))
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port))
    await theirs.until(lambda: theirs.stack.streams)


async def test_who_speaks_something_else_reaches_nobody(tmp_path: Path, ends: list[End]) -> None:
    theirs = await end_of(ends, files(tmp_path))
    reader, writer = await asyncio.open_connection("127.0.0.1", theirs.port)
    writer.write(OPTIONS)
    async with asyncio.timeout(10):
        while await reader.read(1000):
            pass
    writer.close()
    assert not theirs.stack.streams


async def test_half_a_handshake_is_closed(
    tmp_path: Path, ends: list[End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "HANDSHAKE_SECONDS", 0.3)
    theirs = await end_of(ends, files(tmp_path))
    reader, writer = await asyncio.open_connection("127.0.0.1", theirs.port)
    writer.write(b"\x16\x03\x01")
    async with asyncio.timeout(10):
        assert await reader.read(1000) == b""
    writer.close()


async def test_a_stranger_has_few_connections_and_is_not_waited_for(
    tmp_path: Path, ends: list[End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "EMPTY_SECONDS", 1.0)
    monkeypatch.setattr(strangers_module, "MAX_CONNECTIONS_EACH", 1)
    theirs = await end_of(ends, files(tmp_path))
    theirs.stack.strangers = {"127.0.0.1"}
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    trusting.check_hostname = False
    peers = []
    for _ in range(2):
        peers.append(await asyncio.open_connection("127.0.0.1", theirs.port, ssl=trusting))
        await theirs.until(lambda: theirs.half_open == 0)
    for reader, writer in peers:
        async with asyncio.timeout(10):
            with contextlib.suppress(OSError):
                assert await reader.read(1) == b""
        writer.close()
    counters = theirs.transport.counters
    assert (counters["tcp_stranger_refused"], counters["tcp_empty"]) == (1, 1)


# Handshakes that are not made.


async def connect(end: End, host: str = "127.0.0.1") -> socket.socket:
    """Somebody who has connected, and has not said a word."""
    made = socket.socket()
    made.setblocking(False)
    made.bind((host, 0))
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", end.port))
    return made


async def is_closed(peer: socket.socket, within: float = 10.0) -> bool:
    async with asyncio.timeout(within):
        try:
            return await asyncio.get_running_loop().sock_recv(peer, 100) == b""
        except ConnectionResetError:
            return True


async def test_a_stranger_has_few_handshakes_and_trunks_have_room(
    tmp_path: Path, ends: list[End]
) -> None:
    theirs = await end_of(ends, files(tmp_path))
    theirs.stack.strangers = {"127.0.0.66"}
    most = strangers_module.MAX_CONNECTIONS_EACH
    peers = [await connect(theirs, "127.0.0.66") for _ in range(most + 3)]
    refused = theirs.transport.counters
    await theirs.until(lambda: refused["tls_half_open_refused"] == 3)
    assert theirs.half_open == most
    for peer in peers[most:]:
        assert await is_closed(peer)
    ours = await end_of(ends, files(tmp_path))
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port))
    await theirs.until(lambda: theirs.stack.streams)
    for peer in peers:
        peer.close()
    await theirs.until(lambda: theirs.half_open == 0)
    # Who has left has its places again.
    again = await connect(theirs, "127.0.0.66")
    await theirs.until(lambda: theirs.half_open == 1)
    again.close()


async def test_all_strangers_together_leave_half_of_the_room(
    tmp_path: Path, ends: list[End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_open_module, "MAX_HALF_OPEN", 6)
    theirs = await end_of(ends, files(tmp_path))
    theirs.stack.strangers = {f"127.0.0.{number}" for number in range(60, 80)}
    peers = [await connect(theirs, f"127.0.0.{number}") for number in range(60, 66)]
    await theirs.until(lambda: theirs.transport.counters["tls_half_open_refused"] == 3)
    assert theirs.half_open == 3
    trunk = await connect(theirs)
    await theirs.until(lambda: theirs.half_open == 4)
    for peer in (*peers, trunk):
        peer.close()
    await theirs.until(lambda: theirs.half_open == 0)


async def test_a_handshake_has_its_time_however_its_bytes_drip(
    tmp_path: Path, ends: list[End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshakes_module, "HANDSHAKE_SECONDS", 0.5)
    theirs = await end_of(ends, files(tmp_path))
    silent, slow = await connect(theirs), await connect(theirs)
    await theirs.until(lambda: theirs.half_open == 2)
    loop = asyncio.get_running_loop()
    # The beginning of a ClientHello of 512 bytes, one at a time.
    for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(slow, bytes([byte]))
        await asyncio.sleep(0.05)
    for peer in (silent, slow):
        assert await is_closed(peer)
        peer.close()
    await theirs.until(lambda: theirs.half_open == 0)
    assert theirs.transport.counters["tls_handshake_late"] == 2
    assert not theirs.stack.streams


async def test_who_speaks_no_tls_is_left(tmp_path: Path, ends: list[End]) -> None:
    theirs = await end_of(ends, files(tmp_path))
    peer = await connect(theirs)
    await asyncio.get_running_loop().sock_sendall(peer, OPTIONS)
    await theirs.until(lambda: theirs.transport.counters["tls_handshake_failed"] == 1)
    # An alert may come before the end.
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionResetError):
            while await asyncio.get_running_loop().sock_recv(peer, 100):
                pass
    peer.close()
    await theirs.until(lambda: theirs.half_open == 0)


async def test_handshakes_end_with_the_transport(tmp_path: Path) -> None:
    theirs = await End(files(tmp_path)).start()
    peer = await connect(theirs)
    await theirs.until(lambda: theirs.half_open == 1)
    await theirs.transport.close()
    assert theirs.half_open == 0
    assert await is_closed(peer)
    peer.close()


async def test_without_descriptors_those_who_connect_wait(
    tmp_path: Path, ends: list[End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshakes_module, "REST_SECONDS", 0.2)
    theirs = await end_of(ends, files(tmp_path))
    handshakes = theirs.transport._streams["tls"]._handshakes
    assert handshakes is not None
    fails = [True]

    class Full:
        """A listening socket of a process without descriptors, once."""

        def __init__(self, bound: socket.socket) -> None:
            self.bound = bound

        def fileno(self) -> int:
            return self.bound.fileno()

        def accept(self) -> object:
            if fails:
                fails.pop()
                raise OSError(errno.EMFILE, "Too many open files")
            return self.bound.accept()

    ((bound, make),) = handshakes._bound.items()
    loop = asyncio.get_running_loop()
    loop.remove_reader(bound)
    handshakes._bound.clear()
    handshakes.listen(Full(bound), make)  # type: ignore[arg-type]  # what it needs of a socket
    peer = await connect(theirs)
    await theirs.until(lambda: theirs.half_open == 1)
    assert theirs.transport.counters["tcp_no_descriptor"] == 1
    peer.close()
    await theirs.until(lambda: theirs.half_open == 0)


async def test_a_new_certificate_is_shown_from_its_reload_on(
    tmp_path: Path, ends: list[End]
) -> None:
    theirs = await end_of(ends, files(tmp_path))
    (tmp_path / "cert.pem").write_text("-----BEGIN nonsense")
    with pytest.raises(TlsUnusable):
        theirs.tls.reload()
    # What is in force stays.
    (tmp_path / "cert.pem").write_text(CERTIFICATE)
    ours = await end_of(ends, files(tmp_path))
    ours.send(OPTIONS, Flow("tls", "localhost", theirs.port))
    await theirs.until(lambda: theirs.stack.streams)
    theirs.tls.reload()


async def test_an_authority_that_was_taken_out_is_not_believed_any_more(
    tmp_path: Path, ends: list[End]
) -> None:
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    believed = files(tmp_path, authorities=tmp_path / "ca.pem", client_certificates=True)
    theirs = await end_of(ends, believed)
    peer = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    peer.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    assert await shakes_hands(peer, theirs)
    (tmp_path / "ca.pem").write_text(stranger())
    theirs.tls.reload()
    assert not await shakes_hands(peer, theirs)


async def shakes_hands(peer: ssl.SSLContext, end: End) -> bool:
    """Whether a peer is let in; one that is not hears so when it reads."""
    before = len(end.stack.streams)
    try:
        _, writer = await asyncio.open_connection("localhost", end.port, ssl=peer)
        writer.write(OPTIONS)
        async with asyncio.timeout(2):
            while len(end.stack.streams) == before:
                await asyncio.sleep(0.01)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def stranger() -> str:
    """A certificate of somebody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cert.pem", None),
        ("key.pem", None),
        ("cert.pem", "no pem"),
        ("key.pem", LOCKED_KEY),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"),
        ("ca.pem", None),
    ],
)
def test_files_that_cannot_be_used_are_told(tmp_path: Path, name: str, content: str | None) -> None:
    made = files(tmp_path, authorities=tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(TlsUnusable, match="tls: "):
        Tls(made)


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    tls = Tls(files(tmp_path))
    for context in (tls.server, tls.client):
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_without_tls_such_a_flow_leads_nowhere(ends: list[End]) -> None:
    stack = RecordingStack()
    transport = Transport([Endpoint("udp", "127.0.0.1", 0)])
    await transport.start(stack, lambda event: None)
    stack.outbox.append((OPTIONS, Flow("tls", "127.0.0.1", 5061)))
    transport.flush()
    await asyncio.sleep(0)
    transport.flush()
    assert transport.counters["unknown_transport"] == 1
    await transport.close()
    del ends


def test_tls_gets_a_port_of_its_own() -> None:
    transport = Transport(
        [Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)], resolver=Resolver(names)
    )
    ports = [endpoint.port for endpoint in transport.endpoints]
    assert ports[0] == ports[1]
    for _, bound in transport._bound:
        assert isinstance(bound, socket.socket)
        bound.close()
