"""G.711 mu-law and A-law as look-up tables: bytes <-> int16 samples at 8 kHz.

ITU-T Recommendation G.711 (decision values of tables 1a/1b and 2a/2b), with 16-bit samples read as
ITU-T G.191 does: the top 14 bits for mu-law, the top 13 for A-law, negative values as their one's
complement. Packet loss and comfort noise are not known here.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Law = Literal["PCMU", "PCMA"]

_TOP_BIT = 0x80
# Even bits of an A-law character signal are inverted for the line (G.711 section 3.3, table 1a note
# 2).
_ALAW_INVERTED = 0x55
# mu-law: decision values are segments of powers of two once shifted by 33 (on the 14-bit scale).
_ULAW_BIAS = 33
_ULAW_LARGEST = 8158


def _decode_table_ulaw() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0xFF
    segment = (code >> 4) & 7
    magnitude = (((2 * (code & 15) + _ULAW_BIAS) << segment) - _ULAW_BIAS) * 4
    return np.where(code & _TOP_BIT, -magnitude, magnitude).astype(np.int16)


def _decode_table_alaw() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ _ALAW_INVERTED
    segment = (code >> 4) & 7
    interval = 2 * (code & 15) + 1
    magnitude = np.where(segment == 0, interval, (interval + 32) << np.maximum(segment - 1, 0)) * 8
    return np.where(code & _TOP_BIT, magnitude, -magnitude).astype(np.int16)


def _all_samples() -> NDArray[np.int32]:
    """Every int16, placed where its bits read as uint16 point to."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _segment_of(value: NDArray[np.int32], first_power: int) -> NDArray[np.int32]:
    """How many powers of two, from `first_power` on, a value reaches (0 to 7)."""
    powers = 1 << np.arange(first_power, first_power + 7)
    return np.searchsorted(powers, value, side="right").astype(np.int32)


def _encode_table_ulaw() -> NDArray[np.uint8]:
    sample = _all_samples()
    magnitude = np.minimum(np.where(sample < 0, ~sample, sample) >> 2, _ULAW_LARGEST) + _ULAW_BIAS
    segment = _segment_of(magnitude, 6)
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 15)
    return np.asarray(np.where(sample < 0, code | _TOP_BIT, code) ^ 0xFF, np.uint8)


def _encode_table_alaw() -> NDArray[np.uint8]:
    sample = _all_samples()
    magnitude = np.where(sample < 0, ~sample, sample) >> 3
    segment = _segment_of(magnitude, 5)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 15)
    return np.asarray(np.where(sample < 0, code, code | _TOP_BIT) ^ _ALAW_INVERTED, np.uint8)


ULAW_DECODE = _decode_table_ulaw()
"""[256] int16: sample of each mu-law octet."""
ALAW_DECODE = _decode_table_alaw()
"""[256] int16: sample of each A-law octet."""
ULAW_ENCODE = _encode_table_ulaw()
"""[65536] uint8: mu-law octet of each sample, indexed by the sample's bits as uint16."""
ALAW_ENCODE = _encode_table_alaw()
"""[65536] uint8: A-law octet of each sample, indexed by the sample's bits as uint16."""
ULAW_TO_ALAW = ALAW_ENCODE[ULAW_DECODE.view(np.uint16)]
"""[256] uint8: A-law octet of each mu-law octet, by way of linear samples."""
ALAW_TO_ULAW = ULAW_ENCODE[ALAW_DECODE.view(np.uint16)]
"""[256] uint8: mu-law octet of each A-law octet, by way of linear samples."""

_DECODE: dict[str, Samples] = {"PCMU": ULAW_DECODE, "PCMA": ALAW_DECODE}
_ENCODE: dict[str, NDArray[np.uint8]] = {"PCMU": ULAW_ENCODE, "PCMA": ALAW_ENCODE}

SILENCE: dict[str, int] = {
    law: int(table[0]) for law, table in (("PCMU", ULAW_ENCODE), ("PCMA", ALAW_ENCODE))
}
"""The octet of a zero sample: 0xFF in mu-law, 0xD5 in A-law."""


def decode(data: bytes, law: Law = "PCMU") -> Samples:
    """Octets to samples, one to one."""
    return _DECODE[law][np.frombuffer(data, dtype=np.uint8)]


def encode(samples: Samples, law: Law = "PCMU") -> bytes:
    """Samples (int16) to octets, one to one."""
    return _ENCODE[law][np.ascontiguousarray(samples, dtype=np.int16).view(np.uint16)].tobytes()


def transcode(data: bytes, source: Law, target: Law) -> bytes:
    """Octets of one law to octets of the other."""
    if source == target:
        return data
    table = ULAW_TO_ALAW if source == "PCMU" else ALAW_TO_ULAW
    return table[np.frombuffer(data, dtype=np.uint8)].tobytes()
