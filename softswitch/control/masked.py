"""Sees to it that a client masks its WebSocket frames (RFC 6455 section 5.1). A core.

A frame that is not masked, whose bytes somebody else may have chosen, is put to the reader as one
that breaks the protocol: it closes with 1002, after the frames before.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Masked"]

_BROKEN = b"\xf0\x80"
"""A header with reserved bits: no reader takes it."""

_MASK_SIZE = 4
_LONGER = {126: 2, 127: 8}
"""Bytes of a length that does not fit into the header, by what stands there in its place."""


class Masked:
    """Stands before a reader of frames."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._header = bytearray()
        """Of the frame that begins, as far as it has come."""
        self._skip = 0
        """Bytes until the next frame begins."""
        self._kept = b""
        """The first byte of a frame, until it is seen whether the second says that it is masked."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass on what came, to the first frame that is not masked."""
        at, data, self._kept = len(self._kept), self._kept + data, b""
        while at < len(data):
            if self._skip:
                passed = min(self._skip, len(data) - at)
                self._skip -= passed
                at += passed
                continue
            self._header.append(data[at])
            at += 1
            if len(self._header) == 2 and not self._header[1] & 0x80:
                return self._pass_on(data[: at - 2] + _BROKEN)
            self._end_header()
        if len(self._header) == 1:
            data, self._kept = data[:-1], data[-1:]
        return self._pass_on(data)

    def _end_header(self) -> None:
        if len(self._header) < 2:
            return
        length = self._header[1] & 0x7F
        longer = _LONGER.get(length, 0)
        if len(self._header) < 2 + longer:
            return
        if longer:
            length = int.from_bytes(self._header[2:])
        self._skip = _MASK_SIZE + length
        self._header.clear()

    def _pass_on(self, data: bytes) -> tuple[bool, bytes]:
        over, rest = self._reader.feed_data(data)
        return bool(over), bytes(rest)

    def feed_eof(self) -> None:
        """The connection is over."""
        self._reader.feed_eof()
