"""Messages out of a byte stream (RFC 3261 section 18.3, RFC 5626 section 3.5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import StreamError
from softswitch.sip.message import MAX_BODY_BYTES
from softswitch.sip.stream import MAX_HEAD_BYTES, PING, Ping, StreamDecoder

NEEDED = (
    b"Via: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
)


def message(lines: bytes = b"Content-Length: 0\r\n", body: bytes = b"") -> bytes:
    return b"OPTIONS sip:c@d SIP/2.0\r\n" + NEEDED + lines + b"\r\n" + body


def drain(decoder: StreamDecoder) -> list[bytes | Ping]:
    taken = []
    while (one := decoder.next_message()) is not None:
        taken.append(one)
    return taken


def decode(data: bytes) -> list[bytes | Ping]:
    decoder = StreamDecoder()
    decoder.receive_data(data)
    return drain(decoder)


def fault(data: bytes) -> StreamError:
    decoder = StreamDecoder()
    decoder.receive_data(data)
    with pytest.raises(StreamError) as caught:
        drain(decoder)
    return caught.value


WITH_BODY = message(b"l : 5\r\n", b"v=0\r\n")
FOLDED = message(b"Content-Length:\r\n 5 \r\n", b"v=0\r\n")
BARE = message(b"CONTENT-LENGTH: 5\r\n").replace(b"\r\n", b"\n") + b"v=0\r\n"


@pytest.mark.parametrize("data", [message(), WITH_BODY, FOLDED, BARE])
def test_a_message_is_cut_out(data: bytes) -> None:
    assert decode(data + data[:30]) == [data]


def test_several_messages_in_one_read_come_out_in_order() -> None:
    assert decode(WITH_BODY + message() + FOLDED) == [WITH_BODY, message(), FOLDED]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_it_does_not_matter_how_the_stream_is_cut(steps: list[int]) -> None:
    data = b"\r\n" + WITH_BODY + b"\r\n\r\n" + FOLDED + b"\n\r" + BARE + message()
    decoder = StreamDecoder()
    taken: list[bytes | Ping] = []
    position = 0
    for step in [*steps, len(data)]:
        decoder.receive_data(data[position : position + step])
        position += step
        taken += drain(decoder)

    assert taken == [WITH_BODY, PING, FOLDED, BARE, message()]
    assert decoder.buffered == 0


def test_a_double_line_break_between_messages_is_a_ping() -> None:
    assert decode(b"\r\n\r\n" + message() + b"\r\n\r\n\r\n\r\n") == [PING, message(), PING, PING]
    assert repr(PING) == "Ping()"


def test_a_ping_may_come_byte_by_byte() -> None:
    decoder = StreamDecoder()
    for byte in (b"\r", b"\n", b"\r"):
        decoder.receive_data(byte)
        assert decoder.next_message() is None
    decoder.receive_data(b"\n")

    assert decoder.next_message() is PING
    assert decoder.next_message() is None


def test_other_line_breaks_between_messages_are_dropped() -> None:
    assert decode(b"\r\n\n" + message() + b"\n\r\n" + message()) == [message(), message()]


def test_line_breaks_alone_do_not_pile_up() -> None:
    decoder = StreamDecoder()
    for _ in range(1000):
        decoder.receive_data(b"\n\n\n")
        assert decoder.next_message() is None

    assert decoder.buffered == 0


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b"", "missing-content-length"),
        (b"l: -1\r\n", "bad-content-length"),
        (b"l: five\r\n", "bad-content-length"),
        (b"l:\r\n", "bad-content-length"),
        (b"l: " + b"9" * 30 + b"\r\n", "bad-content-length"),
        (b"l: 5\r\nContent-Length: 6\r\n", "bad-content-length"),
    ],
)
def test_without_a_length_the_stream_is_lost_but_answered(lines: bytes, reason: str) -> None:
    """RFC 4475 3.1.2.3: "the framing error is not recoverable, and the connection should be
    closed".
    """
    error = fault(message(lines))

    assert (error.reason, error.status_hint) == (reason, 400)
    assert error.message is not None
    assert error.message.call_id == "1"


def test_the_same_length_twice_is_one() -> None:
    data = message(b"l: 5\r\nContent-Length: 5\r\n", b"v=0\r\n")

    assert decode(data) == [data]


def test_a_body_that_is_too_large_is_answered_with_413() -> None:
    error = fault(message(b"l: %d\r\n" % (MAX_BODY_BYTES + 1)))

    assert (error.reason, error.status_hint) == ("body-too-large", 413)
    assert error.message is not None


def test_the_largest_body_is_waited_for() -> None:
    data = message(b"l: %d\r\n" % MAX_BODY_BYTES, b"z" * MAX_BODY_BYTES)

    assert decode(data) == [data]


def test_a_head_that_is_too_large_is_answered_with_513() -> None:
    error = fault(message(b"X: %b\r\n" % (b"y" * 8000) * 5 + b"l: 0\r\n"))

    assert (error.reason, error.status_hint) == ("head-too-large", 513)
    assert error.message is not None


def test_a_head_that_never_ends_is_not_waited_for() -> None:
    decoder = StreamDecoder()
    while decoder.buffered <= MAX_HEAD_BYTES - 8:
        decoder.receive_data(b"abcdefgh")
        assert decoder.next_message() is None
    decoder.receive_data(b"abcdefgh")
    with pytest.raises(StreamError) as caught:
        decoder.next_message()

    assert (caught.value.reason, caught.value.status_hint) == ("head-too-large", 513)
    assert caught.value.message is None


def test_a_response_that_cannot_be_framed_carries_no_request() -> None:
    assert fault(b"SIP/2.0 200 OK\r\n" + NEEDED + b"\r\n").message is None


def test_what_is_no_sip_at_all_is_a_fault_without_request() -> None:
    error = fault(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert error.message is None


def test_a_header_line_inside_another_is_not_taken_for_the_length() -> None:
    data = message(b"Subject: x\r\n l: 9\r\nX-l: 7\r\nl: 0\r\n")

    assert decode(data) == [data]
