"""Shows every SIP message to Homer, by HEP over UDP.

Messages wait for a moment, so that what is told of a call meanwhile names it in all of them, and go
out together. Nothing waits for Homer: what it does not take, and what is too much, is counted and
gone.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict, deque
from typing import Any

from config.model import Hep
from softswitch.call.events import CallEvent, CallPresented, LegOriginated
from softswitch.sip.flow import RELIABLE_TRANSPORTS
from softswitch.traces.hep import encode
from softswitch.traces.sip_text import call_id_of
from softswitch.traces.trace import SipMessage

__all__ = ["Homer"]

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
"""How long a message waits for company."""

MAX_QUEUED = 5000
"""Messages that wait: a quarter of a second of the heaviest load, ten times as long of a usual
one."""

MAX_PORTION = 200
"""Packets made before anybody else has a turn of the loop: some milliseconds."""

MAX_NAMED = 20_000
"""Dialogs whose calls are remembered, two a call."""

AGAIN_SECONDS = 30.0
"""When its name cannot be resolved, or it cannot be reached."""


class Homer:
    """One way to one collector; `close` it."""

    def __init__(self, settings: Hep) -> None:
        self.settings = settings
        self.sent = 0
        self.lost = 0
        """Messages that found no room, or no way."""
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._queue: deque[SipMessage] = deque()
        self._calls: OrderedDict[str, str] = OrderedDict()
        self._flush_handle: asyncio.TimerHandle | None = None
        self._opening = self._loop.create_task(self._open(), name="hep")

    def on_message(self, message: SipMessage) -> None:
        """Have a message shown, soon."""
        if len(self._queue) >= MAX_QUEUED:
            self.lost += 1
            return
        self._queue.append(message)
        if self._flush_handle is None:
            self._flush_handle = self._loop.call_later(GATHER_SECONDS, self._flush)

    def on_event(self, event: CallEvent) -> None:
        """Learn which call a dialog belongs to: both sides of it are shown as one."""
        if isinstance(event, CallPresented | LegOriginated):
            self._calls[event.sip_call_id] = event.call_id
            if len(self._calls) > MAX_NAMED:
                self._calls.popitem(last=False)

    async def close(self) -> None:
        """Show what waits, then close."""
        self._opening.cancel()
        await asyncio.wait((self._opening,))
        if self._flush_handle is not None:
            self._flush_handle.cancel()
        while self._queue:
            self._show(self._queue.popleft())
        if self._socket is not None:
            self._socket.close()

    def status(self) -> dict[str, Any]:
        """How it does, to be shown."""
        return {
            "to": f"{self.settings.host}:{self.settings.port}",
            "connected": self._socket is not None,
            "sent": self.sent,
            "lost": self.lost,
            "waiting": len(self._queue),
        }

    # Private.

    async def _open(self) -> None:
        while self._socket is None:
            try:
                self._socket = await self._connected()
            except OSError as error:
                where = self.settings.host, self.settings.port
                logger.warning("hep: %s:%d cannot be reached: %s", *where, error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _connected(self) -> socket.socket:
        found = await self._loop.getaddrinfo(
            self.settings.host, self.settings.port, type=socket.SOCK_DGRAM
        )
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made

    def _flush(self) -> None:
        self._flush_handle = None
        for _ in range(min(MAX_PORTION, len(self._queue))):
            self._show(self._queue.popleft())
        if self._queue:
            self._flush_handle = self._loop.call_later(0, self._flush)

    def _show(self, message: SipMessage) -> None:
        if self._socket is None:
            self.lost += 1
            return
        source, destination = message.peer, message.ours
        if message.direction == "out":
            source, destination = destination, source
        settings = self.settings
        sip_id = call_id_of(message.data)
        packet = encode(
            message.data,
            source=source,
            destination=destination,
            reliable=message.transport in RELIABLE_TRANSPORTS,
            at=message.at,
            agent=settings.agent,
            key=settings.password,
            correlation=self._calls.get(sip_id, sip_id),
        )
        try:
            self._socket.send(packet)
        except OSError:
            # The kernel has no room, or the packet before was refused.
            self.lost += 1
        else:
            self.sent += 1
