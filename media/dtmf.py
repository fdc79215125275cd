"""Push-button tones rendered: ITU-T Q.23 (the frequencies), Q.24 (levels and lengths).

Who presses a key, and towards whom, is not known here.
"""

from typing import Final

from media.g711 import Samples
from media.tones import Segment, Tone
from media.tones import render as render_tone

__all__ = ["DIGITS", "render"]

_LOW: Final = (697.0, 770.0, 852.0, 941.0)
_HIGH: Final = (1209.0, 1336.0, 1477.0, 1633.0)
_ROWS: Final = ("123A", "456B", "789C", "*0#D")

FREQUENCIES: Final = {
    digit: (low, high)
    for row, low in zip(_ROWS, _LOW, strict=True)
    for digit, high in zip(row, _HIGH, strict=True)
}
"""The two frequencies of each key in Hz (Q.23 table 1)."""

DIGITS: Final = frozenset(FREQUENCIES)

LEVEL_DBM0: Final = -5.0
"""Of both frequencies together: each at -8, in the middle of what Q.24 has receivers take."""


def render(digits: str, *, seconds: float = 0.1, gap: float = 0.06) -> Samples:
    """The tones of these keys as int16 at 8 kHz, each followed by its gap; raises KeyError."""
    on, off = round(seconds * 1000), round(gap * 1000)
    segments: list[Segment] = []
    for digit in digits:
        segments += (Segment(FREQUENCIES[digit], on), Segment((), off))
    return render_tone(Tone(tuple(segments)), level_dbm0=LEVEL_DBM0)
