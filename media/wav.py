"""WAV files in any common form to telephone audio, and telephone audio to WAV files.

The RIFF/WAVE form of Microsoft's and IBM's "Multimedia Programming Interface and Data
Specifications 1.0" and WAVE_FORMAT_EXTENSIBLE: PCM of 8 to 32 bits, IEEE float, mu-law and A-law,
any rate and number of channels up to the limits below. What is wrong with a file is a WavError with
a sentence for the operator. Other containers are not known.
"""

import os
import stat
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.g711 import ALAW_DECODE, ULAW_DECODE, Samples
from media.resample import to_telephone_rate

# Six minutes of 16-bit stereo at 44.1 kHz, half an hour at 8 kHz; a prompt has a few hundred kB.
# Reading needs about four times as much memory for a moment.
MAX_WAV_BYTES = 64 * 1024 * 1024
# Half an hour of telephone audio: 29 MB in the engine's memory, more than any announcement or
# music.
MAX_WAV_SECONDS = 1800
MAX_CHANNELS = 32
MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 384_000
"""The highest that sound cards have; beyond it the filter alone would take seconds."""
# A file has a handful of chunks; one that has thousands of empty ones is made to waste time.
MAX_CHUNKS = 1_000

_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_UNFINISHED = (0, 0xFFFFFFFF)
_FORMAT_NAMES = {2: "ADPCM", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x55: "MP3", 0x161: "WMA"}
# The last 14 bytes of a WAVE_FORMAT_EXTENSIBLE subformat; the first two are a format tag as above.
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")


class WavError(ValueError):
    """A file that cannot be played, and why, in a sentence without the file's name."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """What the `fmt ` chunk says; `width` is bytes a sample of one channel."""

    tag: int
    channels: int
    rate: int
    width: int


def read_wav(path: str | os.PathLike[str]) -> Samples:
    """Read a WAV file as mono int16 at 8 kHz; raises WavError with a clear text."""
    name = os.fspath(path)
    if "\0" in name:
        raise WavError("the file's name has a null character in it")
    try:
        with open(name, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise WavError("this is not a regular file")
            # One byte more than allowed tells a file that is too large from one that just fits.
            data = file.read(MAX_WAV_BYTES + 1)
    except OSError as error:
        raise WavError(f"the file cannot be read: {error.strerror or error}") from error
    return decode_wav(data)


def _open_without_waiting(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def decode_wav(data: bytes) -> Samples:
    """Read the bytes of a WAV file as mono int16 at 8 kHz; raises WavError with a clear text."""
    if len(data) > MAX_WAV_BYTES:
        raise WavError(f"the file is larger than {MAX_WAV_BYTES >> 20} MB")
    form, audio = _read_chunks(data)
    frame_bytes = form.channels * form.width
    frames = len(audio) // frame_bytes
    if frames == 0:
        raise WavError("there is no audio in the file")
    if frames > MAX_WAV_SECONDS * form.rate:
        raise WavError(f"the audio is longer than {MAX_WAV_SECONDS // 60} minutes")
    octets = np.frombuffer(audio, np.uint8, frames * frame_bytes)
    if form.channels == 1 and form.rate == SAMPLE_RATE and form.width <= 2 and form.tag != _FLOAT:
        return _exact_samples(octets, form)
    mono = _mono(octets, form)
    return _to_int16(to_telephone_rate(mono, form.rate))


def _read_chunks(data: bytes) -> tuple[WavFormat, memoryview]:
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        raise WavError(f"this is not a WAV file{_guess(data)}")
    form: WavFormat | None = None
    audio: memoryview | None = None
    view = memoryview(data)
    (whole,) = struct.unpack_from("<I", data, 4)
    unfinished = whole in _UNFINISHED
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data) or (form is not None and audio is not None):
            break
        name, size = struct.unpack_from("<4sI", data, position)
        body = view[position + 8 : position + 8 + size]
        if name == b"fmt ":
            form = _read_format(bytes(body))
        elif name == b"data":
            # Programs that write to a pipe never fill in the sizes: then the data goes to the end.
            to_the_end = size == _UNFINISHED[1] or (size == 0 and unfinished)
            audio = view[position + 8 :] if to_the_end else body
        # Chunks begin at even offsets.
        position += 8 + size + (size & 1)
    if form is None:
        raise WavError("the file has no format chunk")
    if audio is None:
        raise WavError("the file has no audio data")
    return form, audio


def _guess(data: bytes) -> str:
    """What else the file seems to be, for the operator's sake."""
    if not data:
        return ": it is empty"
    if data[:4] == b"RIFX":
        return ": it is a big-endian RIFX file"
    if data[:3] == b"ID3" or data[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return ": it looks like MP3"
    if data[:4] == b"OggS":
        return ": it looks like Ogg"
    if data[:4] == b"fLaC":
        return ": it looks like FLAC"
    return ""


def _read_format(body: bytes) -> WavFormat:
    if len(body) < 16:
        raise WavError("the format chunk is cut short")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        if len(body) < 40 or body[26:40] != _SUBFORMAT_TAIL:
            raise WavError("the audio is in an unknown extensible format")
        (tag,) = struct.unpack_from("<H", body, 24)
    if not 1 <= channels <= MAX_CHANNELS:
        raise WavError(f"the file has {channels} channels (1 to {MAX_CHANNELS} can be read)")
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise WavError(
            f"the sample rate is {rate} Hz ({MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} can be read)"
        )
    width = _sample_width(tag, bits)
    if block != channels * width:
        raise WavError(f"the format chunk contradicts itself (blocks of {block} bytes)")
    return WavFormat(tag, channels, rate, width)


def _sample_width(tag: int, bits: int) -> int:
    widths = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64), _ALAW: (8,), _ULAW: (8,)}.get(tag)
    if widths is None:
        name = _FORMAT_NAMES.get(tag, f"format {tag:#06x}")
        raise WavError(f"the audio is {name}; PCM, float, mu-law and A-law can be read")
    # Odd sizes (12, 20 bits) stand left-justified in the next whole number of bytes.
    rounded = (bits + 7) // 8 * 8
    if rounded not in widths:
        raise WavError(f"samples of {bits} bits cannot be read")
    return rounded // 8


