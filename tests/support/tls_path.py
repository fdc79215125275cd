"""A way by TLS to the switch for a far end that only knows TCP (SIPp as Debian builds it).

It takes one connection, opens one of TLS, and carries the octets of both; in them TCP becomes TLS,
the far end becomes who it is to the switch, and the path becomes the switch. That is in heads only,
so no length is wrong by it. The connection it opens comes from the port that the far end says it is
at: what the switch has to say in the dialog finds it. It knows nothing else of messages.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading

from tests.support.faulty_path import Address

TICK = 0.05
# A handshake, or a record of which a part has come.
WITHIN = 5.0


class TlsPath:
    """Between one far end and the TLS listener of the switch; a thread carries it until `close`.

    `far` is what the far end says of itself; `host` is who it is to the switch.
    """

    def __init__(
        self, *, switch: Address, far: Address, host: str, context: ssl.SSLContext, name: str
    ) -> None:
        self._switch, self._far, self._host = switch, far, host
        self._context, self._name = context, name
        self.problem = ""
        self._listening = socket.create_server((far[0], 0))
        self._listening.settimeout(TICK)
        self.address: Address = self._listening.getsockname()[:2]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tls path", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, which closes its connections."""
        self._closing.set()
        self._thread.join(2 * WITHIN)
        self._listening.close()

    def __enter__(self) -> TlsPath:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        near = self._accept()
        if near is None:
            return
        near.settimeout(WITHIN)
        try:
            with near, self._connect() as secure:
                self._carry(near, secure)
        except OSError as problem:
            self.problem = str(problem)

    def _accept(self) -> socket.socket | None:
        while not self._closing.is_set():
            try:
                return self._listening.accept()[0]
            except TimeoutError:
                continue
        return None

    def _connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(
            self._switch, WITHIN, source_address=(self._host, self._far[1])
        )
        return self._context.wrap_socket(plain, server_hostname=self._name)

    def _carry(self, near: socket.socket, secure: ssl.SSLSocket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ)
            selector.register(secure, selectors.EVENT_READ)
            while not self._closing.is_set():
                for key, _ in selector.select(TICK):
                    outward = key.fileobj is near
                    data = near.recv(65535) if outward else _heard(secure)
                    if data == b"":
                        return
                    if data is not None:
                        (secure if outward else near).sendall(self._told(data, outward=outward))

    def _told(self, data: bytes, *, outward: bool) -> bytes:
        far, host, here, switch = (
            f"{where[0]}:{where[1]}".encode()
            for where in (self._far, (self._host, self._far[1]), self.address, self._switch)
        )
        changes = {b"SIP/2.0/TCP ": b"SIP/2.0/TLS ", b"transport=TCP": b"transport=TLS", far: host}
        for inside, outside in changes.items():
            data = data.replace(*((inside, outside) if outward else (outside, inside)))
        return data.replace(here, switch) if outward else data


def _heard(secure: ssl.SSLSocket) -> bytes | None:
    """What has come; None where that was for TLS itself (a session's ticket, say)."""
    secure.settimeout(0)
    try:
        data = secure.recv(65535)
        # What was read beside it is not seen by a selector.
        while data and secure.pending():
            data += secure.recv(65535)
    except ssl.SSLWantReadError:
        return None
    finally:
        secure.settimeout(WITHIN)
    return data
