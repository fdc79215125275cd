"""What goes by the path arrives by TLS from the far end's port, and what comes back finds it."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from tests.support.certificates import trusting, write_certificate
from tests.support.ports import free_sip_port
from tests.support.tls_path import TlsPath

FAR, HOST = "127.0.0.4", "127.0.0.15"


def test_octets_are_carried_both_ways_and_say_tls_outside(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    told: list[object] = []
    port = free_sip_port(FAR)

    def answer(listening: socket.socket) -> None:
        stream, source = listening.accept()
        with context.wrap_socket(stream, server_side=True) as secure:
            told.extend([source, secure.recv(65535)])
            secure.sendall(f"SIP/2.0/TLS {HOST}:{port};transport=TLS".encode())
            told.append(secure.recv(65535))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        switch = listening.getsockname()
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with (
            TlsPath(
                switch=switch, far=(FAR, port), host=HOST, context=trusting(), name="localhost"
            ) as path,
            socket.create_connection(path.address, 5) as near,
        ):
            asked = f"INVITE sip:1@{FAR}:{path.address[1]}\r\nVia: SIP/2.0/TCP {FAR}:{port}"
            near.sendall(asked.encode())
            assert near.recv(65535) == f"SIP/2.0/TCP {FAR}:{port};transport=TCP".encode()
        thread.join(10)
        assert path.problem == ""
    assert told == [
        (HOST, port),
        f"INVITE sip:1@127.0.0.1:{switch[1]}\r\nVia: SIP/2.0/TLS {HOST}:{port}".encode(),
        b"",
    ]
