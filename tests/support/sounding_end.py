"""An RTP end that speaks a codec: a tone goes out of it, and it says how pure a tone came in.

G.722 is that of the package G722, which is not the product's own, at its full 16 kHz.
"""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Iterator, Sequence

import G722 as REFERENCE
import numpy as np
from numpy.typing import NDArray

from media import g711
from tests.support.rtp_end import DIGITS, FRAME, PCMA, PCMU, Arrival, RtpEnd

G722 = 9
NOISE = 13
OPUS = 96
FAST_DIGITS = 102
NAMES = {PCMU: "PCMU", PCMA: "PCMA", G722: "G722", OPUS: "opus"}
RATES = {PCMU: 8000, PCMA: 8000, G722: 16000, OPUS: 48000}
G722_BITS = 64000
AMPLITUDE = 8000
OPUS_VOIP = 2048


class SoundingEnd(RtpEnd):
    """Sends a tone in packets of 20 ms, all the time."""

    def __init__(self, codec: int = PCMU, *, tone_hz: int = 1000, second_hz: int = 0) -> None:
        self._sound = _tone_frames(codec, tone_hz, second_hz)
        super().__init__(payload_type=codec)

    def describe(
        self, *, ptime: int | None = 20, formats: Sequence[int] = (), attributes: Sequence[str] = ()
    ) -> bytes:
        """A session description of this end's codec, digits, and further static formats."""
        numbers = (self.payload_type, DIGITS, *formats)
        if self.payload_type == OPUS:
            numbers = (OPUS, FAST_DIGITS, *formats)
            attributes = (
                f"a=rtpmap:{OPUS} opus/48000/2",
                f"a=rtpmap:{FAST_DIGITS} telephone-event/48000",
                *attributes,
            )
        lines = [
            "v=0",
            f"o=phone {self.port} 1 IN IP4 {self.host}",
            "s=-",
            f"c=IN IP4 {self.host}",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP {' '.join(map(str, numbers))}",
            *([f"a=rtpmap:{DIGITS} telephone-event/8000"] if DIGITS in numbers else []),
            *([f"a=ptime:{ptime}"] if ptime else []),
            *attributes,
        ]
        return ("\r\n".join(lines) + "\r\n").encode()

    def _send_tick(self, target: tuple[str, int]) -> None:
        super()._send_tick(target)
        if self.payload_type == OPUS:  # its clock is six times that of the others
            self._timestamp = (self._timestamp + 5 * FRAME) & 0xFFFFFFFF

    def _tick(self) -> Iterator[tuple[int, bool, int, bytes]]:
        yield self.payload_type, False, 0, next(self._sound)

    def fall_silent(self, level: int) -> None:
        """Sends one packet of comfort noise (RFC 3389) and nothing more."""
        assert self.target is not None
        self.sending = False
        head = struct.pack("!BBHII", 0x80, NOISE, self._sequence, self._timestamp, self.ssrc)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.rtp.sendto(head + bytes([level]), self.target)

    def speak_again(self, after_seconds: float) -> None:
        """Goes on as if the silence had lasted so long."""
        self._timestamp = (self._timestamp + round(after_seconds * 8000)) & 0xFFFFFFFF
        self.sending = True


class Opus:
    """libopus at 48 kHz, with a coder and a decoder that end with the process."""

    def __init__(self) -> None:
        library = ctypes.CDLL("libopus.so.0")
        for name in ("opus_encoder_create", "opus_decoder_create"):
            getattr(library, name).restype = ctypes.c_void_p
        error = ctypes.c_int()
        self._library = library
        self._encoder = ctypes.c_void_p(
            library.opus_encoder_create(48000, 1, OPUS_VOIP, ctypes.byref(error))
        )
        self._decoder = ctypes.c_void_p(library.opus_decoder_create(48000, 1, ctypes.byref(error)))

    def encode(self, samples: Sequence[int]) -> bytes:
        """One frame."""
        out = ctypes.create_string_buffer(1500)
        sound = np.array(samples, np.int16).tobytes()
        length = self._library.opus_encode(self._encoder, sound, len(samples), out, len(out))
        assert length > 0
        return out.raw[:length]

    def decode(self, payload: bytes) -> NDArray[np.float64]:
        """One packet."""
        out = ctypes.create_string_buffer(2 * 5760)
        count = self._library.opus_decode(self._decoder, payload, len(payload), out, 5760, 0)
        assert count > 0
        return np.frombuffer(out.raw[: 2 * count], np.int16).astype(np.float64)


def _tone_frames(codec: int, tone_hz: int, second_hz: int) -> Iterator[bytes]:
    rate, at = RATES[codec], 0
    encoder = Opus() if codec == OPUS else REFERENCE.G722(16000, G722_BITS)
    count = rate // 50
    while True:
        steps = np.arange(at, at + count) * (2 * math.pi / rate)
        sound = np.sin(steps * tone_hz) + (np.sin(steps * second_hz) if second_hz else 0)
        samples = np.rint(AMPLITUDE * sound).astype(np.int16)
        at += count
        if codec in (G722, OPUS):
            yield bytes(encoder.encode(samples.tolist()))
        else:
            yield g711.encode(samples, "PCMA" if codec == PCMA else "PCMU")


def sound_of(arrivals: Sequence[Arrival], codec: int) -> NDArray[np.float64]:
    """What came, decoded, in order of arrival."""
    if codec == OPUS:
        decoder = Opus()
        return np.concatenate([decoder.decode(one.payload) for one in arrivals])
    payload = b"".join(one.payload for one in arrivals if one.payload_type == codec)
    if codec == G722:
        return np.array(REFERENCE.G722(RATES[codec], G722_BITS).decode(payload), np.float64)
    return g711.decode(payload, "PCMA" if codec == PCMA else "PCMU").astype(np.float64)


def purity_db(sound: NDArray[np.float64], codec: int, tone_hz: int = 1000) -> float:
    """How much stronger a tone is than all else."""
    steps = np.arange(len(sound)) * (2 * math.pi * tone_hz / RATES[codec])
    basis = np.stack([np.sin(steps), np.cos(steps)], axis=1)
    parts, *_ = np.linalg.lstsq(basis, sound, rcond=None)
    tone = basis @ parts
    rest = sound - tone
    return float(10 * np.log10((tone @ tone + 1e-9) / (rest @ rest + 1e-9)))


def level_db(sound: NDArray[np.float64]) -> float:
    """Its power below that of a square wave of full scale."""
    return float(10 * np.log10(np.mean(sound**2) / 32768**2 + 1e-12))


def samples_of(milliseconds: int) -> int:
    """Octets of a packet, in each of the three codecs."""
    return FRAME * milliseconds // 20
