"""Makes the media that the SIPp scenarios play: G.711 for `rtp_stream`, RTP captures for digits.

`python -m tests.support.media_files DIRECTORY` writes tone.ulaw, key_1.pcap, key_2.pcap and
key_9_four_times.pcap there; run SIPp in that directory. The captures (libpcap's classic format,
Ethernet frames) hold one RTP stream each: quiet audio, and RFC 4733 events whose packets share a
timestamp (section 2.5.1).
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

FRAME = 160
PCMU = 0
DIGITS = 101
_EVENTS = "0123456789*#ABCD"
SSRC = 0x5349_5070


def write_all(directory: Path) -> None:
    """Writes every file that a scenario names."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tone.ulaw").write_bytes(tone(seconds=2.0))
    (directory / "key_1.pcap").write_bytes(capture("1", apart_ms=400))
    (directory / "key_2.pcap").write_bytes(capture("2", apart_ms=400))
    (directory / "key_9_four_times.pcap").write_bytes(capture("9999", apart_ms=500))


def tone(*, seconds: float, hertz: float = 400.0, level: int = 8000) -> bytes:
    """A sine in mu-law."""
    turn = 2 * math.pi * hertz / 8000
    return bytes(
        linear_to_ulaw(round(level * math.sin(turn * i))) for i in range(int(seconds * 8000))
    )


def linear_to_ulaw(sample: int) -> int:
    """One 16-bit sample as a mu-law byte (ITU-T G.711, table 2)."""
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | mantissa) & 0xFF


def capture(digits: str, *, apart_ms: int) -> bytes:
    """A capture of one RTP stream: audio for `apart_ms`, a digit, and so on, audio at the end."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    frames = []
    for sequence, (tick, stamp, payload_type, marker, payload) in enumerate(
        _stream(digits, apart_ms // 20)
    ):
        rtp = struct.pack(
            "!BBHII",
            0x80,
            payload_type | marker << 7,
            1000 + sequence,
            160000 + stamp * FRAME,
            SSRC,
        )
        frame = _ethernet(rtp + payload)
        micros = tick * 20_000
        moment = (micros // 1_000_000, micros % 1_000_000, len(frame), len(frame))
        frames.append(struct.pack("<IIII", *moment) + frame)
    return head + b"".join(frames)


def _stream(digits: str, gap: int) -> Iterator[tuple[int, int, int, bool, bytes]]:
    """Tick, timestamp in ticks, payload type, marker and payload of each packet, in order."""
    quiet = b"\xff" * FRAME
    tick = 0
    for digit in [*digits, ""]:
        for _ in range(gap):
            yield tick, tick, PCMU, False, quiet
            tick += 1
        if digit:
            start = tick
            for step in range(1, 6):
                last = 0x80 if step == 5 else 0
                event = struct.pack("!BBH", _EVENTS.index(digit), last | 10, step * FRAME)
                for _ in range(3 if last else 1):
                    yield tick, start, DIGITS, step == 1, event
                tick += 1


def _ethernet(payload: bytes) -> bytes:
    udp = struct.pack("!HHHH", 10000, 10000, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    return bytes(12) + b"\x08\x00" + ip + bytes([127, 0, 0, 1]) * 2 + udp


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
