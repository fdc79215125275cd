"""Calls to SIPS URIs: the running program takes them by TLS, and names itself by SIPS for as long
as they last (RFC 3261 sections 12.1 and 26.3.1)."""

from __future__ import annotations

import selectors
import socket
import ssl
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.certificates import trusting, write_certificate
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch
from tests.support.rtp_end import RtpEnd
from tests.support.sip_text import split_stream
from tests.support.stage import CALLER, DIRECT, configuration

pytestmark = pytest.mark.slow


class SafeCaller(Phone):
    """Connects by TLS and is nowhere else."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._to = server
        self._rest = b""
        super().__init__(server, transport="tls", user=CALLER)

    def contact(self) -> str:
        return f"<sips:{self.user}@{self.uri_host}:{self.port}>"

    def put(self, data: bytes, peer: tuple[str, int]) -> None:
        self._socket.sendall(data)

    def _open(self, port: int) -> socket.socket:
        stream = socket.create_connection(self._to, timeout=10)
        safe: socket.socket = trusting().wrap_socket(stream, server_hostname="localhost")
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


def test_a_call_to_a_sips_uri_is_bridged_and_stays_so(tmp_path: Path) -> None:
    with ExitStack() as made:
        agent = made.enter_context(closing(Phone(user="agent")))
        certificate, key = write_certificate(tmp_path)
        port = free_sip_port()
        tls = f"{{certificate: {certificate}, key: {key}, listen: 127.0.0.1:{port}}}"
        file = tmp_path / "switch.yaml"
        file.write_text(configuration(switch={"tls": tls}))
        trunk = f"127.0.0.1:{agent.port}"
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk=trunk))
        caller = made.enter_context(closing(SafeCaller(("127.0.0.1", port))))
        near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
        calling = caller.invite(f"sips:{DIRECT}@localhost", near.sdp())
        called = agent.expect_call(20)
        called.respond(200, far.sdp())
        answer = calling.expect(200)
        ours = answer.contact
        assert ours.startswith("sips:")
        assert ours.endswith(f"@127.0.0.1:{port}")
        calling.ack()
        called.expect("ACK")
        # What is sent to that Contact is served, and answered with the same one.
        calling.reinvite(near.sdp())
        assert calling.invite is not None
        assert calling.invite.uri == ours
        assert calling.expect(200).contact == ours
        calling.ack()
        called.bye()
        ended = calling.expect("BYE")
        assert ended.uri == caller.contact().strip("<>")
        assert switch.record()["ended_by"] == "called"


def test_a_sips_uri_in_the_clear_is_refused(tmp_path: Path) -> None:
    with ExitStack() as made:
        file = tmp_path / "switch.yaml"
        file.write_text(configuration())
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk="127.0.0.1:9"))
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        assert caller.ask("INVITE", f"sips:{DIRECT}@localhost").status == 416
