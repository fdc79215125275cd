"""A test phone behind a WebSocket (RFC 7118): it connects to the switch, and is nowhere else.

What it says and hears is `tests.support.phone`'s; here are the connection and its frames.
"""

from __future__ import annotations

import socket
import ssl

from tests.support import websocket
from tests.support.certificates import trusting
from tests.support.phone import Phone

HOST = "browser.invalid"
"""RFC 7118 section 5: what a client writes that nobody can connect to."""


class WebPhone(Phone):
    """Connected when it is made; `reconnect` after its connection was closed."""

    def __init__(
        self,
        server: tuple[str, int],
        *,
        host: str = "127.0.0.1",
        user: str = "web",
        tls: bool = False,
    ) -> None:
        self._to = server
        self._tls = tls
        self._rest = b""
        self.pongs = 0
        super().__init__(server, host=host, transport="wss" if tls else "ws", user=user)
        self.uri_host = HOST

    def contact(self) -> str:
        """What a browser writes there."""
        return f"<sip:{self.user}@{HOST};transport=ws>"

    def put(self, data: bytes, peer: tuple[str, int]) -> None:
        self.put_frame(websocket.frame(websocket.TEXT, data))

    def put_frame(self, data: bytes) -> None:
        """Sends bytes of frames as they are."""
        self._socket.sendall(data)

    def hang(self) -> None:
        """Is gone without a word."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def reconnect(self) -> None:
        """Opens another connection in the place of the one before."""
        with self.changed:
            fresh = self._connected()
            old, self._socket = self._socket, fresh
            self._selector.register(fresh, 1, None)
            if old in self._selector.get_map():
                self._selector.unregister(old)
            old.close()
            self._rest = b""

    def _open(self, port: int) -> socket.socket:
        stream = self._connected()
        self._selector.register(stream, 1, None)
        return stream

    def _connected(self) -> socket.socket:
        stream = socket.create_connection(self._to, timeout=10, source_address=(self.host, 0))
        if self._tls:
            stream = trusting().wrap_socket(stream, server_hostname="localhost")
        stream.sendall(websocket.opening())
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = stream.recv(4096)
            assert more, f"no handshake: {answer!r}"
            answer += more
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        assert websocket.ACCEPT.encode() in answer
        assert answer.endswith(b"\r\n\r\n")
        return stream

    def _accept_or_receive(self) -> None:
        try:
            data = self._socket.recv(65535)
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                data += self._socket.recv(65535)
        except OSError:
            data = b""
        if not data:
            with self.changed:
                if self._socket in self._selector.get_map():
                    self._selector.unregister(self._socket)
            return
        frames, self._rest = websocket.taken(self._rest + data)
        for opcode, payload in frames:
            if opcode in (websocket.TEXT, websocket.BINARY) and payload.strip():
                self._take(payload, self._to)
            elif opcode == websocket.PING:
                self.put_frame(websocket.frame(websocket.PONG, payload))
            elif opcode == websocket.PONG:
                self.pongs += 1
