"""The handshake and the frames of WebSockets, in pieces, from clients that mean ill.

`python -m fuzz.fuzz_websocket [--seconds 10] [--seed N] [--keep]`. Each input is what a connection
brings: a handshake, and frames behind it. Nothing may be raised but FrameError, with a code that a
close may have; nothing is kept beyond one message; cut in other pieces the same comes out. A
finding is printed as a Python literal.
"""

from __future__ import annotations

import random
import sys

from fuzz.kept import Fuzz
from softswitch.transport.websocket.frames import (
    CloseCode,
    FrameDecoder,
    FrameError,
    Message,
    message_frame,
)
from softswitch.transport.websocket.opening import MAX_HEAD_BYTES, Opened, answer_opening

MAX_SECONDS = 0.25
# Small, so that what is too much is met with, too.
MAX_MESSAGE = 2_000

_OPENING = (
    b"GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: sip\r\nOrigin: https://phone.example\r\n\r\n"
)
_MASK = b"\x37\xfa\x21\x3d"


def _framed(first: int, payload: bytes) -> bytes:
    """A frame of a client."""
    size = len(payload)
    head = bytes([first, 0x80 | size]) if size < 126 else bytes([first, 254]) + size.to_bytes(2)
    masked = bytes(byte ^ _MASK[place % 4] for place, byte in enumerate(payload))
    return head + _MASK + masked


_OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKa\r\n\r\n"
_TEXT, _BINARY = _framed(0x81, _OPTIONS), _framed(0x82, bytes(range(256)))
_PIECES = _framed(0x01, b"OPTIONS") + _framed(0x89, b"?") + _framed(0x80, b" sip:x SIP/2.0")
_CLOSE = _framed(0x88, b"\x03\xe8bye")
SEEDS = (
    *(_OPENING, _OPENING + _TEXT, _OPENING + _BINARY + _CLOSE, _OPENING + _PIECES),
    *(_OPENING + _framed(0x8A, b""), _OPENING + _framed(0x81, b"\r\n\r\n") * 5),
    _OPENING + b"\x82\xff" + (1 << 40).to_bytes(8) + _MASK,
    _OPENING.replace(b"sip\r\n", b"chat, sip\r\n"),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
PIECES = (
    *(_TEXT, _BINARY, _PIECES, _CLOSE, _framed(0x00, b"x"), _framed(0x01, b"x"), _MASK),
    *(
        b"\r\n\r\n",
        b"\r\n",
        b": ",
        b", ",
        b"Upgrade: ",
        b"Origin: *",
        b"\x81",
        b"\xfe",
        b"\xff\xff",
    ),
    *(b"\x00\x00", b"\x7f", b"Sec-WebSocket-Protocol: sip", b"X: " + b" \t" * 500),
)


def check(data: bytes, chance: random.Random) -> bool:
    """Take it as a connection does; whether a message came. Raises for a finding."""
    end = data.find(b"\r\n\r\n") + 4
    if not 4 <= end <= MAX_HEAD_BYTES:
        frames = data
    else:
        answer = answer_opening(data[:end], ("https://phone.example",))
        assert answer.answer.startswith(b"HTTP/1.1 ")
        if not isinstance(answer, Opened):
            assert answer.status >= 400
            assert answer.why.isprintable(), answer
        frames = data[end:]
    once, messages = read(frames, len(frames) or 1)
    assert read(frames, chance.choice((1, 2, 3, 7, 100)))[0] == once
    for message in messages:
        assert message_frame(message)[2:].endswith(message)
    return bool(messages)


def read(data: bytes, step: int) -> tuple[list[object], list[bytes]]:
    """All events, an error being the last; and the messages among them."""
    decoder = FrameDecoder(MAX_MESSAGE)
    found: list[object] = []
    try:
        for place in range(0, len(data), step):
            decoder.receive_data(data[place : place + step])
            while (event := decoder.next_event()) is not None:
                found.append(event)
            assert len(decoder._buffer) <= step + MAX_MESSAGE, "more is kept than one message"
    except FrameError as error:
        found.append((CloseCode(error.code), str(error)))
    messages = [one.data for one in found if isinstance(one, Message)]
    assert all(len(message) <= MAX_MESSAGE for message in messages)
    return found, messages


FUZZ = Fuzz(
    "websocket",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=(
        "softswitch/transport/websocket/frames.py", "softswitch/transport/websocket/opening.py",
    ),
    most_seconds=MAX_SECONDS,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
