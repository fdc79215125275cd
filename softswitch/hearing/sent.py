"""What was played to a leg at some time, so that its echo is known for one.

Knows what the leg's player has played; nothing of what echoes are.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from media import SAMPLE_RATE
from media.g711 import Samples
from media.recording.playing import Playing
from media.voice.echo import AHEAD, BEHIND
from softswitch.call.player import Played

__all__ = ["sent_beside"]


def sent_beside(played: Iterable[Played], start_ns: int, length: int) -> Samples | None:
    """What was sent while so many samples were heard from a time on, as long before and after as
    its echo may lie; None when nothing was."""
    first = start_ns * SAMPLE_RATE // 1_000_000_000 - BEHIND
    last = first + BEHIND + length + AHEAD
    sent = np.zeros(last - first, np.int16)
    for one in played:
        place, samples = _playing(one).between(first, last)
        sent[place - first : place - first + len(samples)] = samples
    return sent if sent.any() else None


def _playing(one: Played) -> Playing:
    stop = None if one.until is None else round(one.until * SAMPLE_RATE)
    ulaw = np.frombuffer(one.ulaw, np.uint8)
    return Playing(round(one.since * SAMPLE_RATE), ulaw, one.repeat, stop)
