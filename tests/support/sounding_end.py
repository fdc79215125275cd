"""An RTP end that speaks a codec: a tone goes out of it, and it says how pure a tone came in.

G.722 is that of the package G722, which is not the product's own, at its full 16 kHz.
"""

from __future__ import annotations

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
NAMES = {PCMU: "PCMU", PCMA: "PCMA", G722: "G722"}
LAWS = {PCMU: "PCMU", PCMA: "PCMA"}
RATES = {PCMU: 8000, PCMA: 8000, G722: 16000}
G722_BITS = 64000
AMPLITUDE = 8000


class SoundingEnd(RtpEnd):
    """Sends a tone in packets of 20 ms, all the time."""

    def __init__(self, codec: int = PCMU, *, tone_hz: int = 1000) -> None:
        self._sound = _tone_frames(codec, tone_hz)
        super().__init__(payload_type=codec)

    def describe(
        self, *, ptime: int | None = 20, formats: Sequence[int] = (), attributes: Sequence[str] = ()
    ) -> bytes:
        """A session description of this end's codec, digits, and further static formats."""
        numbers = (self.payload_type, DIGITS, *formats)
        lines = [
            "v=0",
            f"o=phone {self.port} 1 IN IP4 {self.host}",
            "s=-",
            f"c=IN IP4 {self.host}",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP {' '.join(map(str, numbers))}",
            f"a=rtpmap:{DIGITS} telephone-event/8000",
            *([f"a=ptime:{ptime}"] if ptime else []),
            *attributes,
        ]
        return ("\r\n".join(lines) + "\r\n").encode()

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


def _tone_frames(codec: int, tone_hz: int) -> Iterator[bytes]:
    encoder = REFERENCE.G722(RATES[codec], G722_BITS)
    rate, at = RATES[codec], 0
    count = rate // 50
    while True:
        steps = np.arange(at, at + count) * (2 * math.pi * tone_hz / rate)
        samples = np.rint(AMPLITUDE * np.sin(steps)).astype(np.int16)
        at += count
        if codec == G722:
            yield bytes(encoder.encode(samples.tolist()))
        else:
            yield g711.encode(samples, "PCMA" if codec == PCMA else "PCMU")


def sound_of(arrivals: Sequence[Arrival], codec: int) -> NDArray[np.float64]:
    """What came, decoded, in order of arrival."""
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
