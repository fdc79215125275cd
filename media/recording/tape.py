"""A tape: the sound of one call, two channels on one time line that begins at its zero.

Left is the caller, right whom the caller hears: the called party, and what the switch plays. Sound
comes in blocks that are a little out of step with each other; what lies before the time that
everything has come in for is mixed and handed on, once. What was mixed last is kept for clips as
mu-law, a byte a sample. Knows no clock, file or call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.g711 import SILENCE, ULAW_ENCODE, Samples
from media.recording.blocks import RIGHT, SAMPLE_NS, Block
from media.recording.playing import Playing, mixed
from media.recording.track import Track

__all__ = ["WINDOW_SECONDS", "Tape"]

WINDOW_SECONDS = 4
"""How far sound may lie ahead of what is mixed: the second between two hand-overs, the second that
is waited for what comes late, and as much again for a loop that stalls. Sound beyond is lost."""
WINDOW = WINDOW_SECONDS * SAMPLE_RATE
MAX_PLAYING = 64
"""Prompts at once in what is not mixed yet: a treatment that starts more in two seconds is going
round; the oldest are left out."""


class Tape:
    """What was heard and is not handed on yet, and what clips may still want."""

    def __init__(self, zero_ns: int, *, history: int = 0) -> None:
        self.zero_ns = zero_ns
        self.base = 0
        """Samples handed on."""
        self.lost = [0, 0]
        """Samples of each channel that came too late, or lay too far ahead."""
        self._window = np.zeros((WINDOW, 2), np.int16)
        self._reach = 0
        """Up to where there is sound in the window."""
        self._tracks = (Track(), Track())
        self._playing: deque[Playing] = deque(maxlen=MAX_PLAYING)
        self._history: deque[NDArray[np.uint8]] = deque()
        self._kept = 0
        self._history_limit = history

    def index(self, at_ns: int) -> int:
        """The sample of the tape at a monotonic time."""
        return round((at_ns - self.zero_ns) / SAMPLE_NS)

    def add(self, blocks: Iterable[Block]) -> None:
        """Lay what was heard."""
        for block in blocks:
            for start, samples in self._tracks[block.channel].place(block, self.zero_ns):
                self._write(block.channel, start - self.base, samples)

    def _write(self, channel: int, start: int, samples: Samples) -> None:
        first, last = max(start, 0), min(start + len(samples), WINDOW)
        self.lost[channel] += len(samples) - max(0, last - first)
        if last > first:
            self._window[first:last, channel] = samples[first - start : last - start]
            self._reach = max(self._reach, last)

    def play(self, at_ns: int, ulaw: bytes, *, repeat: bool) -> None:
        """A prompt begins, in place of the one before."""
        self.stop_playing(at_ns)
        sound = np.frombuffer(ulaw, np.uint8)
        self._playing.append(Playing(self.index(at_ns), sound, repeat))

    def stop_playing(self, at_ns: int) -> None:
        """What plays is cut."""
        at = self.index(at_ns)
        for playing in self._playing:
            if playing.end is None or playing.end > at:
                playing.stop = at

    def mix(self, until_ns: int) -> Iterator[Samples]:
        """Hand on all up to a time: pieces of [N, 2] samples."""
        until = self.index(until_ns)
        while self.base < until:
            yield self._mix_piece(min(until - self.base, WINDOW))

    def _mix_piece(self, count: int) -> Samples:
        stereo = self._window[:count].copy()
        for playing in self._playing:
            start, sound = playing.between(self.base, self.base + count)
            place = slice(start - self.base, start - self.base + len(sound))
            if len(sound):
                stereo[place, RIGHT] = mixed(stereo[place, RIGHT], sound)
        self._shift(count)
        while self._playing and self._is_over(self._playing[0]):
            self._playing.popleft()
        self._remember(stereo)
        return stereo

    def _shift(self, count: int) -> None:
        rest = max(0, self._reach - count)
        self._window[:rest] = self._window[count : count + rest].copy()
        self._window[rest : self._reach] = 0
        self._reach = rest
        self.base += count

    def _is_over(self, playing: Playing) -> bool:
        return playing.end is not None and playing.end <= self.base

    # What clips want.

    def remember(self, samples: int) -> None:
        """Keep at least so much of what is past."""
        self._history_limit = max(self._history_limit, samples)

    def _remember(self, stereo: Samples) -> None:
        if not self._history_limit:
            return
        self._history.append(ULAW_ENCODE[stereo.view(np.uint16)])
        self._kept += len(stereo)
        while self._kept - len(self._history[0]) >= self._history_limit:
            self._kept -= len(self._history.popleft())

    def cut(self, start: int, end: int) -> NDArray[np.uint8]:
        """A stretch of what was handed on, as far as it is remembered: [N, 2] mu-law."""
        oldest = self.base - self._kept
        start, end = max(start, oldest), min(end, self.base)
        if end <= start:
            return np.full((0, 2), SILENCE["PCMU"], np.uint8)
        pieces = []
        for piece in self._history:
            first, last = max(start - oldest, 0), min(end - oldest, len(piece))
            if last > first:
                pieces.append(piece[first:last])
            oldest += len(piece)
        return np.concatenate(pieces)
