"""A page of a fax for tests: rows of black and white, and the TIFF file that a fax machine reads.

The file is the plainest of TIFF 6.0: one strip of one bit a pixel, not compressed. Knows no fax.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

WIDTH = 1728
"""Pixels of a row of a page of A4 (ITU-T T.4)."""
ROW_BYTES = WIDTH // 8
ROWS_AN_INCH = 98
"""The standard resolution; 204 pixels an inch along the row."""

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_ENTRY = struct.Struct("<HHII")


def page(rows: int, *, seed: int = 1) -> list[bytes]:
    """Rows of random runs, 1 is black; every third is left white, as between lines of writing."""
    chooser = random.Random(seed)
    return [bytes(ROW_BYTES) if number % 3 == 2 else _row(chooser) for number in range(rows)]


def _row(chooser: random.Random) -> bytes:
    pixels = ""
    for black in range(1, 40):
        pixels += str(black % 2) * chooser.randrange(3, 150)
    return int(pixels[:WIDTH].ljust(WIDTH, "0"), 2).to_bytes(ROW_BYTES, "big")


def write_tiff(path: Path, rows: Sequence[bytes]) -> None:
    """The rows as a file of one page."""
    data = b"".join(rows)
    tags = [
        (256, _LONG, WIDTH),
        (257, _LONG, len(rows)),
        (258, _SHORT, 1),  # bits of a sample
        (259, _SHORT, 1),  # not compressed
        (262, _SHORT, 0),  # 0 is white
        (266, _SHORT, 1),  # the first pixel is the highest bit
        (273, _LONG, 0),  # where the strip is; known below
        (277, _SHORT, 1),  # samples of a pixel
        (278, _LONG, len(rows)),  # rows of the strip
        (279, _LONG, len(data)),
        (282, _RATIONAL, 0),
        (283, _RATIONAL, 0),
        (296, _SHORT, 2),  # inches
    ]
    ratios_at = 8 + 2 + _ENTRY.size * len(tags) + 4
    where = {282: ratios_at, 283: ratios_at + 8, 273: ratios_at + 16}
    entries = b"".join(
        _ENTRY.pack(tag, kind, 1, where.get(tag, value)) for tag, kind, value in tags
    )
    ratios = struct.pack("<IIII", 204, 1, ROWS_AN_INCH, 1)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    path.write_bytes(head + entries + bytes(4) + ratios + data)
