"""The sockets of the control room: TCP (with TLS where it is configured) and Unix.

A connection that begins like HTTP is handed to the web application on the same port; everything
else is JSON-RPC, one message a line. A peer that does not take its answers is waited for and read
no further; one that takes none for SLOW_SECONDS is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from softswitch.control.access import ADMINISTRATOR, NOBODY, Access
from softswitch.control.catalogue import Catalogue
from softswitch.control.places import Place, Places
from softswitch.control.rpc import MAX_LINE, Lines
from softswitch.control.session import Session

__all__ = ["ControlServer"]

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 200
"""Control connections over TCP at once; each may keep a megabyte."""

MAX_UNIX_CONNECTIONS = 50
"""On the Unix socket, which are counted for themselves: whoever is on the machine gets in."""

AUTH_SECONDS = 10.0
"""How long a peer that has to show a token may take to do so."""

SLOW_SECONDS = 30.0
"""A peer that takes none of its answers for so long is cut off."""

IDLE_SECONDS, PROBE_SECONDS, PROBES = 10, 5, 3
"""A peer that is gone without a word (its machine lost its power, a cable its plug) is missed after
half a minute: it may steer calls, whose treatments go on then. The kernel asks; the peer's program
notices nothing of it."""

MAX_UNSENT = 1 << 20
"""Bytes that wait for a slow peer before whoever writes has to wait."""

READ_SIZE = 1 << 16

_HTTP = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"PATCH ")


class HttpSpeaker(Protocol):
    """Speaks HTTP on one connection: an asyncio protocol."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def data_received(self, data: bytes) -> None: ...

    def eof_received(self) -> bool | None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def has_shown_token(self) -> bool:
        """Whether a token that is known has come over the connection."""


HttpFactory = Callable[[], HttpSpeaker]


class ControlServer:
    """Listens, and owns its connections."""

    def __init__(
        self,
        catalogue: Catalogue,
        desk: Any,
        access: Access,
        *,
        http: HttpFactory | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._desk = desk
        self._access = access
        self._http = http
        self._servers: list[asyncio.Server] = []
        self._unix: Path | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._tcp, self._local = Places(), Places()

    @property
    def refused(self) -> int:
        """Connections that were not let in, or had to leave for another."""
        return self._tcp.refused + self._local.refused

    @property
    def connections(self) -> int:
        """Connections there are now."""
        return len(self._connections)

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen on TCP; the port. Raises OSError."""
        server = await asyncio.start_server(
            self._accept_tcp,
            host,
            port,
            limit=READ_SIZE,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else AUTH_SECONDS,
            backlog=MAX_CONNECTIONS,
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Listen on a Unix socket that only our own user can open. Raises OSError."""
        _unlink(path)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._accept_unix, path, limit=READ_SIZE)
        finally:
            os.umask(before)
        self._servers.append(server)
        self._unix = path

    async def close(self) -> None:
        """Listen no more, end all connections."""
        for server in self._servers:
            server.close()
        for task in tuple(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        for server in self._servers:
            await server.wait_closed()
        if self._unix is not None:
            _unlink(self._unix)

    # Connections.

    async def _accept_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        identity = NOBODY if self._access.asks else ADMINISTRATOR
        if not peer:
            writer.close()  # it has gone already, and nobody knows who it was
            return
        _watch_over(writer)
        await self._accept(reader, writer, f"{peer[0]}:{peer[1]}", identity, address=peer[0])

    async def _accept_unix(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._accept(reader, writer, "unix", ADMINISTRATOR)

    async def _accept(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: str,
        identity: Any,
        *,
        address: str = "",
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(reader, writer)
        session = Session(
            self._catalogue,
            self._desk,
            connection.send,
            access=self._access,
            identity=identity,
            peer=peer,
            address=address,
            auth_seconds=AUTH_SECONDS,
            cut_off=writer.transport.abort,
        )
        place = Place(
            address,
            lambda: bool(session.identity.roles) or connection.has_shown_token(),
            writer.transport.abort,
        )
        places, most = self._local, MAX_UNIX_CONNECTIONS
        if address:
            places, most = self._tcp, MAX_CONNECTIONS
        self._connections.add(task)
        try:
            if places.take(place, most):
                await self._serve(connection, session)
        except OSError as error:
            logger.debug("control connection from %s: %s", peer, error)
        except asyncio.CancelledError:
            # By `close`; the streams of asyncio log a task that ends cancelled as an error.
            return
        finally:
            self._connections.discard(task)
            places.release(place)
            await session.close()
            connection.close()

    async def _serve(self, connection: _Connection, session: Session) -> None:
        first = await connection.first(_HTTP)
        if first.startswith(_HTTP) and self._http is not None:
            session.ask_no_token()  # each request is asked for it there
            await connection.hand_over(self._http(), first)
            return
        lines = Lines(limit=MAX_LINE)
        data = first
        while data:
            for message in lines.receive(data):
                await session.receive(message)
            data = await connection.read()


def _watch_over(writer: asyncio.StreamWriter) -> None:
    """Have the kernel see whether the peer is still there (RFC 1122 section 4.2.3.6, RFC 5482)."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it has gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
        # While something is under way nobody asks; then it has to be taken in time.
        limit = round(SLOW_SECONDS * 1000)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


class _Heir(asyncio.Protocol):
    """Passes everything on to another protocol, and knows when the connection is over."""

    def __init__(self, protocol: HttpSpeaker) -> None:
        self._protocol = protocol
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self.over.set()


class _Connection:
    """One stream, with deadlines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._heir: HttpSpeaker | None = None
        writer.transport.set_write_buffer_limits(high=MAX_UNSENT)

    async def read(self) -> bytes:
        """What comes next; empty at the end."""
        return await self._reader.read(READ_SIZE)

    async def first(self, beginnings: tuple[bytes, ...]) -> bytes:
        """Enough to see what the peer speaks."""
        data = b""
        while not data or any(len(data) < len(one) and one.startswith(data) for one in beginnings):
            more = await self._reader.read(READ_SIZE)
            if not more:
                break
            data += more
        return data

    async def send(self, *messages: bytes) -> None:
        """Send lines; waits for a slow peer, and cuts it off when it takes too long."""
        self._writer.write(b"\n".join(messages) + b"\n")
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise ConnectionAbortedError("the peer does not take its answers") from None

    def has_shown_token(self) -> bool:
        """Whether one has come over what goes on with the connection."""
        return self._heir is not None and self._heir.has_shown_token()

    async def hand_over(self, protocol: HttpSpeaker, data: bytes) -> None:
        """Let another protocol go on with the connection, to its end."""
        transport: Any = self._writer.transport
        if transport.is_closing():
            return  # its end has been told already, or is told to us
        heir = _Heir(protocol)
        self._heir = protocol
        transport.set_protocol(heir)
        # What has come meanwhile is in the stream, which gets no more: its end is now.
        self._reader.feed_eof()
        data += await self._reader.read()
        transport.resume_reading()
        protocol.connection_made(transport)
        protocol.data_received(data)
        try:
            await heir.over.wait()
        finally:
            transport.abort()

    def close(self) -> None:
        """Close the stream."""
        if self._heir is None:
            self._writer.close()
