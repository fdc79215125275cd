"""Sound for tapes: blocks of a sender with a clock of its own, and what is in a stereo file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.g711 import ULAW_DECODE, Samples
from media.recording import LEFT, Block

FRAME = 160
SAMPLE_NS = 125_000


def clicks(samples: int, every: int, *, first: int = 0) -> Samples:
    """Silence with a loud click of four samples every so many."""
    sound = np.zeros(samples, np.int16)
    for offset in range(4):
        sound[first + offset :: every] = 20_000
    return sound


def click_places(channel: NDArray[np.int16]) -> NDArray[np.intp]:
    """Where clicks begin."""
    loud = np.abs(channel.astype(np.int32)) > 10_000
    return np.flatnonzero(loud[1:] & ~loud[:-1]) + 1


def block(
    sound: Samples,
    *,
    channel: int = LEFT,
    source: int = 1,
    start_ns: int = 0,
    position: int = 0,
    ppm: float = 0.0,
) -> Block:
    """Whole frames of a sound whose first sample was spoken at `start_ns` by a clock that runs
    `ppm` too fast."""
    count = len(sound) // FRAME
    numbers = np.arange(count) * FRAME
    times = start_ns + np.round(numbers * SAMPLE_NS / (1 + ppm * 1e-6)).astype(np.int64)
    frames = sound[: count * FRAME].reshape(count, FRAME)
    return Block(channel, source, frames, position + numbers, times)


def read_stereo(path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Left and right of a file; asserts that its sizes are those of the file."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    position = 12
    tag = 0
    while True:
        name, size = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            tag, channels, rate = struct.unpack_from("<HHI", body)
            assert (channels, rate) == (2, 8000)
        if name == b"data":
            break
        position += 8 + size
    assert position + 8 + size == len(data)
    octets = np.frombuffer(body, np.uint8)
    samples = ULAW_DECODE[octets] if tag == 7 else octets.view("<i2").astype(np.int16)
    stereo = samples.reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]
