"""Stretches of speech: how likely each frame is voice becomes who speaks from when to when.

Two thresholds (a voice that is there may fade), a short onset (a click is no word), a hangover
(the gap within a word is still speech) and a pause that ends a stretch.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.voice.rows import FIRST_ROWS, grown

__all__ = [
    "LEAD_NS",
    "PAUSE_FRAMES",
    "TRAIL_NS",
    "Changes",
    "Stretches",
]

LIKELY: Final = 0.5
"""From here on a frame is voice."""
UNLIKELY: Final = 0.35
"""Below this a voice that was there is gone."""
ONSET_FRAMES: Final = 3
"""So many frames of voice, less those between them that are none, begin a stretch: 60 ms, shorter
than any word and longer than a click."""
HANGOVER_FRAMES: Final = 8
"""Somebody still talks for so long after the last frame of voice: 160 ms, the closure of a plosive
with room."""
PAUSE_FRAMES: Final = 20
"""A pause this long ends a stretch: 400 ms. Shorter ones stand within sentences, and each more is
time that whoever answers a menu waits."""
LEAD_NS: Final = 200_000_000
"""What a stretch has before its first frame of voice: soft consonants that were not told as
voice."""
TRAIL_NS: Final = 120_000_000
"""What it has after its last one."""
FRAME_NS: Final = 20_000_000
STALE_NS: Final = PAUSE_FRAMES * FRAME_NS + 160_000_000
"""A leg from which nothing has come for a pause and the time that late packets are waited for: it
does not send while nobody speaks."""


class Changes(NamedTuple):
    """What one frame of M legs has changed."""

    voiced: NDArray[np.bool_]
    """[M] somebody talks."""
    started: NDArray[np.intp]
    """Rows of the frame in which a stretch has begun."""
    ended: NDArray[np.intp]
    """Rows in which one has ended."""
    spans: NDArray[np.int64]
    """[ended, 2] from when to when those were, without lead and trail."""


class Stretches:
    """Who speaks, of many legs."""

    def __init__(self) -> None:
        self.active = np.zeros(FIRST_ROWS, np.bool_)
        """[rows] the last frame was voice, without any hangover."""
        self.open = np.zeros(FIRST_ROWS, np.bool_)
        """[rows] a stretch is under way."""
        self.voiced = np.zeros(FIRST_ROWS, np.bool_)
        """[rows] somebody talks, hangover included."""
        self.start_ns = np.zeros(FIRST_ROWS, np.int64)
        """[rows] first voice of the stretch, without lead."""
        self.end_ns = np.zeros(FIRST_ROWS, np.int64)
        """[rows] end of its last voice, without trail."""
        self.heard_ns = np.zeros(FIRST_ROWS, np.int64)
        """[rows] end of the last frame."""
        self._since_ns = np.zeros(FIRST_ROWS, np.int64)
        self._score = np.zeros(FIRST_ROWS, np.int8)
        self._quiet = np.zeros(FIRST_ROWS, np.int32)

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self.active = grown(self.active, rows, False)
        self.open = grown(self.open, rows, False)
        self.voiced = grown(self.voiced, rows, False)
        self.start_ns = grown(self.start_ns, rows, 0)
        self.end_ns = grown(self.end_ns, rows, 0)
        self.heard_ns = grown(self.heard_ns, rows, 0)
        self._since_ns = grown(self._since_ns, rows, 0)
        self._score = grown(self._score, rows, 0)
        self._quiet = grown(self._quiet, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        self.active[slot] = self.open[slot] = self.voiced[slot] = False
        self.start_ns[slot] = self.end_ns[slot] = self.heard_ns[slot] = self._since_ns[slot] = 0
        self._score[slot] = self._quiet[slot] = 0

    def hear(
        self,
        slots: NDArray[np.intp],
        likely: NDArray[np.float32],
        times_ns: NDArray[np.int64],
        skipped: NDArray[np.int64],
    ) -> Changes:
        """Take a frame that begins at `times_ns`, after `skipped` frames that were never sent."""
        threshold = np.where(self.active[slots], np.float32(UNLIKELY), np.float32(LIKELY))
        active = likely >= threshold
        quiet = self._quiet[slots] + skipped
        score, open_ = self._score[slots], self.open[slots]
        broken = open_ & (quiet >= PAUSE_FRAMES)
        score[quiet >= PAUSE_FRAMES] = 0
        open_ &= ~broken
        begins = active & (score == 0) & ~open_
        score = np.clip(score + np.where(active, 1, -1), 0, ONSET_FRAMES).astype(np.int8)
        quiet = np.where(active, 0, quiet + 1)
        started = ~open_ & (score >= ONSET_FRAMES)
        over = open_ & (quiet >= PAUSE_FRAMES)
        open_ = (open_ | started) & ~over
        voiced = open_ & (quiet <= HANGOVER_FRAMES)
        ended = np.flatnonzero(broken | over)
        spans = np.stack((self.start_ns[slots[ended]], self.end_ns[slots[ended]]), axis=1)
        self._since_ns[slots[begins]] = times_ns[begins]
        self.end_ns[slots[active]] = times_ns[active] + FRAME_NS
        begun = np.flatnonzero(started)
        self.start_ns[slots[begun]] = self._since_ns[slots[begun]]
        self.active[slots], self.open[slots], self.voiced[slots] = active, open_, voiced
        self._score[slots], self._quiet[slots] = score, quiet
        self.heard_ns[slots] = times_ns + FRAME_NS
        return Changes(voiced, begun, ended, spans)

    def stale(self, now_ns: int) -> NDArray[np.intp]:
        """Slots whose stretch is over because nothing came any more; they are closed."""
        slots = np.flatnonzero(self.open & (self.heard_ns < now_ns - STALE_NS))
        for slot in slots:
            self.end(int(slot))
        return slots

    def span(self, slot: int) -> tuple[int, int]:
        """From when to when the leg's last stretch was, without lead and trail."""
        return int(self.start_ns[slot]), int(self.end_ns[slot])

    def end(self, slot: int) -> None:
        """End a stretch now."""
        self.active[slot] = self.open[slot] = self.voiced[slot] = False
        self._score[slot] = 0
