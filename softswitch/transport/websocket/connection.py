"""One WebSocket that a peer has opened to us, in the place of a TCP connection (RFC 7118).

Handshake and frames are the cores' (`opening`, `frames`); here they meet a socket and a clock. It
knows no SIP: what a message says belongs to the stack, and who may connect to the table.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from softswitch.sip.flow import Flow
from softswitch.sip.keep_alives import KeepAlives
from softswitch.sip.message import MAX_MESSAGE_BYTES
from softswitch.sip.streams import MESSAGE_SECONDS
from softswitch.transport.connection import PONG_SECONDS, Connection
from softswitch.transport.tls import HANDSHAKE_SECONDS
from softswitch.transport.websocket.frames import (
    CloseCode,
    Closing,
    FrameDecoder,
    FrameError,
    Message,
    Opcode,
    Ping,
    closing_frame,
    frame,
    message_frame,
)
from softswitch.transport.websocket.opening import (
    MAX_HEAD_BYTES,
    Refusal,
    answer_opening,
    refusal_of,
)

if TYPE_CHECKING:
    from softswitch.transport.websocket.table import WebSocketTable

__all__ = ["WebSocketConnection"]

logger = logging.getLogger(__name__)

_END_OF_HEAD = b"\r\n\r\n"


class WebSocketConnection(Connection):
    """A connection in the table; it carries messages once its handshake is over."""

    __slots__ = (
        "_decoder",
        "_head",
        "_is_open",
        "_keep_alives",
        "_late",
        "_unfinished",
        "_web",
        "half_open",
    )

    def __init__(self, table: WebSocketTable, flow: Flow) -> None:
        super().__init__(table, flow)
        self._web = table
        # Whether it is counted among those whose handshake is under way.
        self.half_open = False
        self._is_open = False
        self._head = bytearray()
        self._decoder = FrameDecoder(MAX_MESSAGE_BYTES)
        self._keep_alives = KeepAlives()
        # When a handshake, or half a message of a stranger, has taken too long.
        self._late: asyncio.TimerHandle | None = None
        self._unfinished: asyncio.TimerHandle | None = None

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a message, each in a frame of its own (RFC 7118 section 5)."""
        super().send(message_frame(data), flow)

    def ping(self, now: float) -> None:
        """Send a Ping frame, but none while one is to be answered."""
        transport = self._transport
        if transport is None or not self._is_open or self._awaits_pong:
            return
        if not transport.get_write_buffer_size():
            # What waits to be sent would hold it up.
            transport.write(frame(Opcode.PING, b""))
            self.pinged_at, self._awaits_pong = now, True

    def misses_pong(self, now: float) -> bool:
        """Whether the peer is gone: everybody has to answer a Ping (RFC 6455 section 5.5.2)."""
        return self._awaits_pong and now - self.pinged_at > PONG_SECONDS

    def close(self) -> None:
        """Say so, send what waits, within a bound of time, then close."""
        self._end(CloseCode.GOING_AWAY)

    def _end(self, code: int) -> None:
        if self._is_open and not self.closing and self._transport is not None:
            self._transport.write(closing_frame(code))
        super().close()

    # asyncio.Protocol: called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit ourselves to the table, and give the handshake its time."""
        super().connection_made(transport)
        if not transport.is_closing():
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(HANDSHAKE_SECONDS, self._on_late)

    def data_received(self, data: bytes) -> None:
        """Take the handshake, then frames."""
        if self.closing:
            # Our last word is said: what comes now is for nobody (5.5.1).
            return
        if not self._is_open:
            data = self._shake_hands(data)
        if self._is_open and data:
            self._read(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Leave the table and say that we are gone."""
        for timer in (self._late, self._unfinished):
            if timer is not None:
                timer.cancel()
        self._web.leave_half_open(self)
        super().connection_lost(error)

    # The handshake.

    def _shake_hands(self, data: bytes) -> bytes:
        """Take bytes of the handshake; what stands behind it."""
        searched = max(0, len(self._head) - len(_END_OF_HEAD))
        self._head += data
        end = self._head.find(_END_OF_HEAD, searched)
        if (end if end >= 0 else len(self._head)) > MAX_HEAD_BYTES:
            self._refuse(refusal_of(431, f"more than {MAX_HEAD_BYTES} bytes"))
        elif end >= 0:
            rest = bytes(self._head[end + len(_END_OF_HEAD) :])
            answer = answer_opening(
                bytes(self._head[: end + len(_END_OF_HEAD)]), self._web.origins_of(self)
            )
            self._head.clear()
            if isinstance(answer, Refusal):
                self._refuse(answer)
            else:
                self._open(answer.answer)
                return rest
        return b""

    def _open(self, answer: bytes) -> None:
        assert self._transport is not None
        self._transport.write(answer)
        self._is_open = True
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._web.opened(self)

    def _refuse(self, refusal: Refusal) -> None:
        self._web.count("ws_refused")
        self._tell("no WebSocket for %s:%d: %s", refusal.why)
        if self._transport is not None:
            self._transport.write(refusal.answer)
        super().close()

    def _on_late(self) -> None:
        """A handshake has its time, however its bytes drip."""
        self._late = None
        if not self.closing:
            self._web.count("ws_handshake_late")
            self.abort()

    # Frames.

    def _read(self, data: bytes) -> None:
        decoder = self._decoder
        decoder.receive_data(data)
        ping: Ping | None = None
        progress = False
        try:
            while not self.closing and (event := decoder.next_event()) is not None:
                if isinstance(event, Message):
                    progress, self._awaits_pong = True, False
                    self._web.received(self, event.data)
                elif isinstance(event, Closing):
                    self._end(event.code)
                elif not self._keep_alives.takes(asyncio.get_running_loop().time()):
                    raise FrameError(CloseCode.POLICY, "too many pings and pongs")
                elif isinstance(event, Ping):
                    ping = event
                else:
                    self._on_pong()
        except FrameError as error:
            self._break(error)
        if ping is not None and not self.closing:
            self._answer(ping)
        self._watch(progress=progress)

    def _answer(self, ping: Ping) -> None:
        """5.5.3: of several pings only "the most recently processed" need be answered: a flood of
        them gets one answer a read."""
        assert self._transport is not None
        self._transport.write(frame(Opcode.PONG, ping.data))
        self.abort_slow_reader()

    def _on_pong(self) -> None:
        """5.5.3: one that nobody asked for means nothing."""
        if self._awaits_pong:
            self._awaits_pong = False
            self.pongs += 1
            self._web.touch(self)

    def _break(self, error: FrameError) -> None:
        self._web.count("ws_broken")
        self._tell("WebSocket of %s:%d closed: %s", error)
        self._end(error.code)

    def _tell(self, line: str, why: object) -> None:
        """A stranger's mistakes are counted; what a trunk does is told, but not without end."""
        is_told = not self.strange and self._web.may_tell()
        level = logging.WARNING if is_told else logging.DEBUG
        logger.log(level, line, self.flow.host, self.flow.port, why)

    def _watch(self, *, progress: bool) -> None:
        """Give a stranger's half message its time, and each message its own."""
        if self._unfinished is not None and (progress or not self._decoder.begun):
            self._unfinished.cancel()
            self._unfinished = None
        if self._unfinished is None and self._decoder.begun and not self.closing and self.strange:
            loop = asyncio.get_running_loop()
            self._unfinished = loop.call_later(MESSAGE_SECONDS, self._on_unfinished)

    def _on_unfinished(self) -> None:
        self._unfinished = None
        # Somebody there may have shown a trunk's credentials meanwhile.
        if not self.closing and self._web.is_strange(self.flow.host):
            self._web.count("ws_half_message")
            self._end(CloseCode.GOING_AWAY)
