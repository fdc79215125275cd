"""A far end called by TLS that names a way in the clear: the running program stays on TLS."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.certificates import write_certificate
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import CALLER, DIRECT, configuration


class SafeAgent(Phone):
    """Is called by TLS, as `localhost`; says that it is elsewhere."""

    def __init__(self, folder: Path, contact: str) -> None:
        self._says = contact
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*write_certificate(folder))
        self.accepted = 0
        super().__init__(transport="tls", user="agent")

    def contact(self) -> str:
        return self._says

    def put(self, data: bytes, peer: tuple[str, int]) -> None:
        """By the connection of the peer that is left: it comes from another port each time."""
        with self.changed:
            stream = self._streams.get(peer) or next(reversed(self._streams.values()))
        stream.sendall(data)

    def _accept_or_receive(self) -> None:
        stream, peer = self._socket.accept()
        stream.settimeout(10)
        self._adopt(self._context.wrap_socket(stream, server_side=True), peer[:2])
        self.accepted += 1

    def _read_stream(self, stream: socket.socket, peer: tuple[str, int]) -> None:
        assert isinstance(stream, ssl.SSLSocket)
        super()._read_stream(stream, peer)
        while stream in self._buffers and stream.pending():
            super()._read_stream(stream, peer)


def is_connected_to(port: int) -> bool:
    """Whether somebody of this machine has a connection to a port, or has not closed it yet."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(
        line.split()[2].endswith(f":{port:04X}") and line.split()[3] in ("01", "08")
        for line in lines
    )


def test_a_call_by_tls_is_ended_by_tls_whatever_its_contact_says(tmp_path: Path) -> None:
    with ExitStack() as made:
        clear = made.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        clear.bind(("127.0.0.1", 0))
        clear.settimeout(0.3)
        port = clear.getsockname()[1]
        stream = made.enter_context(socket.create_server(("127.0.0.1", port)))
        stream.settimeout(0.3)
        said = f"<sip:agent@127.0.0.1:{port};transport=udp>"
        agent = made.enter_context(closing(SafeAgent(tmp_path, said)))
        certificate, key = write_certificate(tmp_path)
        files = f"certificate: {certificate}, key: {key}, authorities: {certificate}"
        tls = f"{{{files}, listen: 127.0.0.1:{free_sip_port()}}}"
        file = tmp_path / "switch.yaml"
        trunk = "    sources: [127.0.0.1]\n"
        file.write_text(configuration(switch={"tls": tls}, trunk=trunk))
        address = f"localhost:{agent.port};transport=tls"
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk=address))
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
        calling = caller.invite(DIRECT, near.sdp())
        called = agent.expect_call(20)
        called.respond(200, far.sdp())
        calling.expect(200, within=10)
        calling.ack()
        called.expect("ACK", within=10)
        wait_for(
            "a line of the log",
            lambda: "trunk carrier asks by TLS for requests to sip:agent@" in switch.output(),
            within=10,
        )
        # The connection is gone: another one is made, not by what the far end names.
        agent.drop_connections()
        wait_for("the switch to let it go", lambda: not is_connected_to(agent.port), within=10)
        calling.bye()
        called.expect("BYE", within=20)
        assert agent.accepted == 2
        with pytest.raises(TimeoutError):
            clear.recv(4096)
        with pytest.raises(TimeoutError):
            stream.accept()
        assert switch.record()["cause"] == "hung_up"
