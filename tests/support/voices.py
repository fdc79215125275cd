"""People for tests: texts spoken by an installed voice, as telephones send them.

The voice is the one of the `speech` extra; what it says is made here and now, nothing is kept on
disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from media import g711
from media.g711 import Samples
from media.level import to_telephone_speech
from media.speech.engines import Sound, find_engine, load_engine
from media.tones import Segment, Tone, render

__all__ = ["calling_fax", "has_voice", "quiet", "say", "spoken"]


def has_voice() -> bool:
    """Whether the voice is installed."""
    return find_engine("hibari")


@cache
def _voice() -> Callable[[str], Sound]:
    return load_engine("hibari", deadline_seconds=30.0)


@cache
def spoken(text: str) -> Samples:
    """A text, spoken: int16 at 8 kHz."""
    return to_telephone_speech(*_voice()(text))


def say(text: str, *, pause: float = 0.0) -> bytes:
    """A text as mu-law, after a pause of so many seconds."""
    return quiet(pause) + g711.encode(spoken(text))


def quiet(seconds: float) -> bytes:
    """Silence as mu-law."""
    return g711.encode(np.zeros(round(seconds * 8000), np.int16))


def calling_fax(bursts: int = 3) -> bytes:
    """What a calling fax machine sends: 1100 Hz, half a second on, three off (T.30 section 4)."""
    burst = render(Tone((Segment((1100.0,), 500), Segment((), 3000))))
    return g711.encode(burst) * bursts
