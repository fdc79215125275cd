"""TLS handshakes of those who connect to us, until they are made: who may have how many, and how
long they may take.

The loop tells of a connection with TLS only when its handshake is over; what hangs before that is
counted here, or it would take all descriptors. Knows no connection table and no SIP.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable

from softswitch.transport.face import SocketOwner
from softswitch.transport.failures import reason_of
from softswitch.transport.half_open import HalfOpen
from softswitch.transport.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS, Tls

__all__ = ["Handshakes"]

MAX_ACCEPTED = 64
"""Connections taken in one go, so that others have their turn in a flood."""

REST_SECONDS = 1.0
"""How long nobody is accepted when there are no descriptors."""

_NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))

NOTHING_SHOWN = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
"""OpenSSL's name for a peer without one where there must be one."""

_GONE = frozenset((errno.ECONNABORTED, errno.EPROTO, errno.EINTR))
"""Of a peer that has left before it was accepted."""


class Handshakes:
    """Owns a listening socket's turn in the loop, and a task a handshake."""

    def __init__(self, tls: Tls, owner: SocketOwner, counters: Counter[str]) -> None:
        self._tls = tls
        self._owner = owner
        self._counters = counters
        self._room = HalfOpen()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bound: dict[socket.socket, Callable[[], asyncio.Protocol]] = {}
        self._rests: dict[socket.socket, asyncio.TimerHandle] = {}

    @property
    def half_open(self) -> int:
        """How many handshakes are under way."""
        return len(self._tasks)

    def listen(self, bound: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        """Accept at a bound socket; `make` makes the protocol of each connection."""
        self._bound[bound] = make
        asyncio.get_running_loop().add_reader(bound, self._on_readable, bound)

    def stop(self) -> None:
        """Accept nobody any more, and end what is under way."""
        loop = asyncio.get_running_loop()
        for bound in self._bound:
            loop.remove_reader(bound)
        self._bound.clear()
        for rest in self._rests.values():
            rest.cancel()
        self._rests.clear()
        for task in self._tasks:
            task.cancel()

    async def wait_stopped(self) -> None:
        """Wait for the ends of what was under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_readable(self, bound: socket.socket) -> None:
        for _ in range(MAX_ACCEPTED):
            try:
                opened, (host, *_rest) = bound.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GONE:
                    continue
                if error.errno not in _NO_ROOM:
                    raise
                self._rest(bound)
                return
            self._take(opened, host, self._bound[bound])

    def _rest(self, bound: socket.socket) -> None:
        """Let those who wait do so: there is no descriptor for another."""
        self._counters["tcp_no_descriptor"] += 1
        loop = asyncio.get_running_loop()
        loop.remove_reader(bound)
        self._rests[bound] = loop.call_later(REST_SECONDS, self._go_on, bound)

    def _go_on(self, bound: socket.socket) -> None:
        del self._rests[bound]
        asyncio.get_running_loop().add_reader(bound, self._on_readable, bound)

    def _take(self, opened: socket.socket, host: str, make: Callable[[], asyncio.Protocol]) -> None:
        strange = self._owner.is_stranger(host)
        if not self._room.enter(host, strange=strange):
            self._counters["tls_half_open_refused"] += 1
            opened.close()
            return
        task = asyncio.create_task(self._shake(opened, make, host), name=f"TLS with {host}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._on_done(done, host, strange=strange))

    def _on_done(self, task: asyncio.Task[None], host: str, *, strange: bool) -> None:
        self._tasks.discard(task)
        self._room.leave(host, strange=strange)

    async def _shake(
        self, opened: socket.socket, make: Callable[[], asyncio.Protocol], host: str
    ) -> None:
        """One handshake, within its time however its bytes drip. The socket is the loop's from then
        on, which closes it when that fails."""
        loop = asyncio.get_running_loop()
        try:
            opened.setblocking(False)
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await loop.connect_accepted_socket(
                    make,
                    opened,
                    ssl=self._tls.server,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS,
                    ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                )
        except (OSError, TimeoutError) as error:
            late = isinstance(error, TimeoutError)
            self._counters["tls_handshake_late" if late else "tls_handshake_failed"] += 1
            nothing_shown = getattr(error, "reason", None) == NOTHING_SHOWN
            if nothing_shown:
                self._counters["tls_no_client_certificate"] += 1
            if nothing_shown or isinstance(error, ssl.SSLCertVerificationError):
                why = "it shows no certificate" if nothing_shown else reason_of(error)
                self._owner.certificate_refused(host, why)
