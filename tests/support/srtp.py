"""SRTP and SRTCP written down from RFC 3711, for tests: AES in counter mode with HMAC-SHA1.

Shares nothing with what the engine uses (libsrtp2). Slow and plain; one instance is one direction
under one master key, and keeps the rollover counter of each SSRC.
"""

from __future__ import annotations

import hmac
from functools import cache

import pytest

from rtp.engine import has_srtp

needs_srtp = pytest.mark.skipif(not has_srtp(), reason="libsrtp2 is not installed")

SUITES = {"AES_CM_128_HMAC_SHA1_80": 10, "AES_CM_128_HMAC_SHA1_32": 4}
"""Octets of the tag of RTP."""
RTCP_TAG = 10
"""RFC 4568 6.2: with either suite."""


class NotAuthentic(Exception):
    """A tag that is not that of the packet under this key."""


# AES-128, encryption only (FIPS 197).


def _times_two(octet: int) -> int:
    return (octet << 1) ^ (0x11B if octet & 0x80 else 0)


@cache
def _substitutes() -> bytes:
    """The S-box: the inverse in GF(2^8), then an affine map."""
    table = bytearray(256)
    p = q = 1
    while True:
        p ^= _times_two(p)  # times three: runs through all but zero
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        turned = q
        for bits in range(1, 5):
            turned ^= (q << bits | q >> (8 - bits)) & 0xFF
        table[p] = turned ^ 0x63
        if p == 1:
            break
    table[0] = 0x63
    return bytes(table)


@cache
def _columns() -> tuple[tuple[int, ...], ...]:
    """Substitution and mixing of one octet at each place of a column, as a word."""
    tables = []
    for place in range(4):
        words = []
        for octet in _substitutes():
            two = _times_two(octet)
            column = [two, octet, octet, two ^ octet]
            turned = column[-place:] + column[:-place] if place else column
            words.append(int.from_bytes(bytes(turned), "big"))
        tables.append(tuple(words))
    return tuple(tables)


