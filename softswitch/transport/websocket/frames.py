"""The frames of a WebSocket (RFC 6455 section 5), as its server reads and writes them. A core.

Bytes go in, whole messages and control frames come out; whatever breaks the protocol is a
FrameError with the code that the connection closes with. It knows neither sockets nor what messages
say.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = [
    "MAX_FRAGMENTS",
    "CloseCode",
    "Closing",
    "FrameDecoder",
    "FrameError",
    "Message",
    "Opcode",
    "Ping",
    "Pong",
    "closing_frame",
    "frame",
    "message_frame",
]  # fmt: skip

MAX_FRAGMENTS = 64
"""Frames of one message. Whoever sends SIP has it whole and sends one; a library may cut at 1 kB,
and no message is longer than 64 kB."""

MAX_CONTROL_BYTES = 125
"""RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less"."""

_MASK_BYTES = 4
_LONGER = {126: 2, 127: 8}
"""Bytes of a length that does not fit into the header, by what stands there in its place."""


class Opcode(IntEnum):
    """What a frame is (section 5.2); numbers that are not here are nobody's yet."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """Why a connection closes (section 7.4.1), as far as it is said here."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    BAD_DATA = 1007
    POLICY = 1008
    TOO_BIG = 1009


class Message(NamedTuple):
    """A whole message, text or binary: SIP is the same in both (RFC 7118 section 4.2)."""

    data: bytes


class Ping(NamedTuple):
    """To be answered with the same bytes."""

    data: bytes


class Pong(NamedTuple):
    """The answer to a ping, or nobody's."""

    data: bytes


class Closing(NamedTuple):
    """The peer has said its last word; `code` 0: without a reason."""

    code: int


Event = Message | Ping | Pong | Closing


class FrameError(Exception):
    """What came is no frame, or too much; the text is for the log."""

    def __init__(self, code: CloseCode, why: str) -> None:
        super().__init__(why)
        self.code = code


class _Header(NamedTuple):
    final: bool
    opcode: Opcode
    length: int
    mask: bytes


class FrameDecoder:
    """One connection's bytes in, its messages out.

    Feed what was read, then take events until None. What is kept is less than one message and one
    control frame. After a FrameError it is of no use any more.
    """

    __slots__ = ("_buffer", "_fragments", "_header", "_kind", "_max", "_size")

    def __init__(self, max_message_bytes: int) -> None:
        self._max = max_message_bytes
        self._buffer = bytearray()
        self._header: _Header | None = None
        # The message that has begun: its kind, its fragments so far, and their bytes together.
        self._kind: Opcode | None = None
        self._fragments: list[bytes] = []
        self._size = 0

    @property
    def begun(self) -> bool:
        """Whether something has begun whose rest is missing."""
        return bool(self._buffer) or self._header is not None or self._kind is not None

    def receive_data(self, data: bytes) -> None:
        """Append what the connection gave."""
        self._buffer += data

    def next_event(self) -> Event | None:
        """Give what is whole, None when more bytes are needed; raises FrameError."""
        while True:
            if self._header is None:
                self._header = self._read_header()
            header = self._header
            if header is None or len(self._buffer) < header.length:
                return None
            payload = _masked(bytes(self._buffer[: header.length]), header.mask)
            del self._buffer[: header.length]
            self._header = None
            if header.opcode >= Opcode.CLOSE:
                return _control(header.opcode, payload)
            message = self._add(header, payload)
            if message is not None:
                return message

    def _read_header(self) -> _Header | None:
        """The header at the head of the buffer, taken out of it; None while it is not whole. What
        is wrong with it is found as soon as its bytes are there."""
        buffer = self._buffer
        if not buffer:
            return None
        final, opcode = bool(buffer[0] & 0x80), _opcode(buffer[0])
        if len(buffer) < 2:
            return None
        short = buffer[1] & 0x7F
        if not buffer[1] & 0x80:
            # 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a frame that is not masked")
        if opcode >= Opcode.CLOSE and not (final and short <= MAX_CONTROL_BYTES):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a control frame in pieces, or too long")
        begin = 2 + _LONGER.get(short, 0)
        if len(buffer) < begin:
            return None
        length = int.from_bytes(buffer[2:begin]) if begin > 2 else short
        self._check_length(opcode, short, length)
        if len(buffer) < begin + _MASK_BYTES:
            return None
        mask = bytes(buffer[begin : begin + _MASK_BYTES])
        del buffer[: begin + _MASK_BYTES]
        return _Header(final, opcode, length, mask)

    def _check_length(self, opcode: Opcode, short: int, length: int) -> None:
        """5.2: "the minimal number of bytes MUST be used to encode the length"."""
        if length < {126: 126, 127: 1 << 16}.get(short, 0):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a length that is longer than it has to be")
        if opcode < Opcode.CLOSE and self._size + length > self._max:
            raise FrameError(CloseCode.TOO_BIG, f"a message of more than {self._max} bytes")

    def _add(self, header: _Header, payload: bytes) -> Message | None:
        """Put a frame to its message; the message, where it is the last one (5.4)."""
        if (header.opcode is Opcode.CONTINUATION) != (self._kind is not None):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a frame of another message in between")
        kind = self._kind if self._kind is not None else header.opcode
        if not header.final and len(self._fragments) + 1 >= MAX_FRAGMENTS:
            raise FrameError(CloseCode.TOO_BIG, f"a message of more than {MAX_FRAGMENTS} frames")
        self._fragments.append(payload)
        self._size += len(payload)
        if not header.final:
            self._kind = kind
            return None
        whole = b"".join(self._fragments)
        self._kind, self._fragments, self._size = None, [], 0
        if kind is Opcode.TEXT:
            _check_text(whole)
        return Message(whole)


