"""Frames of a client, whole and in pieces: only masked ones get to the reader."""

from __future__ import annotations

import random

import pytest

from softswitch.control.masked import Masked

BROKEN = b"\xf0\x80"


class Reader:
    def __init__(self) -> None:
        self.fed = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.fed += data
        return BROKEN in data, b""

    def feed_eof(self) -> None:
        self.fed += b"end"


def frame(payload: bytes, *, masked: bool = True) -> bytes:
    mask, size = (0x80, b"mask") if masked else (0, b"")
    if len(payload) < 126:
        length = bytes((mask | len(payload),))
    elif len(payload) < 1 << 16:
        length = bytes((mask | 126,)) + len(payload).to_bytes(2)
    else:
        length = bytes((mask | 127,)) + len(payload).to_bytes(8)
    return b"\x81" + length + size + payload


GOOD = b"".join(frame(b"\x01" * size) for size in (0, 1, 125, 126, 65_535, 65_536, 3))


@pytest.mark.parametrize("seed", range(5))
def test_masked_frames_pass_as_they_are_however_they_are_cut(seed: int) -> None:
    chance, reader = random.Random(seed), Reader()
    masked, at = Masked(reader), 0
    while at < len(GOOD):
        size = chance.choice((1, 2, 3, 7, 1000, 60_000))
        assert masked.feed_data(GOOD[at : at + size]) == (False, b"")
        at += size
    masked.feed_eof()
    assert reader.fed == GOOD + b"end"


@pytest.mark.parametrize("size", [1, 2, 5, 100_000, 1_000_000])
def test_one_that_is_not_masked_breaks_the_protocol_after_those_before(size: int) -> None:
    reader = Reader()
    masked, stream, over = Masked(reader), GOOD + frame(b"x" * 200, masked=False), False
    for at in range(0, len(stream), size):
        over, _ = masked.feed_data(stream[at : at + size])
        if over:
            break
    assert reader.fed == GOOD + BROKEN
