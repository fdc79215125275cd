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


NEVER: Final = 1 << 30
"""Frames since a voice that there never was."""
NONE: Final = np.zeros(0, np.intp)


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
        self.open = np.zeros(FIRST_ROWS, np.bool_)
        """[rows] a stretch is under way."""
        self.start_ns = np.zeros(FIRST_ROWS, np.int64)
        """[rows] first voice of the stretch, without lead."""
        self.heard_ns = np.zeros(FIRST_ROWS, np.int64)
        """[rows] end of the last frame."""
        self._came_ns = np.zeros(FIRST_ROWS, np.int64)
        """[rows] when the last frame was there, by our own clock: a sender's may lag behind."""
        self._came = np.zeros(FIRST_ROWS, np.bool_)
        """[rows] whether a frame was there since `stale` was asked last."""
        self._score = np.zeros(FIRST_ROWS, np.int32)
        self._quiet = np.full(FIRST_ROWS, NEVER, np.int32)
        """[rows] frames since the last one of voice."""

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self.open = grown(self.open, rows, False)
        self.start_ns = grown(self.start_ns, rows, 0)
        self.heard_ns = grown(self.heard_ns, rows, 0)
        self._came_ns = grown(self._came_ns, rows, 0)
        self._came = grown(self._came, rows, False)
        self._score = grown(self._score, rows, 0)
        self._quiet = grown(self._quiet, rows, NEVER)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        self.open[slot] = False
        self.start_ns[slot] = self.heard_ns[slot] = self._score[slot] = 0
        self._quiet[slot] = NEVER

    def active(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether the last frame was voice, without any hangover."""
        return np.asarray(self._quiet[slots] == 0)

    def voiced(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether somebody talks, hangover included."""
        return np.asarray(self.open[slots] & (self._quiet[slots] <= HANGOVER_FRAMES))

    def hear(
        self,
        slots: NDArray[np.intp],
        likely: NDArray[np.float32],
        times_ns: NDArray[np.int64],
        skipped: NDArray[np.int64] | None = None,
    ) -> Changes:
        """Take a frame that begins at `times_ns`, after `skipped` frames that were never sent."""
        quiet, score, open_ = self._quiet[slots], self._score[slots], self.open[slots]
        threshold = np.where(quiet == 0, np.float32(UNLIKELY), np.float32(LIKELY))
        active = likely >= threshold
        broken, spans = NONE, np.zeros((0, 2), np.int64)
        if skipped is not None:
            broken, spans = self._break(slots, skipped, quiet, score, open_)
        score += np.where(active, np.int32(1), np.int32(-1))
        np.minimum(score, ONSET_FRAMES, out=score)
        np.maximum(score, 0, out=score)
        quiet += 1
        np.minimum(quiet, NEVER, out=quiet)
        quiet *= ~active
        started = np.flatnonzero(~open_ & (score >= ONSET_FRAMES))
        over = np.flatnonzero(open_ & (quiet >= PAUSE_FRAMES))
        self._quiet[slots], self._score[slots] = quiet, score
        self.heard_ns[slots] = times_ns + FRAME_NS
        self._came[slots] = True
        if len(over):
            spans = np.concatenate((spans, self._spans(slots[over])))
            open_[over] = False
        if len(started):
            open_[started] = True
            self.start_ns[slots[started]] = times_ns[started] - (ONSET_FRAMES - 1) * FRAME_NS
        self.open[slots] = open_
        voiced = open_ & (quiet <= HANGOVER_FRAMES)
        return Changes(voiced, started, np.concatenate((broken, over)), spans)

    def _break(
        self,
        slots: NDArray[np.intp],
        skipped: NDArray[np.int64],
        quiet: NDArray[np.int32],
        score: NDArray[np.int32],
        open_: NDArray[np.bool_],
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """What was not sent was a pause, and may have ended stretches before this frame."""
        quiet += np.minimum(skipped, NEVER - quiet).astype(np.int32)
        silent = quiet >= PAUSE_FRAMES
        broken = np.flatnonzero(open_ & silent)
        spans = self._spans(slots[broken])
        open_ &= ~silent
        score[silent] = 0
        return broken, spans

    def _spans(self, slots: NDArray[np.intp]) -> NDArray[np.int64]:
        """From when to when the stretches of these legs were, by the frames counted since."""
        end_ns = self.heard_ns[slots] - self._quiet[slots] * np.int64(FRAME_NS)
        return np.stack((self.start_ns[slots], end_ns), axis=1)

    def stale(self, now_ns: int) -> NDArray[np.intp]:
        """Slots whose stretch is over because nothing came any more; they are closed. Ask at
        every tick."""
        self._came_ns[self._came] = now_ns
        self._came[:] = False
        slots = np.flatnonzero(self.open & (self._came_ns < now_ns - STALE_NS))
        for slot in slots:
            self.end(int(slot))
        return slots

    def heard_since(self, time_ns: int) -> NDArray[np.intp]:
        """Slots of which a frame has come since then, as far as `stale` has seen."""
        return np.flatnonzero(self._came_ns >= time_ns)

    def span(self, slot: int) -> tuple[int, int]:
        """From when to when the leg's last stretch was, without lead and trail."""
        ((start_ns, end_ns),) = self._spans(np.array([slot])).tolist()
        return start_ns, end_ns

    def end(self, slot: int) -> None:
        """End a stretch now."""
        self.open[slot] = False
        self._score[slot] = 0