def _opcode(first: int) -> Opcode:
    """5.2: the reserved bits "MUST be 0 unless an extension is negotiated", and none is."""
    try:
        if first & 0x70:
            raise ValueError
        return Opcode(first & 0x0F)
    except ValueError:
        message = f"a frame that begins with 0x{first:02x}"
        raise FrameError(CloseCode.PROTOCOL_ERROR, message) from None


def _masked(data: bytes, mask: bytes) -> bytes:
    """Put the mask on, or take it off (5.3): as one number, which is a hundred times as quick as
    byte by byte."""
    size = len(data)
    key = (mask * (size // _MASK_BYTES + 1))[:size]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(size)


def _control(opcode: Opcode, payload: bytes) -> Event:
    if opcode is Opcode.PING:
        return Ping(payload)
    if opcode is Opcode.PONG:
        return Pong(payload)
    if not payload:
        return Closing(0)
    code = int.from_bytes(payload[:2])
    if len(payload) < 2 or not _may_be_sent(code):
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a close without a code that may be sent")
    _check_text(payload[2:])
    return Closing(code)


def _may_be_sent(code: int) -> bool:
    """7.4: some are for programs among themselves, others nobody's."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


def _check_text(data: bytes) -> None:
    """8.1: text that is no UTF-8 fails the connection."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise FrameError(CloseCode.BAD_DATA, "text that is no UTF-8") from None


# What we send.


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """A whole frame. 5.1: "A server MUST NOT mask any frames that it sends to the client.\""""
    first, size = 0x80 | opcode, len(payload)
    if size < 126:
        head = bytes((first, size))
    elif size < 1 << 16:
        head = bytes((first, 126)) + size.to_bytes(2)
    else:
        head = bytes((first, 127)) + size.to_bytes(8)
    return head + payload


def message_frame(data: bytes) -> bytes:
    """A message as text, or as binary where it is none: browsers read either."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return frame(Opcode.BINARY, data)
    return frame(Opcode.TEXT, data)


def closing_frame(code: int) -> bytes:
    """The last word; 0: without a reason."""
    return frame(Opcode.CLOSE, code.to_bytes(2) if code else b"")
