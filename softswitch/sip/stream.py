"""Cutting a byte stream into messages by Content-Length (RFC 3261 section 18.3, RFC 5626 3.5.1).

It knows where a message ends, not what it says.
"""

from __future__ import annotations

import re
from collections import deque

from softswitch.sip.errors import ParseError, StreamError
from softswitch.sip.keep_alives import KeepAlives
from softswitch.sip.message import MAX_BODY_BYTES, MAX_MESSAGE_BYTES, Request, parse_message

# The part of MAX_MESSAGE_BYTES that a head may take: 256 lines would fill it twice over.
MAX_HEAD_BYTES = MAX_MESSAGE_BYTES - MAX_BODY_BYTES

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
# A Content-Length line with its continuation lines. Nothing in it can match in two ways.
_CONTENT_LENGTH = re.compile(
    rb"\n(?:content-length|l)[ \t]*+:((?:[^\r\n]|\r?\n[ \t])*+)(?=\r?\n)", re.IGNORECASE
)


class Ping:
    """RFC 5626 keep-alive: a double CRLF between messages; to be answered with one CRLF."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Ping()"


PING = Ping()

_PING_BYTES = b"\r\n\r\n"


class WholeMessages:
    """One connection that keeps messages apart by itself (RFC 7118 section 5: "Each SIP message
    MUST be carried within a single WebSocket message"); in the place of a StreamDecoder."""

    __slots__ = ("_messages", "keep_alives")

    begun = False

    def __init__(self) -> None:
        self.keep_alives = KeepAlives()
        self._messages: deque[bytes] = deque()

    def receive_data(self, data: bytes) -> None:
        """Take a message."""
        self._messages.append(data)

    def next_message(self) -> bytes | Ping | None:
        """Give the next message or keep-alive, None when there is none."""
        while self._messages:
            data = self._messages.popleft()
            if data == _PING_BYTES:
                return PING
            if data.strip(b"\r\n"):
                return data
        return None


class StreamDecoder:
    """One connection's bytes in, whole messages out.

    Feed what was read, then take messages until None. What stays buffered is less than one message.
    """

    __slots__ = ("_buffer", "_needed", "_searched", "keep_alives")

    def __init__(self) -> None:
        self.keep_alives = KeepAlives()
        self._buffer = bytearray()
        # Bytes the next message needs, 0 while its head is not complete.
        self._needed = 0
        # How far the end of the head was searched for already.
        self._searched = 0

    @property
    def buffered(self) -> int:
        """How many bytes wait for the rest of their message."""
        return len(self._buffer)

    @property
    def begun(self) -> bool:
        """Whether a message has begun whose rest is missing; line breaks are none."""
        return bool(self._buffer) and not self._buffer.startswith((b"\r", b"\n"))

    def receive_data(self, data: bytes) -> None:
        """Append what the connection gave."""
        self._buffer += data

    def next_message(self) -> bytes | Ping | None:
        """Give the next whole message or keep-alive, None when more bytes are needed.

        Raises StreamError when it cannot be said where the message ends, or that is too far off.
        Its `message` is there when an answer (400, 413, 513) can be sent before closing.
        """
        if not self._needed:
            if self._skip_line_breaks():
                return PING
            self._needed = self._measure()
        if not self._needed or len(self._buffer) < self._needed:
            return None
        message = bytes(self._buffer[: self._needed])
        self._consume(self._needed)
        return message

    def _consume(self, count: int) -> None:
        del self._buffer[:count]
        self._needed = self._searched = 0

    def _skip_line_breaks(self) -> bool:
        """Drop line breaks between messages; say whether they were a ping.

        A lone CRLF at the end of the buffer stays, because it may be half of a ping.
        """
        buffer = self._buffer
        if not buffer.startswith((b"\r", b"\n")):
            return False
        if buffer.startswith(b"\r\n\r\n"):
            self._consume(4)
            return True
        if b"\r\n\r\n".startswith(buffer):
            return False
        count = len(buffer) - len(buffer.lstrip(b"\r\n"))
        self._consume(count)
        return False

    def _measure(self) -> int:
        """Give the length of the next message, 0 when its head is not complete."""
        buffer = self._buffer
        end = _END_OF_HEAD.search(buffer, max(0, self._searched - 3))
        if end is None:
            self._searched = len(buffer)
            if len(buffer) > MAX_HEAD_BYTES:
                raise StreamError("head-too-large", 513)
            return 0
        head = bytes(buffer[: end.end()])
        if len(head) > MAX_HEAD_BYTES:
            raise StreamError("head-too-large", 513, _partial(head))
        return len(head) + self._body_length(head)

    @staticmethod
    def _body_length(head: bytes) -> int:
        lengths = {value.strip() for value in _CONTENT_LENGTH.findall(head)}
        if len(lengths) != 1:
            # 18.3: "The Content-Length header field MUST be used with stream oriented transports."
            reason = "bad-content-length" if lengths else "missing-content-length"
            raise StreamError(reason, 400, _partial(head))
        text: bytes = lengths.pop()
        if not text.isdigit() or len(text) > 20:
            raise StreamError("bad-content-length", 400, _partial(head))
        length = int(text)
        if length > MAX_BODY_BYTES:
            raise StreamError("body-too-large", 413, _partial(head))
        return length


def _partial(head: bytes) -> Request | None:
    """Read as much of the request as an answer needs."""
    try:
        message = parse_message(head)
    except ParseError as error:
        return error.message
    return message if isinstance(message, Request) else None
