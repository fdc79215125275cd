"""Frames of a WebSocket: what is read whatever way it is cut, and what closes the connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.transport.websocket.frames import (
    MAX_FRAGMENTS,
    CloseCode,
    Closing,
    FrameDecoder,
    FrameError,
    Message,
    Opcode,
    Ping,
    Pong,
    closing_frame,
    frame,
    message_frame,
)
from tests.support import websocket as peer

LIMIT = 65_535


def events(data: bytes, *, limit: int = LIMIT, step: int = 0) -> list[object]:
    """What comes of bytes that arrive together, or so many at a time."""
    decoder = FrameDecoder(limit)
    found: list[object] = []
    for place in range(0, len(data), step or max(len(data), 1)):
        decoder.receive_data(data[place : place + step] if step else data)
        while (event := decoder.next_event()) is not None:
            found.append(event)
    assert not decoder.begun
    return found


def error(data: bytes, *, limit: int = LIMIT) -> FrameError:
    decoder = FrameDecoder(limit)
    decoder.receive_data(data)
    with pytest.raises(FrameError) as raised:
        list(iter(decoder.next_event, None))
    return raised.value


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), min_size=1, max_size=5),
    st.integers(1, 40),
)
def test_messages_are_whole_however_the_stream_is_cut(
    sent: list[tuple[int, bytes]], step: int
) -> None:
    texts = [
        (kind, data.decode("latin-1").encode() if kind == peer.TEXT else data)
        for kind, data in sent
    ]
    stream = b"".join(peer.frame(kind, data) for kind, data in texts)
    assert events(stream, step=step) == [Message(data) for _, data in texts]


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=8), st.integers(1, 30))
def test_fragments_are_put_together_with_control_frames_in_between(
    parts: list[bytes], step: int
) -> None:
    stream = b""
    for number, part in enumerate(parts):
        kind = peer.BINARY if number == 0 else 0
        stream += peer.frame(kind, part, final=number == len(parts) - 1)
        if number < len(parts) - 1:
            stream += peer.frame(peer.PING, bytes([number]))
    pings: list[object] = [Ping(bytes([number])) for number in range(len(parts) - 1)]
    assert events(stream, step=step) == [*pings, Message(b"".join(parts))]


@given(st.binary(max_size=400), st.integers(1, 9))
def test_noise_is_an_event_or_an_error_and_nothing_else(data: bytes, step: int) -> None:
    decoder = FrameDecoder(LIMIT)
    broken: FrameError | None = None
    try:
        for place in range(0, len(data), step):
            decoder.receive_data(data[place : place + step])
            list(iter(decoder.next_event, None))
    except FrameError as raised:
        broken = raised
    assert broken is None or (broken.code in CloseCode and str(broken).isprintable())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535])
def test_lengths_of_every_form_are_read_and_written(size: int) -> None:
    data = b"x" * size
    assert events(peer.frame(peer.TEXT, data)) == [Message(data)]
    assert peer.taken(message_frame(data)) == ([(peer.TEXT, data)], b"")


def test_what_is_longer_than_we_take_is_written_all_the_same() -> None:
    data = b"x" * 70_000
    assert peer.taken(frame(Opcode.BINARY, data)) == ([(peer.BINARY, data)], b"")


def test_what_is_no_text_goes_as_binary() -> None:
    assert peer.taken(message_frame("grüße".encode()))[0][0][0] == peer.TEXT
    assert peer.taken(message_frame("grüße".encode("latin-1")))[0][0][0] == peer.BINARY


def test_control_frames_are_told_apart() -> None:
    stream = peer.frame(peer.PING, b"a") + peer.frame(peer.PONG, b"b") + peer.frame(peer.CLOSE)
    assert events(stream) == [Ping(b"a"), Pong(b"b"), Closing(0)]
    close = peer.frame(peer.CLOSE, (1000).to_bytes(2) + "tschüß".encode())
    assert events(close) == [Closing(1000)]
    assert peer.taken(closing_frame(1001) + closing_frame(0))[0] == [(8, b"\x03\xe9"), (8, b"")]


def test_a_frame_without_a_mask_is_refused_before_its_bytes_are_there() -> None:
    """RFC 6455 section 5.1: "The server MUST close the connection"."""
    for data in (peer.frame(peer.TEXT, b"INVITE", masked=False), b"\x81\x7e"):
        assert error(data).code == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "data",
    [
        peer.frame(peer.TEXT, b"x", first=0x40),
        peer.frame(peer.TEXT, b"x", first=0x10),
        peer.frame(3, b"x"),
        peer.frame(0xB, b"x"),
        peer.frame(peer.PING, b"x" * 126),
        peer.frame(peer.PING, b"x", final=False),
        peer.frame(peer.CLOSE, b"x"),
        peer.frame(peer.CLOSE, (1005).to_bytes(2)),
        peer.frame(peer.CLOSE, (999).to_bytes(2)),
        peer.frame(peer.CLOSE, (5000).to_bytes(2)),
        peer.frame(0, b"a fragment of nothing"),
        peer.frame(peer.TEXT, b"a", final=False) + peer.frame(peer.TEXT, b"b"),
        # Lengths that are longer than they have to be.
        b"\x81\xfe\x00\x7d" + b"\0" * 4,
        b"\x81\xff" + (65_535).to_bytes(8) + b"\0" * 4,
    ],
)
def test_what_breaks_the_protocol_closes_with_1002(data: bytes) -> None:
    assert error(data).code == CloseCode.PROTOCOL_ERROR


def test_a_reserved_bit_is_refused_with_the_first_byte() -> None:
    assert error(b"\xc1").code == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("length", [101, 1 << 20, 1 << 62, (1 << 64) - 1])
def test_a_length_that_is_too_much_is_refused_with_its_header(length: int) -> None:
    short = bytes([0x80 | length]) if length < 126 else b"\xff" + length.to_bytes(8)
    assert error(b"\x82" + short, limit=100).code == CloseCode.TOO_BIG


def test_fragments_have_one_limit_together_and_a_number() -> None:
    two = peer.frame(peer.BINARY, b"x" * 60, final=False) + peer.frame(0, b"x" * 41)
    assert error(two, limit=100).code == CloseCode.TOO_BIG
    begin = peer.frame(peer.BINARY, b"", final=False)
    fits = begin + peer.frame(0, b"", final=False) * (MAX_FRAGMENTS - 2) + peer.frame(0, b"")
    assert events(fits) == [Message(b"")]
    assert error(begin + peer.frame(0, b"", final=False) * MAX_FRAGMENTS).code == CloseCode.TOO_BIG


def test_text_has_to_be_utf_8_also_across_fragments() -> None:
    """RFC 6455 section 8.1."""
    text = "ü".encode()
    halves = peer.frame(peer.TEXT, text[:1], final=False) + peer.frame(0, text[1:])
    assert events(halves) == [Message(text)]
    for data in (
        peer.frame(peer.TEXT, b"\xff"),
        peer.frame(peer.TEXT, text[:1], final=False) + peer.frame(0, b"x"),
        peer.frame(peer.CLOSE, (1000).to_bytes(2) + b"\xff"),
    ):
        assert error(data).code == CloseCode.BAD_DATA


def test_it_says_what_has_begun() -> None:
    decoder = FrameDecoder(LIMIT)
    stream = peer.frame(peer.TEXT, b"ab", final=False) + peer.frame(0, b"c")
    assert not decoder.begun
    for place in range(len(stream)):
        decoder.receive_data(stream[place : place + 1])
        is_last = place == len(stream) - 1
        assert decoder.next_event() == (Message(b"abc") if is_last else None)
        assert decoder.begun != is_last
