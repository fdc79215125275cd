"""One TLS connection for both directions (RFC 5923): the running program and a carrier that
connects to it, with a certificate of its own name."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.certificates import trusting, write_certificate
from tests.support.phone import Headers, Phone, unique
from tests.support.ports import free_sip_port
from tests.support.program import Switch
from tests.support.rtp_end import RtpEnd
from tests.support.sip_text import Message, split_stream
from tests.support.stage import CALLER, DIRECT, configuration


class Carrier(Phone):
    """Connects by TLS, with a certificate for `localhost`, and has a port nobody should call."""

    def __init__(self, server: tuple[str, int], folder: Path, port: int, *, alias: str) -> None:
        self._to, self._called_at, self._alias = server, port, alias
        self._context = trusting()
        self._context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self._rest = b""
        super().__init__(server, transport="tls", user="carrier")

    def request(
        self,
        method: str,
        uri: str,
        headers: Headers,
        body: bytes = b"",
        *,
        branch: str | None = None,
    ) -> Message:
        sent_by = f"localhost:{self._called_at}"
        via = f"SIP/2.0/TLS {sent_by}{self._alias};branch={branch or unique('z9hG4bK')}"
        return super().request(method, uri, [("Via", via), *headers], body)

    def contact(self) -> str:
        return f"<sip:carrier@localhost:{self._called_at};transport=tls>"

    def put(self, data: bytes, peer: tuple[str, int]) -> None:
        self._socket.sendall(data)

    def _open(self, port: int) -> socket.socket:
        stream = socket.create_connection(self._to, timeout=10)
        safe: socket.socket = self._context.wrap_socket(stream, server_hostname="localhost")
        self._selector.register(safe, selectors.EVENT_READ, None)
        return safe

    def _accept_or_receive(self) -> None:
        stream = self._socket
        assert isinstance(stream, ssl.SSLSocket)
        data = stream.recv(65535)
        while stream.pending():
            data += stream.recv(65535)
        if not data:
            self._selector.unregister(stream)
        whole, self._rest = split_stream(self._rest + data)
        for one in whole:
            self._take(one, self._to)


class Peered:
    """A switch with one trunk, the carrier `localhost` by TLS, whose own port is watched."""

    def __init__(self, folder: Path, made: ExitStack, *, reuse: str = "true") -> None:
        self.made = made
        certificate, key = write_certificate(folder)
        self.folder = folder
        self.tls_port = free_sip_port()
        self.called_at = socket.create_server(("127.0.0.1", 0))
        made.enter_context(self.called_at)
        self.called_at.settimeout(0.2)
        files = f"certificate: {certificate}, key: {key}, authorities: {certificate}"
        tls = f"{{{files}, listen: 127.0.0.1:{self.tls_port}, client_certificates: true}}"
        file = folder / "switch.yaml"
        lines = f"    connection_reuse: {reuse}\n"
        file.write_text(configuration(switch={"tls": tls}, trunk=lines))
        self.port: int = self.called_at.getsockname()[1]
        trunk = f"localhost:{self.port};transport=tls"
        self.switch = made.enter_context(Switch(folder / "run", file, trunk=trunk))

    def carrier(self, *, alias: str) -> Carrier:
        address = ("127.0.0.1", self.tls_port)
        return self.made.enter_context(
            closing(Carrier(address, self.folder, self.port, alias=alias))
        )

    def caller(self) -> Phone:
        return self.made.enter_context(closing(Phone(self.switch.address, user=CALLER)))

    def was_connected_to(self) -> bool:
        """Whether the switch has opened a connection to the carrier."""
        try:
            self.called_at.accept()[0].close()
        except TimeoutError:
            return False
        return True


@pytest.fixture
def made() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_call_goes_to_the_carrier_over_its_own_connection(
    made: ExitStack, tmp_path: Path
) -> None:
    peered = Peered(tmp_path, made)
    carrier = peered.carrier(alias=";alias")
    carrier.ask("OPTIONS", f"sip:127.0.0.1:{peered.tls_port}")
    near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
    calling = peered.caller().invite(DIRECT, near.sdp())
    called = carrier.expect_call(10)
    assert called.invite is not None
    # We ask for the same with connections of ours.
    assert ";alias;branch=" in called.invite.get("via")
    called.respond(200, far.sdp())
    calling.expect(200, within=10)
    calling.ack()
    called.expect("ACK", within=10)
    calling.bye()
    called.expect("BYE", within=10)
    assert peered.switch.record()["ended_by"] == "calling"
    assert not peered.was_connected_to()


@pytest.mark.parametrize(("alias", "reuse"), [("", "true"), (";alias", "false")])
def test_it_is_used_so_only_where_both_want_it(
    made: ExitStack, tmp_path: Path, alias: str, reuse: str
) -> None:
    peered = Peered(tmp_path, made, reuse=reuse)
    carrier = peered.carrier(alias=alias)
    carrier.ask("OPTIONS", f"sip:127.0.0.1:{peered.tls_port}")
    peered.caller().invite(DIRECT, made.enter_context(closing(RtpEnd())).sdp())
    carrier.expect_no_call(during=0.3)
    assert peered.was_connected_to()
