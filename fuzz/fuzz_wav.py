"""Mutated WAV files against the reader: nothing but WavError may come out, in bounded time.

`python -m fuzz.fuzz_wav [--seconds 10] [--seed N]`. Whatever is accepted must be mono int16 of a
length that the limits allow, and read the same once written. A finding is printed as a Python
literal.
"""

from __future__ import annotations

import random
import struct
import sys

import numpy as np

from fuzz.drive import drive
from media import SAMPLE_RATE
from media.wav import MAX_WAV_SECONDS, WavError, decode_wav, encode_wav

# The only exception that a file may cause.
ALLOWED = (WavError,)
# Odd sample rates need a filter a phase; generous for a busy machine.
MAX_SECONDS_A_FILE = 5.0

_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def _file(tag: int, channels: int, rate: int, bits: int, audio: bytes, extra: bytes = b"") -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + extra
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"LIST\x03\0\0\0abc\0"
    chunks += b"data" + struct.pack("<I", len(audio)) + audio
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


SEEDS = (
    _file(1, 1, 8000, 16, bytes(range(256)) * 2),
    _file(1, 2, 44100, 24, bytes(range(240)) * 3),
    _file(1, 1, 11025, 8, bytes(range(256))),
    _file(3, 1, 48000, 32, np.linspace(-2, 2, 200, dtype="<f4").tobytes()),
    _file(3, 2, 16000, 64, np.linspace(-2, 2, 200, dtype="<f8").tobytes()),
    _file(7, 1, 8000, 8, bytes(range(256))),
    _file(6, 2, 8000, 8, bytes(range(256))),
    _file(0xFFFE, 1, 8000, 16, bytes(64), struct.pack("<HHIH", 22, 16, 4, 1) + _TAIL),
)
_NUMBERS = (0, 1, 2, 3, 7, 8, 16, 24, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFE, 0xFFFF, 8000, 384_000)
_LONG_NUMBERS = (*_NUMBERS, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change a file in one to four places, most of them in its head."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(min(len(changed), 80)) if changed else 0
        kind = chance.randrange(6)
        if kind == 0:
            changed[place : place + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            changed[place : place + 2] = struct.pack("<H", chance.choice(_NUMBERS) & 0xFFFF)
        elif kind == 2:
            changed[place : place + 4] = struct.pack("<I", chance.choice(_LONG_NUMBERS))
        elif kind == 3:
            del changed[place : place + chance.choice((1, 2, 8))]
        elif kind == 4:
            del changed[chance.randrange(len(changed) + 1) :]
        else:
            changed[place:place] = chance.randbytes(chance.choice((1, 2, 8, 300)))
    return bytes(changed)


def check(data: bytes, _chance: random.Random) -> bool:
    """Read it; whether it was a file. Raises for a finding."""
    try:
        samples = decode_wav(data)
    except ALLOWED:
        return False
    assert samples.dtype == np.int16
    assert samples.ndim == 1
    assert 0 < samples.size <= MAX_WAV_SECONDS * SAMPLE_RATE
    assert np.array_equal(decode_wav(encode_wav(samples)), samples)
    return True


def make(chance: random.Random) -> bytes:
    """A mutated file."""
    return mutate(chance.choice(SEEDS), chance)


if __name__ == "__main__":
    sys.exit(drive(__doc__, make, check, most_seconds=MAX_SECONDS_A_FILE))
