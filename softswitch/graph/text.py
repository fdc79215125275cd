"""How wide text is, and where it breaks: estimates for a common sans-serif face, on the wide side.

An SVG is drawn by whatever font the reader has; boxes are cut for a wide one (Verdana, DejaVu
Sans), so that no text leaves its box. Knows no box.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["width", "wrap"]

_NARROW = frozenset("iljtfrI.,:;'|!()[]{} `·/\\\"")
_WIDE = frozenset("mwMW@%—…→“”+=<>~_&ABCDGHKNOQRUVXYZ#")

MAX_TEXT = 600
"""Characters of one text that are looked at; no box shows more."""


@lru_cache(maxsize=4096)
def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if character in _NARROW:
        return 0.42
    if character in _WIDE or unicodedata.east_asian_width(character) in "WF":
        return 1.02
    return 0.66


def width(text: str, size: float) -> float:
    """About how wide a text is at a font size, in the same unit."""
    return size * sum(map(_em, text))


def wrap(text: str, size: float, within: float, most: int) -> list[str]:
    """Break a text into at most so many lines; what is left out ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    words = [piece for word in text[:MAX_TEXT].split() for piece in _pieces(word, size, within)]
    for word in words:
        longer = f"{line} {word}" if line else word
        if width(longer, size) <= within:
            line = longer
            continue
        lines.append(line)
        line = word
    lines.append(line)
    if len(lines) > most or len(text) > MAX_TEXT:
        lines = lines[:most]
        lines[-1] = _cut(lines[-1], size, within)
    return lines


def _pieces(word: str, size: float, within: float) -> list[str]:
    """A word that is wider than a line, in parts."""
    parts = [""]
    for character in word:
        if parts[-1] and width(parts[-1] + character, size) > within:
            parts.append("")
        parts[-1] += character
    return parts


def _cut(line: str, size: float, within: float) -> str:
    while line and width(f"{line}…", size) > within:
        line = line[:-1]
    return f"{line}…"
