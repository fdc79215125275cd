"""Branches, tags, Call-IDs and random delays: the one place in the SIP core where chance comes in.

RFC 3261 section 19.3: a tag MUST be globally unique and cryptographically random with at least 32
bits of randomness. Bytes are drawn from the system in blocks, because one call needs about ten
identifiers and a system call for each would cost more than parsing a message.
"""

from __future__ import annotations

import os
from collections.abc import Callable

# RFC 3261 section 8.1.1.7: the magic cookie that says "this branch is globally unique".
MAGIC_COOKIE = "z9hG4bK"

# Hexadecimal digits drawn at a time: about 120 identifiers, small enough to stay in the cache.
BLOCK_DIGITS = 2048
TAG_DIGITS = 16
BRANCH_DIGITS = 20
CALL_ID_DIGITS = 32


class Ids:
    """A source of identifiers; tests hand in their own `random_bytes` to repeat a run."""

    __slots__ = ("_block", "_position", "_random_bytes")

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._block = ""
        self._position = 0

    def digits(self, count: int) -> str:
        """Give `count` random hexadecimal digits, at most BLOCK_DIGITS."""
        start = self._position
        end = start + count
        if end > len(self._block):
            self._block = self._random_bytes(BLOCK_DIGITS // 2).hex()
            start, end = 0, count
        self._position = end
        return self._block[start:end]

    def branch(self) -> str:
        """Give a new branch parameter (8.1.1.7)."""
        return MAGIC_COOKIE + self.digits(BRANCH_DIGITS)

    def tag(self) -> str:
        """Give a new tag (19.3): 64 random bits."""
        return self.digits(TAG_DIGITS)

    def call_id(self) -> str:
        """Give a new Call-ID (8.1.1.4): 128 random bits, without our host's name."""
        return self.digits(CALL_ID_DIGITS)

    def number(self, low: int, high: int) -> int:
        """Give a whole number from `low` to `high`, both included, all as likely (within 2^-32)."""
        return low + int(self.digits(12), 16) % (high - low + 1)

    def seconds(self, low: float, high: float) -> float:
        """Give a delay between `low` and `high` in units of 10 ms, as section 14.1 wants it."""
        return self.number(round(low * 100), round(high * 100)) / 100
