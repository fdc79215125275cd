"""Header of a WAV file of two channels at 8 kHz, 16-bit PCM or mu-law (RIFF, Microsoft and IBM
1991; the mu-law form has the extension field and the `fact` chunk that non-PCM forms need)."""

from __future__ import annotations

import struct

from media import SAMPLE_RATE
from media.recording.jobs import SampleFormat

__all__ = ["HEAD_BYTES", "MAX_DATA_BYTES", "format_of", "frame_bytes", "header", "mended"]

CHANNELS = 2
UNKNOWN = 0xFFFFFFFF
"""Size of what is still being written; readers take it for "to the end"."""
MAX_DATA_BYTES = 0xFFFFFFFF - 4096
"""Sizes have 32 bits: 37 hours of PCM, 74 of mu-law."""
HEAD_BYTES = 64
"""Enough of a file for either header."""
_PCM, _ULAW = 1, 7
_WIDTHS: dict[SampleFormat, int] = {"pcm": 2, "ulaw": 1}


def frame_bytes(sample_format: SampleFormat) -> int:
    """Bytes of one sample of both channels."""
    return CHANNELS * _WIDTHS[sample_format]


def header(sample_format: SampleFormat, data_bytes: int | None = None) -> bytes:
    """What stands before the samples; None where their number is not known yet."""
    block = frame_bytes(sample_format)
    tag = _PCM if sample_format == "pcm" else _ULAW
    form = struct.pack(
        "<HHIIHH", tag, CHANNELS, SAMPLE_RATE, SAMPLE_RATE * block, block, block * 8 // CHANNELS
    )
    fact = b""
    if sample_format == "ulaw":
        form += struct.pack("<H", 0)
        frames = UNKNOWN if data_bytes is None else data_bytes // block
        fact = struct.pack("<4sII", b"fact", 4, frames)
    chunks = b"WAVE" + struct.pack("<4sI", b"fmt ", len(form)) + form + fact
    whole = UNKNOWN if data_bytes is None else len(chunks) + 8 + data_bytes
    size = UNKNOWN if data_bytes is None else data_bytes
    return struct.pack("<4sI", b"RIFF", whole) + chunks + struct.pack("<4sI", b"data", size)


def format_of(start: bytes) -> SampleFormat:
    """What the header says of the samples; PCM is the only other form there is."""
    return "ulaw" if start[20:22] == struct.pack("<H", _ULAW) else "pcm"


def mended(start: bytes, file_bytes: int) -> tuple[bytes, int] | None:
    """The header of a file that was left in the middle, and how many bytes of the file count.

    `start` is how the file begins. None when it is none of ours.
    """
    sample_format = format_of(start)
    length = len(header(sample_format))
    if file_bytes < length or not _same_but_sizes(start[:length], sample_format):
        return None
    data = file_bytes - length
    data -= data % frame_bytes(sample_format)
    return header(sample_format, data), length + data


def _same_but_sizes(start: bytes, sample_format: SampleFormat) -> bool:
    ours = header(sample_format)
    end = len(ours) - (8 if sample_format == "pcm" else 12)
    same = start[:4] == ours[:4] and start[8:end] == ours[8:end]
    return same and start[-8:-4] == b"data"
