"""Calls that get nowhere say why: one line of the log, and the record, of the real program."""

from __future__ import annotations

import contextlib
import socket
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.certificates import trusting, write_certificate
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, leg, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import CALLER, DIRECT, configuration


def dead_port() -> int:
    """Where nobody listens, by TCP and UDP."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def configured(folder: Path, port: int, more: str = "") -> Path:
    """A configuration with TLS at a port."""
    certificate, key = write_certificate(folder)
    tls = f"{{certificate: {certificate}, key: {key}, listen: 127.0.0.1:{port}{more}}}"
    file = folder / "switch.yaml"
    file.write_text(configuration(switch={"tls": tls}))
    return file


@pytest.mark.parametrize(
    ("host", "transport", "said"),
    [
        ("127.0.0.1", "udp", "refused"),
        ("127.0.0.1", "tcp", "refused"),
        ("127.0.0.1", "tls", "refused"),
    ],
)
def test_one_line_says_why_a_call_gets_nowhere(
    tmp_path: Path, host: str, transport: str, said: str
) -> None:
    at = f"{host}:{dead_port()}"
    file = configured(tmp_path, free_sip_port())
    with ExitStack() as made:
        switch = made.enter_context(
            Switch(tmp_path / "run", file, trunk=f"{at};transport={transport}")
        )
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        calling = caller.invite(DIRECT, made.enter_context(closing(RtpEnd())).sdp())
        calling.expect(480, within=15)
        record = switch.record()
        why = f"trunk carrier: {transport} {at}: {said}"
        assert leg(record, "called")["detail"] == why
        assert "detail" not in leg(record, "calling")
        wait_for("a line of the log", lambda: why in switch.output())
        (line,) = [one for one in switch.output().splitlines() if why in one]
        assert f"leg.ended call={record['call_id']} leg=b1 status=503" in line


def test_a_trunk_that_shows_no_certificate_is_told_of_and_counted(tmp_path: Path) -> None:
    port = free_sip_port()
    more = f", client_certificates: true, authorities: {tmp_path}/certificate.pem"
    with Switch(tmp_path / "run", configured(tmp_path, port, more)) as switch:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as stream,
            contextlib.suppress(OSError),
            trusting().wrap_socket(stream, server_hostname="localhost") as safe,
        ):
            # By TLS 1.3 the client is done before the server has seen what it lacks.
            assert safe.recv(100) == b""
        line = "trunk carrier: no TLS with 127.0.0.1, which has connected: it shows no certificate"
        wait_for("a line of the log", lambda: line in switch.output())
        with urllib.request.urlopen(
            f"http://127.0.0.1:{switch.control_port}/metrics", timeout=10
        ) as answer:
            text = answer.read().decode()
        name = "softswitch_sip_transport_troubles_total"
        assert f'{name}{{reason="tls_no_client_certificate"}} 1' in text