def _exact_samples(octets: NDArray[np.uint8], form: WavFormat) -> Samples:
    """Telephone audio already: nothing is computed that could change a sample."""
    if form.tag == _ULAW:
        return ULAW_DECODE[octets]
    if form.tag == _ALAW:
        return ALAW_DECODE[octets]
    if form.width == 1:
        return ((octets.astype(np.int16) - 128) << 8).astype(np.int16)
    return octets.view("<i2").astype(np.int16)


def _mono(octets: NDArray[np.uint8], form: WavFormat) -> NDArray[np.float32]:
    """All channels averaged, as float32 with int16's range."""
    total = np.zeros(octets.size // (form.channels * form.width), np.float32)
    per_frame = octets.reshape(-1, form.channels, form.width)
    # Channel by channel, so that a large file needs memory for one of them only.
    for channel in range(form.channels):
        total += _channel(np.ascontiguousarray(per_frame[:, channel]).reshape(-1), form)
    return total / np.float32(form.channels)


def _channel(octets: NDArray[np.uint8], form: WavFormat) -> NDArray[np.float32]:
    if form.tag == _FLOAT:
        floats = octets.view(f"<f{form.width}")
        # Full scale is 1.0; infinities and what is not a number would poison the whole filter.
        finite = np.where(np.isfinite(floats), floats, 0.0)
        return (np.clip(finite, -1.0, 1.0) * 32767.0).astype(np.float32)
    if form.width <= 2:
        return _exact_samples(octets, form).astype(np.float32)
    # 24 and 32 bits: the two high bytes as int16, the rest as a fraction.
    triples = octets.reshape(-1, form.width)
    high = np.ascontiguousarray(triples[:, -2:]).reshape(-1).view("<i2").astype(np.float32)
    return high + triples[:, -3].astype(np.float32) / np.float32(256.0)


def _to_int16(samples: NDArray[np.float32]) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def encode_wav(samples: Samples, rate: int = SAMPLE_RATE) -> bytes:
    """The bytes of a 16-bit mono WAV file."""
    body = np.ascontiguousarray(samples, "<i2").tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(body), b"WAVE"),
        *(b"fmt ", 16, _PCM, 1, rate, rate * 2, 2, 16),
        *(b"data", len(body)),
    )
    return header + body


def write_wav(path: str | os.PathLike[str], samples: Samples, rate: int = SAMPLE_RATE) -> None:
    """Write a 16-bit mono WAV file so that no reader ever sees half of it; raises OSError."""
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(encode_wav(samples, rate))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
