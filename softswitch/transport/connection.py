"""One TCP connection, ours or the peer's: bytes in, bytes out, an end (RFC 3261 section 18).

It holds back what cannot be sent yet, within a bound. It knows no SIP: framing belongs to the
stack, and which connection serves whom to the table.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from softswitch.sip.flow import Flow

if TYPE_CHECKING:
    from softswitch.transport.tcp import TcpTable

# A peer that does not read gets this much ahead of itself, about a second of the heaviest load;
# then the connection is worth nothing any more and is closed.
MAX_UNSENT_BYTES = 4 << 20
# RFC 5626 section 3.5.1: a double CRLF is answered with a single one.
PING = b"\r\n\r\n"
PONG = b"\r\n"
PONG_SECONDS = 10.0
# What is still unsent when we close gets this long.
LINGER_SECONDS = 5.0

# The kernel gives a connection up when what we sent stays unacknowledged for so long.
USER_TIMEOUT_MS = 20_000
KEEP_ALIVE_IDLE_SECONDS = 60
# linux/in.h: choose the source port when connecting, so that ports do not run out at bind.
IP_BIND_ADDRESS_NO_PORT = 24


class Connection(asyncio.Protocol):
    """A connection in the table; `flow.connection` is its number there."""

    __slots__ = (
        "_awaits_pong",
        "_deadline",
        "_table",
        "_transport",
        "_unsent",
        "_unsent_bytes",
        "closing",
        "destinations",
        "flow",
        "last_active",
        "opened_for",
        "pinged_at",
        "pongs",
        "strange",
    )

    def __init__(self, table: TcpTable, flow: Flow, *, opened_for: str = "") -> None:
        self.flow = flow
        # The host it was opened for; empty: the peer has opened it.
        self.opened_for = opened_for
        # Whether a stranger opened it.
        self.strange = False
        # Whom messages were sent to over it.
        self.destinations: dict[tuple[object, ...], Flow] = {}
        # Set once nothing more can be sent.
        self.closing = False
        self.last_active = 0.0
        # When the last keep-alive went out, and how many were answered.
        self.pinged_at = 0.0
        self.pongs = 0
        self._awaits_pong = False
        self._table = table
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        # Messages that wait for the connection to be made.
        self._unsent: list[tuple[bytes, Flow]] = []
        self._unsent_bytes = 0

    @property
    def ours(self) -> bool:
        """Whether we have opened it."""
        return bool(self.opened_for)

    @property
    def established(self) -> bool:
        """Whether bytes can flow."""
        return self._transport is not None

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """What the peer has shown by TLS and was verified, as the ssl module tells it."""
        return None if self._transport is None else self._transport.get_extra_info("peercert")

    def send(self, data: bytes, flow: Flow) -> None:
        """Send, or keep until the connection is made; `flow` names the message in a failure."""
        transport = self._transport
        if transport is None:
            self._hold(data, flow)
            return
        transport.write(data)
        self.abort_slow_reader()

    def abort_slow_reader(self) -> None:
        """Close where the peer does not read what it is sent."""
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._table.count("tcp_slow_reader")
            self.abort()

    def ping(self, now: float) -> None:
        """Send a keep-alive (RFC 5626 section 3.5.1), of which nobody need take notice; but none
        while one is to be answered."""
        if self._transport is None or (self._awaits_pong and self.pongs):
            return
        if not self._transport.get_write_buffer_size():
            self._transport.write(PING)
            self.pinged_at, self._awaits_pong = now, True

    def misses_pong(self, now: float) -> bool:
        """Whether a peer that answered keep-alives before does so no more.

        RFC 5626 section 4.4.1: "If a pong is not received within 10 seconds after sending a ping
        (or immediately after processing any incoming message being received when that 10 seconds
        expires), then the client MUST treat the flow as failed."
        """
        return self._awaits_pong and self.pongs > 0 and now - self.pinged_at > PONG_SECONDS

    def close(self) -> None:
        """Send what waits, within a bound of time, then close."""
        self._retire()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._retire()
        if self._transport is not None:
            self._transport.abort()

    def unsent_flows(self) -> list[Flow]:
        """The destinations of what was never sent, each once."""
        return list(dict.fromkeys(flow for _, flow in self._unsent))

    def _hold(self, data: bytes, flow: Flow) -> None:
        if self._unsent_bytes + len(data) > MAX_UNSENT_BYTES:
            self._table.count("tcp_send_queue_full")
            return
        self._unsent.append((data, flow))
        self._unsent_bytes += len(data)

    def _retire(self) -> None:
        """Take no new message; a peer that does not read cannot keep us open for ever."""
        self._table.retire(self)
        if self._transport is not None and not self.closing:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(LINGER_SECONDS, self._transport.abort)
        self.closing = True

    # asyncio.Protocol: called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit ourselves to the table, and send what waited."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._table.admit(self, transport.get_extra_info("peername")):
            self._transport.abort()
            return
        waiting, self._unsent = self._unsent, []
        for data, flow in waiting:
            self.send(data, flow)

    def data_received(self, data: bytes) -> None:
        """Hand bytes up, but for the answer to a keep-alive."""
        if self._awaits_pong:
            self._awaits_pong = False
            if data.startswith(PONG) and not data.startswith(PING):
                self.pongs += 1
                data = data[len(PONG) :]
                self._table.touch(self)
        if data:
            self._table.received(self, data)

    def eof_received(self) -> bool:
        """Close our side too, after what waits to be sent.

        A peer that only shut its sending side looks the same as one that is gone. To answer the
        second kind would lose the answer; the first kind is reached by a connection to its Via.
        """
        self._retire()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Leave the table and say that we are gone."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._transport = None
        self._table.lost(self, error)


def configure(opened: socket.socket) -> None:
    """Set what a connection's socket needs, or one that accepts them: on Linux what is accepted
    inherits it."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_IDLE_SECONDS)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    if opened.family == socket.AF_INET:
        opened.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
