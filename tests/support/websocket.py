"""The client's side of a WebSocket for tests (RFC 6455), by hand: also what no good client sends.

Written apart from the product's own frames.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Sequence

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
).decode()


def opening(
    *,
    start: str = "GET /sip HTTP/1.1",
    without: Sequence[str] = (),
    more: Sequence[str] = (),
    protocol: str = "sip",
) -> bytes:
    """A handshake that is as it should be, without some fields and with others."""
    fields = [
        "Host: switch.example",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {protocol}",
    ]
    kept = [one for one in fields if one.partition(":")[0].lower() not in without]
    return "\r\n".join([start, *kept, *more, "", ""]).encode()


def frame(
    opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, first: int = 0
) -> bytes:
    """A frame of a client; `first` are further bits of its first byte."""
    size = len(payload)
    mark = 0x80 if masked else 0
    head = bytes([(0x80 if final else 0) | first | opcode])
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mark | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    # Another one for each payload, and the same for the same: names of tests are made of frames.
    mask = zlib.crc32(payload + head).to_bytes(4)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def taken(buffer: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The frames of a server that are whole, as opcode and payload, and what is left; a server
    sends them in one piece and without a mask."""
    found = []
    while len(buffer) >= 2:
        first, size = buffer[0], buffer[1]
        assert first & 0xF0 == 0x80, f"a first byte of {first:#x}"
        assert size < 128, "a server does not mask"
        at = 2
        if size == 126:
            at, size = 4, int.from_bytes(buffer[2:4])
        elif size == 127:
            at, size = 10, int.from_bytes(buffer[2:10])
        if len(buffer) < at + size:
            break
        found.append((first & 15, buffer[at : at + size]))
        buffer = buffer[at + size :]
    return found, buffer