class Aes:
    """One key; `block` encrypts 16 octets."""

    def __init__(self, key: bytes) -> None:
        box = _substitutes()
        words = [int.from_bytes(key[i : i + 4], "big") for i in range(0, 16, 4)]
        constant = 1
        for i in range(4, 44):
            word = words[-1]
            if i % 4 == 0:
                turned = ((word << 8) | (word >> 24)) & 0xFFFFFFFF
                word = int.from_bytes(bytes(box[o] for o in turned.to_bytes(4, "big")), "big")
                word ^= constant << 24
                constant = _times_two(constant)
            words.append(words[i - 4] ^ word)
        self._words = words

    def block(self, data: bytes) -> bytes:
        words, (t0, t1, t2, t3) = self._words, _columns()
        s = [int.from_bytes(data[i : i + 4], "big") ^ words[i // 4] for i in range(0, 16, 4)]
        for turn in range(4, 40, 4):
            s = [
                t0[s[i] >> 24]
                ^ t1[s[(i + 1) % 4] >> 16 & 255]
                ^ t2[s[(i + 2) % 4] >> 8 & 255]
                ^ t3[s[(i + 3) % 4] & 255]
                ^ words[turn + i]
                for i in range(4)
            ]
        box = _substitutes()
        last = b""
        for i in range(4):
            octets = bytes(box[s[(i + place) % 4] >> (24 - 8 * place) & 255] for place in range(4))
            last += (int.from_bytes(octets, "big") ^ words[40 + i]).to_bytes(4, "big")
        return last


def key_stream(aes: Aes, start: int, length: int) -> bytes:
    """RFC 3711 4.1.1: the counters from `start`, encrypted."""
    blocks = range((length + 15) // 16)
    return b"".join(aes.block((start + i).to_bytes(16, "big")) for i in blocks)[:length]


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """RFC 3711 4.3.1, with a key derivation rate of zero."""
    start = int.from_bytes(master_salt, "big") ^ (label << 48)
    return key_stream(Aes(master_key), start << 16, length)


def _xor(data: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))


def _payload_at(packet: bytes) -> int:
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return at


class Direction:
    """What is sent under one master key and salt (30 octets)."""

    def __init__(self, suite: str, key: bytes) -> None:
        master, salt = key[:16], key[16:]
        assert len(salt) == 14
        self._tag = SUITES[suite]
        self._rtp = Aes(derive(master, salt, 0, 16))
        self._rtp_secret = derive(master, salt, 1, 20)
        self._rtp_salt = int.from_bytes(derive(master, salt, 2, 14), "big")
        self._rtcp = Aes(derive(master, salt, 3, 16))
        self._rtcp_secret = derive(master, salt, 4, 20)
        self._rtcp_salt = int.from_bytes(derive(master, salt, 5, 14), "big")
        self._highest: dict[int, int] = {}
        """The highest index of each SSRC."""
        self.rtcp_index = 0

    def _index(self, ssrc: int, sequence: int) -> int:
        """RFC 3711 3.3.1: the index that is nearest to the highest so far."""
        highest = self._highest.get(ssrc, sequence)
        around = highest >> 16
        guesses = [(rollover << 16) | sequence for rollover in (around - 1, around, around + 1)]
        index = min((g for g in guesses if g >= 0), key=lambda guess: abs(guess - highest))
        self._highest[ssrc] = max(highest, index)
        return index

    def _cipher(self, aes: Aes, salt: int, ssrc: int, index: int, data: bytes) -> bytes:
        start = (salt << 16) ^ (ssrc << 64) ^ (index << 16)
        return _xor(data, key_stream(aes, start, len(data)))

    def _sign(self, packet: bytes, index: int) -> bytes:
        rollover = (index >> 16).to_bytes(4, "big")
        return hmac.digest(self._rtp_secret, packet + rollover, "sha1")[: self._tag]

    def seal(self, packet: bytes) -> bytes:
        ssrc = int.from_bytes(packet[8:12], "big")
        index = self._index(ssrc, int.from_bytes(packet[2:4], "big"))
        at = _payload_at(packet)
        sealed = packet[:at] + self._cipher(self._rtp, self._rtp_salt, ssrc, index, packet[at:])
        return sealed + self._sign(sealed, index)

    def open(self, packet: bytes) -> bytes:
        sealed, tag = packet[: -self._tag], packet[-self._tag :]
        ssrc = int.from_bytes(sealed[8:12], "big")
        index = self._index(ssrc, int.from_bytes(sealed[2:4], "big"))
        if not hmac.compare_digest(tag, self._sign(sealed, index)):
            raise NotAuthentic
        at = _payload_at(sealed)
        return sealed[:at] + self._cipher(self._rtp, self._rtp_salt, ssrc, index, sealed[at:])

    def seal_rtcp(self, packet: bytes) -> bytes:
        ssrc, self.rtcp_index = int.from_bytes(packet[4:8], "big"), self.rtcp_index + 1
        index = self.rtcp_index
        body = self._cipher(self._rtcp, self._rtcp_salt, ssrc, index, packet[8:])
        sealed = packet[:8] + body + (1 << 31 | index).to_bytes(4, "big")
        return sealed + hmac.digest(self._rtcp_secret, sealed, "sha1")[:RTCP_TAG]

    def open_rtcp(self, packet: bytes) -> bytes:
        sealed, tag = packet[:-RTCP_TAG], packet[-RTCP_TAG:]
        if not hmac.compare_digest(tag, hmac.digest(self._rtcp_secret, sealed, "sha1")[:RTCP_TAG]):
            raise NotAuthentic
        ssrc = int.from_bytes(sealed[4:8], "big")
        encrypted_and_index = int.from_bytes(sealed[-4:], "big")
        assert encrypted_and_index >> 31, "sent in the clear"
        index = encrypted_and_index & 0x7FFFFFFF
        return sealed[:8] + self._cipher(self._rtcp, self._rtcp_salt, ssrc, index, sealed[8:-4])
